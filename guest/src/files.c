/*
 * files.c - see files.h.
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *root_directory = "";

void files_set_root(const char *root)
{
	root_directory = root;
}

bool files_is_real_root(void)
{
	return root_directory[0] == '\0';
}

struct path files_path(const char *format, ...)
{
	struct path path;
	va_list arguments;
	va_start(arguments, format);
	int prefix = snprintf(path.text, sizeof path.text, "%s", root_directory);
	int rest = -1;
	if (prefix >= 0 && (size_t)prefix < sizeof path.text)
		rest = vsnprintf(path.text + prefix, sizeof path.text - (size_t)prefix, format, arguments);
	va_end(arguments);
	if (rest < 0 || (size_t)(prefix + rest) >= sizeof path.text)
		path.text[0] = '\0';
	return path;
}

bool files_find(struct path *out, const char *const candidates[])
{
	for (size_t i = 0; candidates[i] != NULL; i++) {
		*out = files_path("%s", candidates[i]);
		if (access(out->text, F_OK) == 0)
			return true;
	}
	return false;
}

static bool write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, text, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		text += written;
		length -= (size_t)written;
	}
	return true;
}

static void sync_directory_of(const char *path)
{
	struct path directory;
	snprintf(directory.text, sizeof directory.text, "%s", path);
	char *slash = strrchr(directory.text, '/');
	if (slash == NULL || slash == directory.text)
		return;
	*slash = '\0';
	int fd = open(directory.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	/* The file itself is safe already; a lost directory entry leaves the old file, which is allowed. */
	fsync(fd);
	close(fd);
}

bool files_write(const char *path, const char *text, size_t length, mode_t mode)
{
	char beside[MAX_PATH_BYTES + 16];
	snprintf(beside, sizeof beside, "%s.pcloud-new", path);
	/* A leftover of a power cut; O_EXCL then refuses to follow what anybody else put there. */
	unlink(beside);
	int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return false;
	bool good = fchmod(fd, mode) == 0 && write_all(fd, text, length) && fsync(fd) == 0;
	int failure = errno;
	if (close(fd) != 0 && good) {
		failure = errno;
		good = false;
	}
	if (good && rename(beside, path) != 0) {
		failure = errno;
		good = false;
	}
	if (good) {
		sync_directory_of(path);
		return true;
	}
	unlink(beside);
	errno = failure;
	return false;
}
