/*
 * unit.c - see unit.h.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "procfs.h"

struct unit_name unit_name(const char *service)
{
	struct unit_name unit;
	size_t length = strlen(service);
	bool full = length > 8 && strcmp(service + length - 8, ".service") == 0;
	snprintf(unit.text, sizeof unit.text, "%s%s", service, full ? "" : ".service");
	return unit;
}

/* Unified hierarchy, the older one beside it, and systemd before slices (205). */
static bool find_group(const char *service, struct path *out)
{
	static const char *const parents[] = { "/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/systemd/system.slice",
					       "/sys/fs/cgroup/systemd/system", NULL };
	struct unit_name unit = unit_name(service);
	for (size_t i = 0; parents[i] != NULL; i++) {
		*out = files_path("%s/%s", parents[i], unit.text);
		if (access(out->text, F_OK) == 0)
			return true;
	}
	return false;
}

/* The text of a file in the unit's group; false when group or file is missing, or the text is cut off. */
static bool read_group(const struct path *group, const char *file, char *to, size_t size)
{
	struct path path;
	int length = snprintf(path.text, sizeof path.text, "%s/%s", group->text, file);
	if (length < 0 || (size_t)length >= sizeof path.text)
		return false;
	ssize_t got = read_text(path.text, to, size);
	return got >= 0 && (size_t)got < size - 1;
}

enum unit_population unit_population(const char *service)
{
	struct path group;
	char text[4096];
	if (!find_group(service, &group))
		return UNIT_GROUP_UNKNOWN;
	/* cgroup.events counts the groups below too, where the kernel has it. */
	if (read_group(&group, "cgroup.events", text, sizeof text))
		return strstr(text, "populated 1") != NULL ? UNIT_GROUP_POPULATED : UNIT_GROUP_EMPTY;
	if (read_group(&group, "cgroup.procs", text, sizeof text) && text[0] == '\0')
		return UNIT_GROUP_EMPTY;
	return UNIT_GROUP_POPULATED;
}

pid_t unit_main_process(const char *service)
{
	struct path group;
	char text[8192];
	pid_t found = 0;
	if (!find_group(service, &group) || !read_group(&group, "cgroup.procs", text, sizeof text))
		return 0;
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		struct procfs_stat stat;
		pid_t pid = parse_pid(line);
		if (pid == 0 || !procfs_read(pid, &stat) || !procfs_is_alive(&stat) || stat.parent != 1)
			continue;
		if (found != 0)
			return 0;
		found = pid;
	}
	return found;
}

/* Copies the value of KEY= at the start of a line. */
static bool take(const char *text, const char *key, char *to, size_t size)
{
	size_t key_length = strlen(key);
	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, key_length) != 0 || line[key_length] != '=')
			continue;
		const char *value = line + key_length + 1;
		size_t length = strcspn(value, "\n");
		if (length >= size)
			return false;
		memcpy(to, value, length);
		to[length] = '\0';
		return true;
	}
	return false;
}

bool unit_parse_show(const char *text, struct unit_state *out)
{
	char load[32], pid[16];
	if (!take(text, "ActiveState", out->active, sizeof out->active))
		return false;
	out->found = !take(text, "LoadState", load, sizeof load) || strcmp(load, "not-found") != 0;
	out->main_pid = take(text, "MainPID", pid, sizeof pid) ? parse_pid(pid) : 0;
	return true;
}
