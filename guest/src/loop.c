/*
 * loop.c - see loop.h.
 */
#include "loop.h"

#include <unistd.h>

#include "clock.h"

static int epoll_fd = -1;

bool loop_open(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return epoll_fd >= 0;
}

bool loop_add(struct loop_source *source, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };
	source->fd = fd;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return true;
	source->fd = -1;
	return false;
}

void loop_close(struct loop_source *source)
{
	if (source->fd < 0)
		return;
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	close(source->fd);
	source->fd = -1;
}

void loop_turn(int64_t until_ms)
{
	struct epoll_event events[16];
	int64_t wait_ms = until_ms - clock_ms();
	if (wait_ms < 0)
		wait_ms = 0;
	/* An hour is as good as for ever, and fits an int. */
	if (wait_ms > 3600000)
		wait_ms = 3600000;
	int count = epoll_wait(epoll_fd, events, 16, (int)wait_ms);
	for (int i = 0; i < count; i++) {
		struct loop_source *source = events[i].data.ptr;
		/* Closed by an earlier function of the same turn. */
		if (source->fd >= 0)
			source->ready(source, events[i].events);
	}
}
