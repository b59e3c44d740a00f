/*
 * identity.c - see identity.h. Lines of ours in shared files end in a marker; only such lines are ever
 * replaced, everything else in the file is the operator's.
 */
#include "identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "files.h"
#include "job.h"
#include "log.h"
#include "procfs.h"
#include "systemd.h"

#define MAX_FILE_BYTES 65536
#define KEY_MARKER " pcloud-supervisor"
#define HOSTS_MARKER " # pcloud-supervisor"
#define SHORT_TIMEOUT_MS 10000

static void complain(const char *what)
{
	log_line("identity: %s: %s", what, strerror(errno));
}

static bool ends_with(const char *line, size_t length, const char *end)
{
	size_t end_length = strlen(end);
	return length >= end_length && memcmp(line + length - end_length, end, end_length) == 0;
}

/*
 * The file with every line that `is_ours` left out, and `line` at its end. Writes only a difference. A
 * file too large to be read whole is left alone rather than cut.
 */
static bool replace_line(const char *path, const char *line, mode_t mode,
			 bool (*is_ours)(const char *line, size_t length))
{
	static char old[MAX_FILE_BYTES], text[MAX_FILE_BYTES + MAX_KEY_LINE_BYTES + 64];
	ssize_t old_length = read_text(path, old, sizeof old);
	size_t length = 0;
	if (old_length < 0 && errno != ENOENT)
		return false;
	if (old_length == (ssize_t)sizeof old - 1) {
		errno = EFBIG;
		return false;
	}
	for (const char *at = old; old_length > 0 && *at != '\0';) {
		size_t line_length = strcspn(at, "\n");
		if (!is_ours(at, line_length)) {
			memcpy(text + length, at, line_length);
			length += line_length;
			text[length++] = '\n';
		}
		at += line_length + (at[line_length] == '\n');
	}
	length += (size_t)snprintf(text + length, sizeof text - length, "%s\n", line);
	if (old_length == (ssize_t)length && memcmp(old, text, length) == 0)
		return true;
	return files_write(path, text, length, mode);
}

static bool is_our_key(const char *line, size_t length)
{
	return ends_with(line, length, KEY_MARKER);
}

static bool is_our_host(const char *line, size_t length)
{
	return ends_with(line, length, HOSTS_MARKER);
}

/* RHEL 6 and Fedora 14 to 16 keep the name there. */
static bool is_network_hostname(const char *line, size_t length)
{
	return length >= 9 && memcmp(line, "HOSTNAME=", 9) == 0;
}

static void set_hostname(const char *name)
{
	char text[MAX_NAME_BYTES + 64];
	struct path hostname = files_path("/etc/hostname"), hosts = files_path("/etc/hosts");
	struct path network = files_path("/etc/sysconfig/network");
	char now[MAX_NAME_BYTES + 2];
	if (files_is_real_root() && sethostname(name, strlen(name)) != 0)
		complain("sethostname");
	int length = snprintf(text, sizeof text, "%s\n", name);
	if (read_text(hostname.text, now, sizeof now) < 0 || strcmp(now, text) != 0)
		if (!files_write(hostname.text, text, (size_t)length, 0644))
			complain(hostname.text);
	snprintf(text, sizeof text, "127.0.1.1 %s" HOSTS_MARKER, name);
	if (!replace_line(hosts.text, text, 0644, is_our_host))
		complain(hosts.text);
	snprintf(text, sizeof text, "HOSTNAME=%s", name);
	if (access(network.text, F_OK) == 0 && !replace_line(network.text, text, 0644, is_network_hostname))
		complain(network.text);
}

static void set_authorized_key(const char *key)
{
	char line[MAX_KEY_LINE_BYTES + sizeof KEY_MARKER];
	struct path directory = files_path("/root/.ssh"), file = files_path("/root/.ssh/authorized_keys");
	struct path restorecon = files_path("/sbin/restorecon");
	if ((mkdir(directory.text, 0700) != 0 && errno != EEXIST) || chmod(directory.text, 0700) != 0)
		complain(directory.text);
	snprintf(line, sizeof line, "%s" KEY_MARKER, key);
	if (!replace_line(file.text, line, 0600, is_our_key)) {
		complain(file.text);
		return;
	}
	/* sshd may not read a key under SELinux that carries our label instead of its own. */
	const char *argv[] = { restorecon.text, "-R", directory.text, NULL };
	if (access(restorecon.text, X_OK) == 0 &&
	    !job_start(argv, job_plain_environment, clock_ms() + SHORT_TIMEOUT_MS, NULL, NULL))
		log_line("identity: restorecon could not be started");
}

void identity_apply(const struct message *identity)
{
	set_hostname(identity->hostname);
	if (identity->authorized_key[0] != '\0')
		set_authorized_key(identity->authorized_key);
}

void identity_poweroff(void)
{
	struct path systemctl = systemd_systemctl(), shutdown = files_path("/sbin/shutdown");
	const char *by_systemd[] = { systemctl.text, "poweroff", NULL };
	const char *by_sysv[] = { shutdown.text, "-h", "now", NULL };
	bool systemd = access(files_path("/run/systemd/system").text, F_OK) == 0;
	log_line("the host asked for a power-off");
	if (!job_start(systemd ? by_systemd : by_sysv, job_plain_environment, clock_ms() + SHORT_TIMEOUT_MS,
		       NULL, NULL))
		log_line("the power-off could not be started");
}
