/*
 * deaths.c - see deaths.h. The connector reports every fork, exec and exit of the system; a socket filter
 * in the kernel lets only exits of processes through, so that a busy guest does not wake us for the rest.
 */
#include "deaths.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "loop.h"

#define POLL_MS 250
/* How long to wait for the kernel to confirm: outside of the first pid namespace it never does. */
#define CONFIRM_MS 300
#define RECEIVE_BUFFER_BYTES (512 * 1024)

static const struct death_handlers *handle;
static int64_t next_ms = NEVER_MS;
static void connector_ready(struct loop_source *source, uint32_t events);
static struct loop_source source = { .fd = -1, .ready = connector_ready };

/* Where the kind of event stands in a datagram. */
#define WHAT_OFFSET (NLMSG_HDRLEN + offsetof(struct cn_msg, data))
#define EVENT_MIN_BYTES offsetof(struct proc_event, event_data)

#define PID_OFFSET (WHAT_OFFSET + offsetof(struct proc_event, event_data.exit.process_pid))
#define TGID_OFFSET (WHAT_OFFSET + offsetof(struct proc_event, event_data.exit.process_tgid))

static bool filter_exits(int fd)
{
	/* The filter loads words in network order; the kernel wrote them in its own. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, WHAT_OFFSET),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 5, 0), /* the confirmation: let it through */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(0x80000000u), 0, 5), /* PROC_EVENT_EXIT */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PID_OFFSET),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, TGID_OFFSET),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1), /* of a process, not of one of its threads */
		BPF_STMT(BPF_RET | BPF_K, 0xffffffffu),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { .len = sizeof code / sizeof code[0], .filter = code };
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

static bool subscribe(int fd)
{
	struct {
		struct nlmsghdr header;
		char body[sizeof(struct cn_msg) + sizeof(enum proc_cn_mcast_op)];
	} __attribute__((aligned(NLMSG_ALIGNTO))) request;
	enum proc_cn_mcast_op operation = PROC_CN_MCAST_LISTEN;
	struct cn_msg message = { .id = { .idx = CN_IDX_PROC, .val = CN_VAL_PROC }, .len = sizeof operation };
	memset(&request, 0, sizeof request);
	request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.body);
	request.header.nlmsg_type = NLMSG_DONE;
	request.header.nlmsg_pid = (unsigned)getpid();
	memcpy(request.body, &message, sizeof message);
	memcpy(request.body + sizeof message, &operation, sizeof operation);
	return send(fd, &request, request.header.nlmsg_len, 0) == (ssize_t)request.header.nlmsg_len;
}

/* Takes one datagram. 1: an event is in `event`; 0: something else, skipped; -1: nothing more, errno set. */
static int receive(int fd, struct proc_event *event)
{
	union {
		struct nlmsghdr header;
		char bytes[1024];
	} buffer;
	struct sockaddr_nl sender;
	socklen_t sender_size = sizeof sender;
	ssize_t got = recvfrom(fd, &buffer, sizeof buffer, MSG_DONTWAIT, (struct sockaddr *)&sender, &sender_size);
	if (got < 0)
		return -1;
	/* Anybody may send to a netlink socket; only the kernel's port number is 0. */
	if (sender.nl_pid != 0 || (size_t)got < WHAT_OFFSET + EVENT_MIN_BYTES)
		return 0;
	struct cn_msg message;
	memcpy(&message, buffer.bytes + NLMSG_HDRLEN, sizeof message);
	if (message.id.idx != CN_IDX_PROC || message.id.val != CN_VAL_PROC)
		return 0;
	size_t length = (size_t)got - WHAT_OFFSET;
	memset(event, 0, sizeof *event);
	/* Kernels differ in the size of the event; what is missing reads as 0. */
	memcpy(event, buffer.bytes + WHAT_OFFSET, length < sizeof *event ? length : sizeof *event);
	return 1;
}

static bool wait_for_confirmation(int fd)
{
	int64_t until_ms = clock_ms() + CONFIRM_MS;
	for (int64_t left_ms; (left_ms = until_ms - clock_ms()) > 0;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		struct proc_event event;
		if (poll(&wait, 1, (int)left_ms) <= 0 || receive(fd, &event) < 1)
			continue;
		if (event.what == 0)
			return event.event_data.ack.err == 0;
		/* An exit: we are listened to, and the kernel has left the confirmation out. */
		return true;
	}
	return false;
}

static int open_connector(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	int size = RECEIVE_BUFFER_BYTES;
	int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
	if (fd < 0)
		return -1;
	/* A small buffer only means that we look around more often (ENOBUFS below). */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	if (filter_exits(fd) && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && subscribe(fd) &&
	    wait_for_confirmation(fd))
		return fd;
	close(fd);
	return -1;
}

void deaths_open(const struct death_handlers *handlers, bool want_connector)
{
	handle = handlers;
	int fd = want_connector ? open_connector() : -1;
	if (fd >= 0 && loop_add(&source, fd, EPOLLIN))
		return;
	if (want_connector)
		log_line("no proc connector here: looking into /proc every %d ms", POLL_MS);
	next_ms = clock_ms() + POLL_MS;
}

bool deaths_from_connector(void)
{
	return source.fd >= 0;
}

void deaths_drain(void)
{
	if (source.fd < 0)
		return;
	/* Bounded, so that a fork storm cannot keep us here; the rest comes in the next turn. */
	for (int count = 0; count < 4096; count++) {
		struct proc_event event;
		int got = receive(source.fd, &event);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == ENOBUFS) {
			handle->look();
			continue;
		}
		if (got < 0)
			return;
		/* The number, for headers that moved the name into another enum. */
		if (got == 1 && (unsigned)event.what == 0x80000000u &&
		    event.event_data.exit.process_pid == event.event_data.exit.process_tgid)
			handle->ended(event.event_data.exit.process_pid, (int)event.event_data.exit.exit_code);
	}
}

static void connector_ready(struct loop_source *unused, uint32_t events)
{
	(void)unused;
	(void)events;
	deaths_drain();
}

void deaths_tick(int64_t now_ms)
{
	if (source.fd >= 0 || now_ms < next_ms)
		return;
	next_ms = now_ms + POLL_MS;
	handle->look();
}

int64_t deaths_next_ms(void)
{
	return source.fd >= 0 ? NEVER_MS : next_ms;
}
