/*
 * operation.c - see operation.h.
 */
#include "operation.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "clock.h"
#include "deaths.h"
#include "log.h"
#include "ocf.h"
#include "parameters-file.h"
#include "session.h"
#include "systemd.h"
#include "sysv.h"

#define LOOKUP_TIMEOUT_MS 20000
/* As for a child process whose time is up (job.c), and no more than a quarter of the time that there is. */
#define TERM_GRACE_MS 2000

static struct operation table[MAX_OPERATIONS + MAX_LOOKUPS];

static struct operation *operation_next(struct operation *after)
{
	for (struct operation *o = after == NULL ? table : after + 1;
	     o < table + MAX_OPERATIONS + MAX_LOOKUPS; o++)
		if (o->used)
			return o;
	return NULL;
}

static int count(bool lookups)
{
	int found = 0;
	for (struct operation *o = NULL; (o = operation_next(o)) != NULL;)
		found += (o->kind == OPERATION_LOOKUP) == lookups;
	return found;
}

static struct operation *take_place(void)
{
	for (struct operation *o = table; o < table + MAX_OPERATIONS + MAX_LOOKUPS; o++)
		if (!o->used) {
			memset(o, 0, sizeof *o);
			o->used = true;
			o->wake_ms = NEVER_MS;
			return o;
		}
	return NULL;
}

static void end(struct operation *operation, int code, bool timed_out)
{
	struct resource *resource = resource_find(operation->name);
	/* A death that the operation brought about, or met, is told before its result. */
	deaths_drain();
	if (resource != NULL)
		resource_check(resource);
	operation->used = false;
	if (operation->kind == OPERATION_LOOKUP) {
		if (resource != NULL)
			session_send_state(resource);
		return;
	}
	struct operation_result result = {
		.id = operation->id,
		.name = operation->name,
		.kind = operation->kind,
		.code = code,
		.timed_out = timed_out,
		.duration_ms = clock_ms() - operation->started_ms,
		.output = operation->output,
		.output_length = operation->output_length,
	};
	session_send_result(&result);
}

void operation_keep_output(struct operation *operation, const struct job_outcome *outcome)
{
	memcpy(operation->output, outcome->output, outcome->output_length);
	operation->output_length = outcome->output_length;
}

void operation_finish(struct operation *operation, int code, const char *text)
{
	if (text != NULL) {
		size_t length = strlen(text);
		operation->output_length = length < MAX_OUTPUT_BYTES ? length : MAX_OUTPUT_BYTES;
		memcpy(operation->output, text, operation->output_length);
	}
	end(operation, code, false);
}

static void go_on(struct operation *operation, const struct job_outcome *outcome)
{
	struct resource *resource = resource_find(operation->name);
	operation->wake_ms = NEVER_MS;
	if (resource == NULL)
		operation_finish(operation, OCF_ERROR, "the resource is not watched any more");
	else
		operation->flavour(operation, resource, outcome);
}

static void job_ended(const struct job_outcome *outcome, void *context)
{
	struct operation *operation = context;
	if (outcome->timed_out) {
		operation_keep_output(operation, outcome);
		end(operation, OCF_ERROR, true);
	} else {
		go_on(operation, outcome);
	}
}

void operation_run(struct operation *operation, int next_step, const char *const argv[],
		   const char *const environment[])
{
	operation->step = next_step;
	if (!job_start(argv, environment, operation->deadline_ms, job_ended, operation))
		operation_finish(operation, OCF_ERROR, "the agent could not start a process");
}

void operation_wait(struct operation *operation, int next_step, int delay_ms)
{
	int64_t now_ms = clock_ms();
	operation->step = next_step;
	if (now_ms >= operation->deadline_ms)
		end(operation, OCF_ERROR, true);
	else
		operation->wake_ms = earlier_ms(now_ms + delay_ms, operation->deadline_ms);
}

int operation_force(struct operation *operation)
{
	int64_t now_ms = clock_ms();
	if (operation->term_until_ms == 0) {
		int64_t grace_ms = (operation->deadline_ms - now_ms) / 4;
		operation->term_until_ms = now_ms + (grace_ms < TERM_GRACE_MS ? grace_ms : TERM_GRACE_MS);
		return SIGTERM;
	}
	return now_ms < operation->term_until_ms ? 0 : SIGKILL;
}

static void begin(struct operation *operation, const struct resource *resource)
{
	strcpy(operation->name, resource->name);
	switch (resource->class) {
	case CLASS_SYSTEMD:
		operation->flavour = systemd_step;
		break;
	case CLASS_LSB:
		operation->flavour = sysv_step;
		break;
	case CLASS_OCF:
		operation->flavour = ocf_step;
		break;
	}
	/* systemd must know our drop-in before it starts what the drop-in is for. */
	operation->waiting_for_reload = operation->kind != OPERATION_LOOKUP && systemd_reload_pending();
	if (!operation->waiting_for_reload)
		go_on(operation, NULL);
}

static void refuse(const struct message *message, const char *why)
{
	struct operation_result result = {
		.id = message->id,
		.name = message->name,
		.kind = message->operation,
		.code = OCF_ERROR,
		.output = why,
		.output_length = strlen(why),
	};
	session_send_result(&result);
}

void operations_begin(const struct message *message)
{
	const struct resource *resource = resource_find(message->name);
	struct operation *operation = NULL;
	if (resource == NULL) {
		refuse(message, "the resource is not watched");
		return;
	}
	if (count(false) < MAX_OPERATIONS)
		operation = take_place();
	if (operation == NULL) {
		refuse(message, "too many operations at once");
		return;
	}
	operation->id = message->id;
	operation->kind = message->operation;
	operation->started_ms = clock_ms();
	operation->deadline_ms = operation->started_ms + message->timeout_ms;
	begin(operation, resource);
}

static void begin_lookup(struct resource *resource)
{
	struct operation *operation = take_place();
	if (operation == NULL)
		return;
	resource->lookup_wanted = false;
	operation->kind = OPERATION_LOOKUP;
	operation->started_ms = clock_ms();
	operation->deadline_ms = operation->started_ms + LOOKUP_TIMEOUT_MS;
	begin(operation, resource);
}

void operations_watch(const struct message *message)
{
	bool changed;
	struct resource *resource = resource_add(message, &changed);
	if (resource == NULL) {
		log_line("watch %s: there is no room for more than %d resources", message->name, MAX_RESOURCES);
		return;
	}
	/* An OCF agent has them in its environment alone. */
	if (resource->class == CLASS_OCF)
		parameters_file_remove(resource->name);
	else if (!parameters_file_write(resource->name, &resource->parameters))
		log_line("%s: %s: the service does not get them", parameters_file(resource->name).text,
			 strerror(errno));
	if (resource->class == CLASS_SYSTEMD)
		systemd_manage(resource->service, resource->name);
	if (!changed && resource_check(resource))
		session_send_state(resource);
	else
		resource->lookup_wanted = true;
}

void operations_unwatch(const char *name)
{
	struct resource *resource = resource_find(name);
	/* Also where a predecessor of ours wrote it. */
	parameters_file_remove(name);
	if (resource == NULL)
		return;
	if (resource->class == CLASS_SYSTEMD)
		systemd_release(resource->service);
	resource_remove(resource);
}

void operations_tick(int64_t now_ms)
{
	for (struct operation *o = NULL; (o = operation_next(o)) != NULL;) {
		if (o->waiting_for_reload) {
			if (now_ms >= o->deadline_ms)
				end(o, OCF_ERROR, true);
			else if (!systemd_reload_pending()) {
				o->waiting_for_reload = false;
				go_on(o, NULL);
			}
		} else if (now_ms >= o->wake_ms) {
			go_on(o, NULL);
		}
	}
	for (struct resource *r = NULL; (r = resource_next(r)) != NULL;)
		if (r->lookup_wanted && count(true) < MAX_LOOKUPS)
			begin_lookup(r);
}

int64_t operations_next_ms(void)
{
	int64_t next_ms = NEVER_MS;
	for (struct operation *o = NULL; (o = operation_next(o)) != NULL;)
		next_ms = earlier_ms(next_ms, o->waiting_for_reload ? o->deadline_ms : o->wake_ms);
	return next_ms;
}
