/*
 * operation.h - monitor, start, stop and kill of a resource, several at once, each with its limit. What
 * they mean for a class of resource is the flavour's (systemd.c, sysv.c, ocf.c): a flavour is called again
 * after each child process and each wait, and finds in `step` where it was.
 */
#ifndef PCLOUD_OPERATION_H
#define PCLOUD_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "job.h"
#include "kill-tree.h"
#include "message.h"
#include "resource.h"

/* OCF resource agent API 1.1, "Return codes". */
enum ocf_code { OCF_SUCCESS = 0, OCF_ERROR = 1, OCF_NOT_INSTALLED = 5, OCF_NOT_RUNNING = 7 };

struct operation {
	bool used;
	bool waiting_for_reload;
	uint32_t id;
	enum operation_kind kind;
	char name[MAX_NAME_BYTES + 1];
	void (*flavour)(struct operation *operation, struct resource *resource, const struct job_outcome *outcome);
	int64_t started_ms;
	int64_t deadline_ms;
	int64_t wake_ms;
	/* The flavour's own: where it is, and the exit code it remembers. 0 at the beginning. */
	int step;
	int code;
	/* Of a kill: until when what it has asked to end may end by itself; 0 before it has asked. */
	int64_t term_until_ms;
	struct kill_list victims;
	char output[MAX_OUTPUT_BYTES];
	size_t output_length;
};

/* For session.c. */
void operations_watch(const struct message *message);
void operations_unwatch(const char *name);
void operations_begin(const struct message *message);
void operations_tick(int64_t now_ms);
int64_t operations_next_ms(void);

/* For flavours; each is the last thing that a flavour does before it returns. */
/* Runs a program; the flavour is called with its outcome, unless the time is up before. */
void operation_run(struct operation *operation, int next_step, const char *const argv[],
		   const char *const environment[]);
/* Calls the flavour again (without an outcome) after `delay_ms`, unless the time is up before. */
void operation_wait(struct operation *operation, int next_step, int delay_ms);
/*
 * The signal that a kill is to send now: TERM at first, none while what it was sent to may still end by itself,
 * then KILL. A database that hangs in one query writes its log at a TERM; what ignores it is not waited for.
 */
int operation_force(struct operation *operation);
/* `text` replaces the kept output where it is not NULL. */
void operation_finish(struct operation *operation, int code, const char *text);

/* Keeps a program's last words for the result. */
void operation_keep_output(struct operation *operation, const struct job_outcome *outcome);

#endif
