/*
 * parameters-file.c - see parameters-file.h.
 */
#include "parameters-file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "procfs.h"

static const char header[] = "# Written by pcloud-agent: what the host gives to this service.\n";

/* Every byte of a value may become two; each line has a key's `=` already, and two quotes and an end. */
struct text {
	char bytes[sizeof header + 2 * MAX_PARAMETERS_BYTES + 3 * MAX_PAIRS];
	size_t length;
};

struct path parameters_file(const char *resource_name)
{
	return files_path("/run/pcloud-agent/%s.env", resource_name);
}

static void add(struct text *to, const char *bytes, size_t length)
{
	memcpy(to->bytes + to->length, bytes, length);
	to->length += length;
}

/* A line break would be a line of its own to old systemds, and a tab a space. */
static bool is_one_line(const char *value)
{
	for (; *value != '\0'; value++)
		if ((unsigned char)*value < 0x20 || *value == 0x7f)
			return false;
	return true;
}

/* `KEY="value"`: in double quotes every systemd from 195 on takes a backslash before these four characters. */
static void add_assignment(struct text *to, const char *assignment)
{
	const char *value = strchr(assignment, '=') + 1;
	add(to, assignment, (size_t)(value - assignment));
	add(to, "\"", 1);
	for (; *value != '\0'; value++) {
		if (strchr("\"\\`$", *value) != NULL)
			add(to, "\\", 1);
		add(to, value, 1);
	}
	add(to, "\"\n", 2);
}

bool parameters_file_write(const char *resource_name, const struct parameters *parameters)
{
	static struct text text;
	static char now[sizeof text.bytes + 1];
	struct path path = parameters_file(resource_name);
	if (parameters->count == 0) {
		parameters_file_remove(resource_name);
		return true;
	}
	text.length = 0;
	add(&text, header, sizeof header - 1);
	for (size_t at = 0; at < parameters->length; at += strlen(parameters->bytes + at) + 1) {
		if (!is_one_line(parameters->bytes + at)) {
			errno = EINVAL;
			return false;
		}
		add_assignment(&text, parameters->bytes + at);
	}
	if (read_text(path.text, now, sizeof now) == (ssize_t)text.length &&
	    memcmp(now, text.bytes, text.length) == 0)
		return true;
	/* Guests from before systemd have no /run. */
	mkdir(files_path("/run").text, 0755);
	mkdir(files_path("/run/pcloud-agent").text, 0700);
	return files_write(path.text, text.bytes, text.length, 0600);
}

void parameters_file_remove(const char *resource_name)
{
	struct path path = parameters_file(resource_name);
	if (unlink(path.text) != 0 && errno != ENOENT)
		log_line("%s: %s", path.text, strerror(errno));
}
