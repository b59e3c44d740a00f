/*
 * systemd.c - the second half of systemd.h: the operations on a unit.
 */
#include "systemd.h"

#include <signal.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "parameters-file.h"
#include "unit.h"

/* A followed process that lives proves "active" for this long; then systemd is asked again. */
#define ASK_AGAIN_MS 60000
#define WAIT_MS 250
#define WAIT_GONE_MS 20

enum step { BEGIN, SHOWN, SHOW_AGAIN, STARTED, STOPPED, STOP_GONE, STOP_SHOWN, KILLED, KILL_GONE, RESET };

static void run(struct operation *operation, enum step next, const char *const arguments[],
		const char *service)
{
	const char *argv[12];
	size_t count = 0;
	struct path systemctl = systemd_systemctl();
	struct unit_name unit = unit_name(service);
	argv[count++] = systemctl.text;
	for (size_t i = 0; arguments[i] != NULL && count < 10; i++)
		argv[count++] = arguments[i];
	argv[count++] = unit.text;
	argv[count] = NULL;
	operation_run(operation, (int)next, argv, job_plain_environment);
}

static void show(struct operation *operation, enum step next, const char *service)
{
	static const char *const arguments[] = { "show", "-p", "LoadState", "-p", "ActiveState",
						 "-p",	 "MainPID", NULL };
	run(operation, next, arguments, service);
}

/* Follows the main process where the control group shows it without doubt. */
static bool follow_by_group(struct resource *resource)
{
	pid_t pid = unit_main_process(resource->service);
	return pid != 0 && resource_follow(resource, pid);
}

/* Also where nothing seems to run: systemd knows of processes that we cannot follow. */
static void force(struct operation *operation, struct resource *resource)
{
	static const char *const term[] = { "kill", "-s", "TERM", NULL };
	static const char *const kill[] = { "kill", "-s", "KILL", NULL };
	int signal = operation_force(operation);
	if (signal == 0 || operation->code == SIGKILL) {
		operation_wait(operation, KILL_GONE, WAIT_GONE_MS);
	} else {
		operation->code = signal;
		run(operation, KILLED, signal == SIGTERM ? term : kill, resource->service);
	}
}

static void begin(struct operation *operation, struct resource *resource)
{
	static const char *const start[] = { "start", NULL };
	static const char *const stop[] = { "stop", NULL };
	switch (operation->kind) {
	case OPERATION_MONITOR:
		if (resource_check(resource) && clock_ms() - resource->asked_ms < ASK_AGAIN_MS)
			operation_finish(operation, OCF_SUCCESS, NULL);
		else
			show(operation, SHOWN, resource->service);
		break;
	case OPERATION_LOOKUP:
		if (follow_by_group(resource))
			operation_finish(operation, OCF_SUCCESS, NULL);
		else
			show(operation, SHOWN, resource->service);
		break;
	case OPERATION_START:
		/* A service without the parameters that it should have is no success. */
		if (parameters_file_write(resource->name, &resource->parameters))
			run(operation, STARTED, start, resource->service);
		else
			operation_finish(operation, OCF_ERROR, "the agent could not write the resource's parameters");
		break;
	case OPERATION_STOP:
		run(operation, STOPPED, stop, resource->service);
		break;
	case OPERATION_KILL:
		force(operation, resource);
		break;
	}
}

static void not_active(struct operation *operation, struct resource *resource, const struct unit_state *unit)
{
	resource_set(resource, PROCESS_DEAD);
	if (!unit->found)
		operation_finish(operation, OCF_NOT_INSTALLED, "systemd has no such unit");
	else if (operation->kind == OPERATION_START)
		operation_finish(operation, OCF_ERROR,
				 "systemd reported a successful start, but the main process is gone");
	else
		operation_finish(operation, OCF_NOT_RUNNING, NULL);
}

/* The answer to `show` in a monitor, a lookup, or after a start. */
static void shown(struct operation *operation, struct resource *resource, const struct job_outcome *outcome)
{
	struct unit_state unit;
	if (!unit_parse_show(outcome->stdout_text, &unit)) {
		operation_keep_output(operation, outcome);
		resource_set(resource, PROCESS_UNKNOWN);
		operation_finish(operation, OCF_ERROR, NULL);
	} else if (strcmp(unit.active, "active") == 0 || strcmp(unit.active, "reloading") == 0) {
		/* A unit without a main process (oneshot, remain after exit) is running, and not followed. */
		if (unit.main_pid == 0)
			resource_set(resource, PROCESS_UNKNOWN);
		else if (!resource_follow(resource, unit.main_pid)) {
			not_active(operation, resource, &unit);
			return;
		} else
			resource->asked_ms = clock_ms();
		operation_finish(operation, OCF_SUCCESS, NULL);
	} else if (strcmp(unit.active, "activating") == 0) {
		if (operation->kind == OPERATION_LOOKUP) {
			/* It is being started, by whomever: a monitor will find its process. */
			resource_set(resource, PROCESS_UNKNOWN);
			operation_finish(operation, OCF_SUCCESS, NULL);
		} else
			operation_wait(operation, SHOW_AGAIN, WAIT_MS);
	} else {
		not_active(operation, resource, &unit);
	}
}

static void started(struct operation *operation, struct resource *resource, const struct job_outcome *outcome)
{
	if (outcome->code != 0) {
		operation_keep_output(operation, outcome);
		/* systemctl(1): 5 means that there is no such unit; its other codes say nothing more. */
		operation_finish(operation, outcome->code == 5 ? OCF_NOT_INSTALLED : OCF_ERROR, NULL);
		return;
	}
	if (follow_by_group(resource)) {
		resource->asked_ms = clock_ms();
		operation_finish(operation, OCF_SUCCESS, NULL);
		return;
	}
	show(operation, SHOWN, resource->service);
}

static bool is_gone(struct resource *resource)
{
	return !resource_check(resource) && unit_population(resource->service) != UNIT_GROUP_POPULATED;
}

static void stopping(struct operation *operation, struct resource *resource)
{
	if (!is_gone(resource))
		operation_wait(operation, STOP_GONE, WAIT_GONE_MS);
	else if (operation->code != 0)
		show(operation, STOP_SHOWN, resource->service);
	else {
		resource_set(resource, PROCESS_DEAD);
		operation_finish(operation, OCF_SUCCESS, NULL);
	}
}

/* systemctl stop failed: what counts is whether the service runs. */
static void stop_shown(struct operation *operation, struct resource *resource, const struct job_outcome *outcome)
{
	struct unit_state unit;
	bool off = unit_parse_show(outcome->stdout_text, &unit) &&
		   (strcmp(unit.active, "inactive") == 0 || strcmp(unit.active, "failed") == 0);
	if (off)
		resource_set(resource, PROCESS_DEAD);
	operation_finish(operation, off ? OCF_SUCCESS : OCF_ERROR, NULL);
}

static void killing(struct operation *operation, struct resource *resource)
{
	static const char *const reset[] = { "reset-failed", NULL };
	if (is_gone(resource))
		run(operation, RESET, reset, resource->service);
	else
		force(operation, resource);
}

void systemd_step(struct operation *operation, struct resource *resource, const struct job_outcome *outcome)
{
	switch ((enum step)operation->step) {
	case BEGIN:
		begin(operation, resource);
		break;
	case SHOW_AGAIN:
		show(operation, SHOWN, resource->service);
		break;
	case SHOWN:
		shown(operation, resource, outcome);
		break;
	case STARTED:
		started(operation, resource, outcome);
		break;
	case STOPPED:
		operation->code = outcome->code;
		operation_keep_output(operation, outcome);
		stopping(operation, resource);
		break;
	case STOP_GONE:
		stopping(operation, resource);
		break;
	case STOP_SHOWN:
		stop_shown(operation, resource, outcome);
		break;
	case KILLED:
		/* It fails when nothing is there to be killed, which is what we want. */
		operation_keep_output(operation, outcome);
		killing(operation, resource);
		break;
	case KILL_GONE:
		killing(operation, resource);
		break;
	case RESET:
		resource_set(resource, PROCESS_DEAD);
		operation_finish(operation, OCF_SUCCESS, NULL);
		break;
	}
}
