/*
 * job.h - child processes with a limit: each in its own process group, TERM to the group when its time is
 * up, KILL two seconds later; the last words of stderr and stdout are kept.
 */
#ifndef PCLOUD_JOB_H
#define PCLOUD_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"

struct job_outcome {
	/* Exit code, or 128 + signal as a shell would say. */
	int code;
	int signal; /* what ended it, or 0 */
	bool timed_out;
	/* stderr, and stdout where room is left; not ended by NUL. */
	const char *output;
	size_t output_length;
	/* stdout alone, ended by NUL: what parsers want. Its last MAX_OUTPUT_BYTES bytes. */
	const char *stdout_text;
};

/* `context` is the caller's. The outcome is valid during the call only. */
typedef void job_done(const struct job_outcome *outcome, void *context);

bool jobs_open(void);
/*
 * Starts argv[0] (a path) with this environment, both ended by NULL. False when it could not be started:
 * `done` is not called then. A NULL `done` means that nobody waits for it.
 */
bool job_start(const char *const argv[], const char *const environment[], int64_t deadline_ms,
	       job_done *done, void *context);
/* The same, with its output into the caller's descriptors (stdout, stderr): the outcome has no output then. */
bool job_start_into(const char *const argv[], const char *const environment[], const int streams[2],
		    int64_t deadline_ms, job_done *done, void *context);
/* Ends the job with this context as if its time were up. */
void job_end(const void *context);
void jobs_tick(int64_t now_ms);
int64_t jobs_next_ms(void);

/* PATH and a plain locale, for programs that need nothing else. */
extern const char *const job_plain_environment[];

#endif
