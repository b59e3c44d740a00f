/*
 * procfs.c - see procfs.h.
 */
#include "procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

ssize_t read_text(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	size_t length = 0;
	while (length < size - 1) {
		ssize_t got = read(fd, to + length, size - 1 - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		length += (size_t)got;
	}
	close(fd);
	to[length] = '\0';
	return (ssize_t)length;
}

pid_t parse_pid(const char *text)
{
	long value = 0;
	for (int digits = 0; *text >= '0' && *text <= '9' && digits < 9; text++, digits++)
		value = value * 10 + (*text - '0');
	return (pid_t)value;
}

bool procfs_read(pid_t pid, struct procfs_stat *out)
{
	char path[32], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (read_text(path, text, sizeof text) <= 0)
		return false;
	/* The command name is free text in brackets and may hold brackets: start after the last one. */
	const char *rest = strrchr(text, ')');
	if (rest == NULL)
		return false;
	int parent, group, session;
	/* proc(5): state ppid pgrp session tty tpgid flags 4 faults 4 times priority nice threads itreal start */
	int fields = sscanf(rest + 1,
			    " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d %llu",
			    &out->state, &parent, &group, &session, &out->threads, &out->start_ticks);
	out->parent = parent;
	out->group = group;
	out->session = session;
	return fields == 6;
}

bool procfs_is_alive(const struct procfs_stat *stat)
{
	/* A leader that has ended while other threads run shows as Z: the process still lives. */
	return stat->threads > 1 || (stat->state != 'Z' && stat->state != 'X' && stat->state != 'x');
}

void procfs_each(bool (*visit)(pid_t pid, const struct procfs_stat *stat, void *context), void *context)
{
	DIR *directory = opendir("/proc");
	if (directory == NULL)
		return;
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		struct procfs_stat stat;
		pid_t pid = parse_pid(entry->d_name);
		if (pid > 0 && procfs_read(pid, &stat) && !visit(pid, &stat, context))
			break;
	}
	closedir(directory);
}
