/*
 * resource.h - the resources we were told to watch, and the main process of each. Runs nothing; an
 * operation tells it which process to follow, deaths.c tells it what ended, and it tells the host.
 */
#ifndef PCLOUD_RESOURCE_H
#define PCLOUD_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "message.h"

enum process_state { PROCESS_UNKNOWN, PROCESS_RUNNING, PROCESS_DEAD };

struct resource {
	bool used;
	char name[MAX_NAME_BYTES + 1];
	enum resource_class class;
	char service[MAX_SERVICE_BYTES + 1];
	struct parameters parameters;
	enum process_state state;
	pid_t pid; /* of the main process followed, 0: none */
	unsigned long long start_ticks;
	/* Session of the last main process where it was its own: finds survivors when it is gone. 0: none. */
	pid_t session;
	/* The kernel said that it ended, /proc does not show it yet. */
	bool ending;
	int ending_status;
	int64_t recheck_ms;
	int64_t recheck_until_ms;
	/* Its main process must be looked up. */
	bool lookup_wanted;
	/* When the service manager was last asked, for monitors that need not ask each time. */
	int64_t asked_ms;
};

/* The wire's words: running, dead, unknown. */
const char *process_state_name(enum process_state state);

struct resource *resource_find(const char *name);
/* Adds or changes; `*changed` says whether class, service or parameters differ from before. NULL: full. */
struct resource *resource_add(const struct message *watch, bool *changed);
void resource_remove(struct resource *resource);
/* Iterates: start with NULL; NULL at the end. */
struct resource *resource_next(struct resource *after);

/* Follows this process. False when it is not alive: the resource is then dead. */
bool resource_follow(struct resource *resource, pid_t pid);
/* Running or dead by the word of its manager; says dead to the host by `death` when one was followed. */
void resource_set(struct resource *resource, enum process_state state);
/* True when the followed process is alive now; reports its death otherwise. */
bool resource_check(struct resource *resource);

/* For deaths.c. */
void resources_process_ended(pid_t pid, int status);
void resources_check_all(void);
void resources_tick(int64_t now_ms);
int64_t resources_next_ms(void);

#endif
