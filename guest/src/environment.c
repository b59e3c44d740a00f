/*
 * environment.c - see environment.h.
 */
#include "environment.h"

#include <string.h>

#include "job.h"

size_t parameters_list(const struct parameters *from, const char **to)
{
	size_t count = 0;
	for (size_t at = 0; at < from->length; at += strlen(from->bytes + at) + 1)
		to[count++] = from->bytes + at;
	to[count] = NULL;
	return count;
}

void environment_fill(struct environment *to, const struct parameters *own)
{
	size_t given = parameters_list(own, to->variables), count = given;
	for (const char *const *plain = job_plain_environment; *plain != NULL; plain++) {
		size_t name = strcspn(*plain, "=") + 1;
		bool replaced = false;
		for (size_t i = 0; i < given; i++)
			replaced = replaced || strncmp(to->variables[i], *plain, name) == 0;
		if (!replaced)
			to->variables[count++] = *plain;
	}
	to->variables[count] = NULL;
}
