/*
 * session.h - the conversation with the host: who said hello, heartbeats, the state after a hello, and
 * which function a message leads to.
 */
#ifndef PCLOUD_SESSION_H
#define PCLOUD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "message.h"

struct resource;

struct session_options {
	bool systemd; /* which init runs the guest */
};

/* Opens the port and begins. */
void session_open(const struct session_options *options);
void session_tick(int64_t now_ms);
int64_t session_next_ms(void);

void session_send_state(const struct resource *resource);
/* `status` is wait(2)'s and counts only when `known`. */
void session_send_death(const struct resource *resource, pid_t pid, bool known, int status);

struct operation_result {
	uint32_t id;
	const char *name;
	enum operation_kind kind;
	int code; /* OCF */
	bool timed_out;
	int64_t duration_ms;
	const char *output;
	size_t output_length;
};
void session_send_result(const struct operation_result *result);

/* A piece of a run's output, at most MAX_RUN_TEXT_BYTES; lost when nobody is there or the queue is full. */
void session_send_output(uint32_t id, const char *stream, const char *text, size_t length);

struct run_result {
	uint32_t id;
	int code;
	int signal; /* 0: it exited with `code` */
	bool timed_out;
	int64_t duration_ms;
	const char *refused; /* why it was not started; NULL otherwise */
};
void session_send_run_result(const struct run_result *result);

#endif
