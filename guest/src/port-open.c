/*
 * port-open.c - see port-open.h.
 */
#include "port-open.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "limits.h"
#include "procfs.h"

#define PORTS "/sys/class/virtio-ports"

/* Opens /dev/NAME; makes the node where nothing else does (no udev, no devtmpfs). */
static int open_device(const char *device)
{
	char path[300], attribute[300], text[64];
	snprintf(path, sizeof path, "/dev/%s", device);
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	unsigned major_number, minor_number;
	snprintf(attribute, sizeof attribute, PORTS "/%s/dev", device);
	if (read_text(attribute, text, sizeof text) <= 0 ||
	    sscanf(text, "%u:%u", &major_number, &minor_number) != 2) {
		errno = ENOENT;
		return -1;
	}
	if (mknod(path, S_IFCHR | 0600, makedev(major_number, minor_number)) != 0 && errno != EEXIST)
		return -1;
	return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

/* /dev/virtio-ports is udev's work and may not be there: the kernel's own list always is. */
static int open_virtio(const char *name)
{
	DIR *directory = opendir(PORTS);
	if (directory == NULL)
		return -1;
	int fd = -1;
	int failure = ENOENT;
	for (struct dirent *entry; fd < 0 && (entry = readdir(directory)) != NULL;) {
		char path[300], text[128];
		if (entry->d_name[0] == '.' || strlen(entry->d_name) > 64)
			continue;
		snprintf(path, sizeof path, PORTS "/%s/name", entry->d_name);
		if (read_text(path, text, sizeof text) <= 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		if (strcmp(text, name) != 0)
			continue;
		fd = open_device(entry->d_name);
		failure = errno;
	}
	closedir(directory);
	errno = failure;
	return fd;
}

static bool socket_address(const char *path, struct sockaddr_un *out)
{
	memset(out, 0, sizeof *out);
	out->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof out->sun_path) {
		errno = ENAMETOOLONG;
		return false;
	}
	strcpy(out->sun_path, path);
	return true;
}

static int unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int open_path(const char *path)
{
	struct stat status;
	if (stat(path, &status) != 0)
		return -1;
	if (!S_ISSOCK(status.st_mode))
		return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct sockaddr_un address;
	int fd = socket_address(path, &address) ? unix_socket() : -1;
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	int failure = errno;
	close(fd);
	errno = failure;
	return -1;
}

/* The place of QEMU and the port together, for tests: one host at a time is let in. */
static int open_listener(struct port_opener *opener)
{
	if (opener->listener < 0) {
		struct sockaddr_un address;
		int fd = socket_address(opener->name, &address) ? unix_socket() : -1;
		if (fd < 0)
			return -1;
		unlink(opener->name);
		if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1) != 0) {
			int failure = errno;
			close(fd);
			errno = failure;
			return -1;
		}
		opener->listener = fd;
	}
	return accept4(opener->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int port_opener_open(struct port_opener *opener)
{
	switch (opener->kind) {
	case PORT_VIRTIO:
		return open_virtio(opener->name);
	case PORT_PATH:
		return open_path(opener->name);
	case PORT_LISTEN:
		return open_listener(opener);
	}
	errno = EINVAL;
	return -1;
}
