/*
 * ocf.c - see ocf.h. OCF has no way to ask for the main process. Where the agent takes a `pidfile`
 * parameter and the resource sets it, that process is followed; otherwise monitors alone tell.
 */
#include "ocf.h"

#include <stdio.h>
#include <string.h>

#include "files.h"
#include "kill-tree.h"
#include "pidfile.h"

#define WAIT_GONE_MS 20
#define MAX_VARIABLES 80

enum step { BEGIN, DONE, KILLING };

/* The environment lives until the child has its copy, which it has when operation_run returns. */
struct environment {
	const char *variables[MAX_VARIABLES + 1];
	size_t count;
	char text[MAX_PARAMETERS_BYTES + MAX_PAIRS * 16 + 1024];
	size_t length;
};

static void add(struct environment *to, const char *key, const char *value)
{
	size_t room = sizeof to->text - to->length;
	int length = snprintf(to->text + to->length, room, "%s%s", key, value);
	if (length < 0 || (size_t)length >= room || to->count == MAX_VARIABLES)
		return;
	to->variables[to->count++] = to->text + to->length;
	to->variables[to->count] = NULL;
	to->length += (size_t)length + 1;
}

static void fill(struct environment *to, const struct operation *operation, const struct resource *resource,
		 const char *provider, const char *type)
{
	char number[24];
	to->count = to->length = 0;
	for (size_t i = 0; job_plain_environment[i] != NULL; i++)
		add(to, job_plain_environment[i], "");
	snprintf(number, sizeof number, "%lld", (long long)(operation->deadline_ms - operation->started_ms));
	add(to, "OCF_ROOT=", files_path("/usr/lib/ocf").text);
	add(to, "OCF_RA_VERSION_MAJOR=", "1");
	add(to, "OCF_RA_VERSION_MINOR=", "1");
	add(to, "OCF_RESOURCE_INSTANCE=", resource->name);
	add(to, "OCF_RESOURCE_PROVIDER=", provider);
	add(to, "OCF_RESOURCE_TYPE=", type);
	add(to, "OCF_RESKEY_CRM_meta_timeout=", number);
	for (size_t at = 0; at < resource->parameters.length; at += strlen(resource->parameters.bytes + at) + 1)
		add(to, "OCF_RESKEY_", resource->parameters.bytes + at);
}

static void run(struct operation *operation, const struct resource *resource, const char *action)
{
	static struct environment environment;
	char provider[MAX_SERVICE_BYTES + 1];
	strcpy(provider, resource->service);
	/* message.c has seen to it that there is exactly one colon. */
	char *type = strchr(provider, ':');
	*type++ = '\0';
	fill(&environment, operation, resource, provider, type);
	struct path script = files_path("/usr/lib/ocf/resource.d/%s/%s", provider, type);
	const char *argv[] = { script.text, action, NULL };
	operation_run(operation, DONE, argv, environment.variables);
}

static const char *parameter(const struct resource *resource, const char *key_and_equals)
{
	size_t length = strlen(key_and_equals);
	for (size_t at = 0; at < resource->parameters.length; at += strlen(resource->parameters.bytes + at) + 1)
		if (strncmp(resource->parameters.bytes + at, key_and_equals, length) == 0)
			return resource->parameters.bytes + at + length;
	return NULL;
}

static void follow(struct resource *resource)
{
	const char *file = parameter(resource, "pidfile=");
	pid_t pid = file == NULL || file[0] != '/' ? 0 : pidfile_read(files_path("%s", file).text);
	if (pid != 0)
		resource_follow(resource, pid);
	else
		resource_set(resource, PROCESS_UNKNOWN);
}

static void done(struct operation *operation, struct resource *resource, const struct job_outcome *outcome)
{
	bool stopping = operation->kind == OPERATION_STOP || operation->kind == OPERATION_KILL;
	int code = outcome->code > 255 ? OCF_ERROR : outcome->code;
	if (code == OCF_SUCCESS && !stopping)
		follow(resource);
	else if (code == OCF_NOT_RUNNING || (code == OCF_SUCCESS && stopping))
		resource_set(resource, PROCESS_DEAD);
	if (code != OCF_SUCCESS && code != OCF_NOT_RUNNING)
		operation_keep_output(operation, outcome);
	/* The script itself could not be run: exec's 126 and 127 mean that it is not installed. */
	operation_finish(operation, code == 126 || code == 127 ? OCF_NOT_INSTALLED : code, NULL);
}

void ocf_step(struct operation *operation, struct resource *resource, const struct job_outcome *outcome)
{
	switch ((enum step)operation->step) {
	case BEGIN:
		if (operation->kind == OPERATION_LOOKUP)
			run(operation, resource, "monitor");
		else if (operation->kind != OPERATION_KILL)
			run(operation, resource, operation_name(operation->kind));
		else
			operation_wait(operation, KILLING, 0);
		break;
	case DONE:
		done(operation, resource, outcome);
		break;
	case KILLING:
		if (kill_tree(resource->pid, resource->session, &operation->victims,
			      operation_force(operation)) > 0)
			operation_wait(operation, KILLING, WAIT_GONE_MS);
		else {
			/* OCF has no kill; its stop cleans up after the dead, and must not fail on them. */
			resource_check(resource);
			run(operation, resource, "stop");
		}
		break;
	}
}
