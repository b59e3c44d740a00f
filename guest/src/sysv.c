/*
 * sysv.c - see sysv.h. Exit codes are those of the LSB's "Init Script Actions": status 0 running, 1 to 3
 * not running, anything else an error.
 */
#include "sysv.h"

#include <string.h>
#include <unistd.h>

#include "environment.h"
#include "files.h"
#include "kill-tree.h"
#include "pidfile.h"

#define WAIT_GONE_MS 20

enum step { BEGIN, STATUS, STARTED, START_STATUS, STOPPED, STOP_GONE, STOP_STATUS, KILLING };

static void run(struct operation *operation, enum step next, const struct resource *resource,
		const char *action)
{
	const char *service = resource->service;
	struct path runner = files_path("/sbin/service"), script = files_path("/etc/init.d/%s", service);
	struct environment environment;
	/* `service` gives the script a clean environment, which parameters would not come through. */
	bool direct = resource->parameters.count > 0 || access(runner.text, X_OK) != 0;
	const char *by_runner[] = { runner.text, service, action, NULL };
	const char *by_script[] = { script.text, action, NULL };
	environment_fill(&environment, &resource->parameters);
	operation_run(operation, (int)next, direct ? by_script : by_runner, environment.variables);
}

static int status_code(int exit_code)
{
	if (exit_code == 0)
		return OCF_SUCCESS;
	return exit_code <= 3 ? OCF_NOT_RUNNING : OCF_ERROR;
}

static void begin(struct operation *operation, struct resource *resource)
{
	switch (operation->kind) {
	case OPERATION_MONITOR:
	case OPERATION_LOOKUP:
		run(operation, STATUS, resource, "status");
		break;
	case OPERATION_START:
		run(operation, STARTED, resource, "start");
		break;
	case OPERATION_STOP:
		run(operation, STOPPED, resource, "stop");
		break;
	case OPERATION_KILL:
		operation_wait(operation, KILLING, 0);
		break;
	}
}

/* What `status` says, with the main process followed where it can be found. */
static int take_status(struct resource *resource, const struct job_outcome *outcome)
{
	int code = status_code(outcome->code);
	if (code == OCF_SUCCESS) {
		pid_t pid = pidfile_main_process(resource->service, outcome->stdout_text);
		if (pid == 0)
			resource_set(resource, PROCESS_UNKNOWN);
		else if (!resource_follow(resource, pid))
			code = OCF_NOT_RUNNING;
	} else {
		resource_set(resource, code == OCF_NOT_RUNNING ? PROCESS_DEAD : PROCESS_UNKNOWN);
	}
	return code;
}

static void started(struct operation *operation, struct resource *resource, const struct job_outcome *outcome)
{
	operation_keep_output(operation, outcome);
	if (outcome->code == 0)
		run(operation, START_STATUS, resource, "status");
	else /* LSB: 2 to 6 are the hard errors, and OCF's numbers for them are the same. */
		operation_finish(operation, outcome->code <= 6 ? outcome->code : OCF_ERROR, NULL);
}

static void stopping(struct operation *operation, struct resource *resource)
{
	if (resource_check(resource))
		operation_wait(operation, STOP_GONE, WAIT_GONE_MS);
	else if (operation->code != 0)
		run(operation, STOP_STATUS, resource, "status");
	else {
		resource_set(resource, PROCESS_DEAD);
		operation_finish(operation, OCF_SUCCESS, NULL);
	}
}

static void killing(struct operation *operation, struct resource *resource)
{
	int signal = operation_force(operation);
	if (kill_tree(resource->pid, resource->session, &operation->victims, signal) > 0) {
		operation_wait(operation, KILLING, WAIT_GONE_MS);
		return;
	}
	resource_check(resource);
	resource_set(resource, PROCESS_DEAD);
	operation_finish(operation, OCF_SUCCESS, NULL);
}

void sysv_step(struct operation *operation, struct resource *resource, const struct job_outcome *outcome)
{
	switch ((enum step)operation->step) {
	case BEGIN:
		begin(operation, resource);
		break;
	case STATUS: {
		int code = take_status(resource, outcome);
		if (code == OCF_ERROR)
			operation_keep_output(operation, outcome);
		operation_finish(operation, code, NULL);
		break;
	}
	case STARTED:
		started(operation, resource, outcome);
		break;
	case START_STATUS:
		if (take_status(resource, outcome) == OCF_SUCCESS)
			operation_finish(operation, OCF_SUCCESS, NULL);
		else
			operation_finish(operation, OCF_ERROR,
					 "the script reported a successful start, but the main process is gone");
		break;
	case STOPPED:
		operation->code = outcome->code;
		operation_keep_output(operation, outcome);
		stopping(operation, resource);
		break;
	case STOP_GONE:
		stopping(operation, resource);
		break;
	case STOP_STATUS:
		operation_finish(operation,
				 take_status(resource, outcome) == OCF_NOT_RUNNING ? OCF_SUCCESS : OCF_ERROR, NULL);
		break;
	case KILLING:
		killing(operation, resource);
		break;
	}
}
