/*
 * files.h - the guest's files: where they are (below --root in tests) and how they are written: beside,
 * fsync, rename, so that a power cut leaves the old or the new one.
 */
#ifndef PCLOUD_FILES_H
#define PCLOUD_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "limits.h"

struct path {
	char text[MAX_PATH_BYTES];
};

/* Everything below this directory instead of "/". */
void files_set_root(const char *root);
/* True when the agent works on the real guest and may set its host name. */
bool files_is_real_root(void);

/* The path below the root; too long a path becomes empty, which opens nothing. */
struct path files_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The first of the paths (below the root, ended by NULL) that exists; false when none does. */
bool files_find(struct path *out, const char *const candidates[]);

/* Writes the file as described above. False with errno set. */
bool files_write(const char *path, const char *text, size_t length, mode_t mode);

#endif
