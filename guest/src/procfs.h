/*
 * procfs.h - what /proc says of a process. Read only.
 */
#ifndef PCLOUD_PROCFS_H
#define PCLOUD_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct procfs_stat {
	char state;
	pid_t parent;
	pid_t group;
	pid_t session;
	long threads;
	unsigned long long start_ticks; /* since boot; with the pid it names a process for good */
};

/* False when there is no such process. */
bool procfs_read(pid_t pid, struct procfs_stat *out);

/* Neither zombie nor dead: Z and X still have a directory in /proc. */
bool procfs_is_alive(const struct procfs_stat *stat);

/* Calls `visit` for every process; stops early when it returns false. */
void procfs_each(bool (*visit)(pid_t pid, const struct procfs_stat *stat, void *context), void *context);

/* Reads a whole small file as text. Returns its length (cut to size - 1), or -1. */
ssize_t read_text(const char *path, char *to, size_t size);

/* A decimal pid at the start of the text, or 0. */
pid_t parse_pid(const char *text);

#endif
