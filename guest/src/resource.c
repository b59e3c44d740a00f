/*
 * resource.c - see resource.h.
 */
#include "resource.h"

#include <string.h>

#include "clock.h"
#include "procfs.h"
#include "session.h"

/* Between the kernel's event and /proc showing it (old kernels, many threads): look again this often. */
#define RECHECK_MS 2
#define RECHECK_FOR_MS 2000

static struct resource table[MAX_RESOURCES];

const char *process_state_name(enum process_state state)
{
	switch (state) {
	case PROCESS_RUNNING:
		return "running";
	case PROCESS_DEAD:
		return "dead";
	case PROCESS_UNKNOWN:
		break;
	}
	return "unknown";
}

struct resource *resource_next(struct resource *after)
{
	for (struct resource *r = after == NULL ? table : after + 1; r < table + MAX_RESOURCES; r++)
		if (r->used)
			return r;
	return NULL;
}

struct resource *resource_find(const char *name)
{
	for (struct resource *r = NULL; (r = resource_next(r)) != NULL;)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

static void fill(struct resource *resource, const struct message *watch)
{
	memset(resource, 0, sizeof *resource);
	resource->used = true;
	strcpy(resource->name, watch->name);
	resource->class = watch->class;
	strcpy(resource->service, watch->service);
	resource->parameters = watch->parameters;
	resource->recheck_ms = NEVER_MS;
}

struct resource *resource_add(const struct message *watch, bool *changed)
{
	struct resource *resource = resource_find(watch->name);
	*changed = true;
	if (resource != NULL) {
		*changed = resource->class != watch->class || strcmp(resource->service, watch->service) != 0 ||
			   resource->parameters.length != watch->parameters.length ||
			   memcmp(resource->parameters.bytes, watch->parameters.bytes, watch->parameters.length) != 0;
		if (*changed)
			fill(resource, watch);
		return resource;
	}
	for (resource = table; resource < table + MAX_RESOURCES; resource++)
		if (!resource->used) {
			fill(resource, watch);
			return resource;
		}
	return NULL;
}

void resource_remove(struct resource *resource)
{
	resource->used = false;
}

static void forget_process(struct resource *resource)
{
	resource->pid = 0;
	resource->ending = false;
	resource->recheck_ms = NEVER_MS;
}

static void report_death(struct resource *resource)
{
	pid_t pid = resource->pid;
	bool known = resource->ending;
	resource->state = PROCESS_DEAD;
	forget_process(resource);
	session_send_death(resource, pid, known, resource->ending_status);
}

static bool is_alive(const struct resource *resource)
{
	struct procfs_stat stat;
	/* Another start time is another process that got the same number. */
	return procfs_read(resource->pid, &stat) && stat.start_ticks == resource->start_ticks &&
	       procfs_is_alive(&stat);
}

bool resource_check(struct resource *resource)
{
	if (resource->pid == 0)
		return false;
	if (is_alive(resource))
		return true;
	report_death(resource);
	return false;
}

/* A session that is the daemon's alone, not a login's that it was started from; 0: none. */
static pid_t own_session(pid_t pid, const struct procfs_stat *stat)
{
	struct procfs_stat leader;
	return stat->session == pid || !procfs_read(stat->session, &leader) ? stat->session : 0;
}

bool resource_follow(struct resource *resource, pid_t pid)
{
	struct procfs_stat stat;
	if (pid <= 0 || !procfs_read(pid, &stat) || !procfs_is_alive(&stat)) {
		resource_set(resource, PROCESS_DEAD);
		return false;
	}
	if (resource->pid != pid || resource->start_ticks != stat.start_ticks) {
		/* The one before it ended without our being told (or we would follow none now). */
		if (resource->pid != 0)
			resource_check(resource);
		forget_process(resource);
		resource->pid = pid;
		resource->start_ticks = stat.start_ticks;
	}
	resource->session = own_session(pid, &stat);
	resource->state = PROCESS_RUNNING;
	return true;
}

void resource_set(struct resource *resource, enum process_state state)
{
	/* The kernel's word on a followed process outweighs its manager's. */
	if (resource->pid != 0 && resource_check(resource) && state == PROCESS_DEAD)
		return;
	if (resource->pid == 0)
		resource->state = state;
}

void resources_process_ended(pid_t pid, int status)
{
	for (struct resource *r = NULL; (r = resource_next(r)) != NULL;) {
		if (r->pid != pid)
			continue;
		r->ending = true;
		r->ending_status = status;
		if (resource_check(r)) {
			int64_t now_ms = clock_ms();
			r->recheck_ms = now_ms + RECHECK_MS;
			r->recheck_until_ms = now_ms + RECHECK_FOR_MS;
		}
	}
}

void resources_check_all(void)
{
	for (struct resource *r = NULL; (r = resource_next(r)) != NULL;)
		if (r->pid != 0)
			resource_check(r);
}

void resources_tick(int64_t now_ms)
{
	for (struct resource *r = NULL; (r = resource_next(r)) != NULL;) {
		if (now_ms < r->recheck_ms || r->pid == 0 || !resource_check(r))
			continue;
		/* A leader that ended while other threads stay: look seldom from now on. */
		r->recheck_ms = now_ms + (now_ms < r->recheck_until_ms ? RECHECK_MS : 250);
	}
}

int64_t resources_next_ms(void)
{
	int64_t next_ms = NEVER_MS;
	for (struct resource *r = NULL; (r = resource_next(r)) != NULL;)
		next_ms = earlier_ms(next_ms, r->recheck_ms);
	return next_ms;
}
