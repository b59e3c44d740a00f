/*
 * port.c - see port.h.
 */
#include "port.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "limits.h"
#include "log.h"
#include "loop.h"
#include "port-open.h"

/* How often to look for the port, or for a host whose edge did not come. */
#define RETRY_MS 250
#define ACCEPT_MS 20
#define LOOK_MS 1000
/* Bytes taken in one go, so that a flooding host cannot keep us from the rest of our work. */
#define READ_BUDGET_BYTES 65536

static const struct port_handlers *handle;
static struct port_opener opener;
static int64_t next_ms;
static bool connected;
static bool skipping; /* inside a line that is too long */
static char in[MAX_LINE_BYTES];
static size_t in_length;
static char out[MAX_SEND_BUFFER_BYTES];
static size_t out_length;

static void port_ready(struct loop_source *source, uint32_t events);
static struct loop_source source = { .fd = -1, .ready = port_ready };

void port_use_virtio(const char *port_name)
{
	opener = (struct port_opener){ .kind = PORT_VIRTIO, .name = port_name, .listener = -1 };
}

void port_use_path(const char *path)
{
	opener = (struct port_opener){ .kind = PORT_PATH, .name = path, .listener = -1 };
}

void port_use_listener(const char *path)
{
	opener = (struct port_opener){ .kind = PORT_LISTEN, .name = path, .listener = -1 };
}

bool port_is_connected(void)
{
	return connected;
}

bool port_is_idle(void)
{
	return connected && out_length == 0;
}

int64_t port_next_ms(void)
{
	return next_ms;
}

static int retry_ms(void)
{
	return opener.kind == PORT_LISTEN ? ACCEPT_MS : RETRY_MS;
}

static void lost(bool reopen)
{
	/* A line cut off by a hang-up has no end that will ever come, and what we queued has no reader. */
	in_length = 0;
	out_length = 0;
	skipping = false;
	if (reopen)
		loop_close(&source);
	next_ms = clock_ms() + (reopen ? retry_ms() : LOOK_MS);
	if (connected) {
		connected = false;
		handle->disconnected();
	}
}

/* A virtio port stays open while the host is away; a socket that ended is done with. */
static bool must_reopen(void)
{
	return opener.kind != PORT_VIRTIO;
}

static void write_out(void)
{
	bool had = out_length > 0;
	while (connected && out_length > 0) {
		ssize_t written = write(source.fd, out, out_length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN)
			return;
		if (written <= 0) {
			lost(must_reopen());
			return;
		}
		out_length -= (size_t)written;
		memmove(out, out + written, out_length);
	}
	if (had && connected)
		handle->drained();
}

bool port_send(const char *bytes, size_t length)
{
	if (!connected || length > sizeof out - out_length)
		return false;
	memcpy(out + out_length, bytes, length);
	out_length += length;
	write_out();
	return connected;
}

static void take_bytes(char *bytes, size_t length)
{
	for (size_t i = 0; i < length && connected; i++) {
		if (bytes[i] == '\n') {
			size_t line_length = in_length;
			bool whole = !skipping;
			in_length = 0;
			skipping = false;
			if (whole && line_length > 0)
				handle->line(in, line_length);
		} else if (in_length < sizeof in - 1) {
			in[in_length++] = bytes[i];
		} else {
			skipping = true;
		}
	}
}

static bool host_is_there(void)
{
	struct pollfd look = { .fd = source.fd, .events = POLLIN | POLLOUT };
	if (poll(&look, 1, 0) < 0)
		return connected;
	return (look.revents & (POLLERR | POLLNVAL)) == 0 &&
	       (opener.kind != PORT_VIRTIO || (look.revents & POLLHUP) == 0);
}

static void read_in(void)
{
	char bytes[4096];
	size_t budget = READ_BUDGET_BYTES;
	while (connected && source.fd >= 0) {
		ssize_t got = read(source.fd, bytes, sizeof bytes);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0) {
			lost(must_reopen());
			return;
		}
		take_bytes(bytes, (size_t)got);
		if ((size_t)got >= budget) {
			/* More may be waiting and no new edge will say so. */
			next_ms = clock_ms();
			return;
		}
		budget -= (size_t)got;
	}
}

static void pump(void)
{
	if (!host_is_there()) {
		lost(must_reopen());
		return;
	}
	if (!connected) {
		connected = true;
		handle->connected();
	}
	/* While the host is there edges tell everything; the slow look is for kernels that lose one. */
	next_ms = clock_ms() + LOOK_MS;
	read_in();
	write_out();
}

static void port_ready(struct loop_source *unused, uint32_t events)
{
	(void)unused;
	(void)events;
	pump();
}

void port_open(const struct port_handlers *handlers)
{
	handle = handlers;
	port_tick(clock_ms());
}

void port_tick(int64_t now_ms)
{
	if (now_ms < next_ms)
		return;
	if (source.fd < 0) {
		static bool complained;
		int fd = port_opener_open(&opener);
		if (fd < 0 || !loop_add(&source, fd, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLET)) {
			if (!complained && errno != EAGAIN)
				log_line("port %s is not there yet (%s), looking again every %d ms", opener.name,
					 strerror(errno), retry_ms());
			complained = true;
			if (fd >= 0)
				close(fd);
			next_ms = now_ms + retry_ms();
			return;
		}
		complained = false;
	}
	pump();
}
