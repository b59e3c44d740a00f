/*
 * run.c - see run.h.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "environment.h"
#include "job.h"
#include "loop.h"
#include "port.h"
#include "session.h"

/* Between two pieces of one stream: at most 80 lines and 290 KB a second with both, all of it encoded. */
#define PACE_MS 25
/* After the program's end, what a daemon of its own still writes is not followed any longer than this. */
#define MAX_REST_BYTES (256 * 1024)

/* The source comes first, so that its address is the stream's. */
struct stream {
	struct loop_source source;
	const char *name;
	bool readable;
	size_t rest; /* bytes read since the program's end */
};

static void stream_ready(struct loop_source *source, uint32_t events);

static struct stream streams[2] = {
	{ .source = { .fd = -1, .ready = stream_ready }, .name = "stdout" },
	{ .source = { .fd = -1, .ready = stream_ready }, .name = "stderr" },
};

static enum { RUN_NONE, RUN_ACTIVE, RUN_ENDED, RUN_ABANDONED } phase;
static struct run_result result;
static int64_t started_ms;
static int64_t next_ms;

static void stream_ready(struct loop_source *source, uint32_t events)
{
	(void)events;
	/* Edge-triggered: read when it is this stream's turn, until there is nothing left. */
	((struct stream *)source)->readable = true;
}

static void close_streams(void)
{
	loop_close(&streams[0].source);
	loop_close(&streams[1].source);
}

/* The writing end of a new pipe whose reading end is the stream's, or -1. */
static int open_stream(struct stream *stream)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	stream->readable = false;
	stream->rest = 0;
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 &&
	    loop_add(&stream->source, ends[0], EPOLLIN | EPOLLET))
		return ends[1];
	close(ends[0]);
	close(ends[1]);
	return -1;
}

static void job_ended(const struct job_outcome *outcome, void *context)
{
	(void)context;
	if (phase == RUN_ABANDONED) {
		phase = RUN_NONE;
		return;
	}
	result.code = outcome->code;
	result.signal = outcome->signal;
	result.timed_out = outcome->timed_out;
	result.duration_ms = clock_ms() - started_ms;
	phase = RUN_ENDED;
}

static bool start(const struct message *message)
{
	const char *argv[MAX_RUN_ARGUMENTS + 1];
	struct environment environment;
	parameters_list(&message->arguments, argv);
	environment_fill(&environment, &message->parameters);
	int ends[2] = { open_stream(&streams[0]), -1 };
	if (ends[0] >= 0)
		ends[1] = open_stream(&streams[1]);
	bool started = ends[1] >= 0 && job_start_into(argv, environment.variables, ends,
						      started_ms + message->timeout_ms, job_ended, &result);
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	if (!started)
		close_streams();
	return started;
}

void run_begin(const struct message *message)
{
	struct run_result refusal = { .id = message->id, .refused = "another run is not over yet" };
	if (phase != RUN_NONE) {
		session_send_run_result(&refusal);
		return;
	}
	started_ms = next_ms = clock_ms();
	result = (struct run_result){ .id = message->id };
	if (start(message)) {
		phase = RUN_ACTIVE;
		return;
	}
	refusal.refused = "the agent could not start a process";
	session_send_run_result(&refusal);
}

void run_abandon(void)
{
	if (phase == RUN_ACTIVE) {
		phase = RUN_ABANDONED;
		job_end(&result);
	} else if (phase == RUN_ENDED) {
		phase = RUN_NONE;
	}
	close_streams();
}

/* One piece of a stream to the host. False when there is none now. */
static bool pump(struct stream *stream)
{
	char text[MAX_RUN_TEXT_BYTES];
	ssize_t got;
	do
		got = read(stream->source.fd, text, sizeof text);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		session_send_output(result.id, stream->name, text, (size_t)got);
		if (phase == RUN_ENDED)
			stream->rest += (size_t)got;
		if (stream->rest <= MAX_REST_BYTES)
			return true;
	}
	stream->readable = false;
	/* What a daemon holds open after the program's end is not waited for. */
	if (got >= 0 || errno != EAGAIN || phase == RUN_ENDED)
		loop_close(&stream->source);
	return false;
}

void run_tick(int64_t now_ms)
{
	bool told = false;
	if ((phase != RUN_ACTIVE && phase != RUN_ENDED) || now_ms < next_ms)
		return;
	for (int i = 0; i < 2; i++)
		if (streams[i].source.fd >= 0 && (streams[i].readable || phase == RUN_ENDED) && port_is_idle())
			told = pump(&streams[i]) || told;
	if (phase == RUN_ENDED && streams[0].source.fd < 0 && streams[1].source.fd < 0) {
		phase = RUN_NONE;
		session_send_run_result(&result);
		return;
	}
	/* While the port is busy: look again, there is nothing else to wait for. */
	if (told || !port_is_idle())
		next_ms = now_ms + PACE_MS;
}

int64_t run_next_ms(void)
{
	bool waiting = phase == RUN_ENDED;
	for (int i = 0; phase == RUN_ACTIVE && i < 2; i++)
		waiting = waiting || (streams[i].source.fd >= 0 && streams[i].readable);
	return waiting ? next_ms : NEVER_MS;
}
