/*
 * dropin.c - the first half of systemd.h: drop-ins in /run/systemd/system, and the reload after a change.
 * They are gone after a reboot, and so is our claim; the host's next `watch` brings them back.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clock.h"
#include "files.h"
#include "log.h"
#include "parameters-file.h"
#include "procfs.h"
#include "systemd.h"
#include "unit.h"

/* Several `watch` lines come at once: one reload for all. */
#define GATHER_MS 10
#define RELOAD_TIMEOUT_MS 30000
#define RELOAD_ROOM_BYTES (32ull << 20)

/* [Service] StartLimitInterval is the older systemd's name (before 230) of StartLimitIntervalSec. */
static const char dropin_format[] = "# Written by pcloud-agent: the supervisor on the host restarts this service.\n"
				    "[Unit]\n"
				    "StartLimitIntervalSec=0\n"
				    "[Service]\n"
				    "Restart=no\n"
				    "StartLimitInterval=0\n"
				    "EnvironmentFile=-%s\n";

static int64_t reload_ms = NEVER_MS;
static bool reloading;

static struct path dropin_directory(const char *service)
{
	struct unit_name unit = unit_name(service);
	return files_path("/run/systemd/system/%s.d", unit.text);
}

static struct path dropin_file(const char *service)
{
	struct unit_name unit = unit_name(service);
	return files_path("/run/systemd/system/%s.d/90-pcloud.conf", unit.text);
}

static void want_reload(void)
{
	if (reload_ms == NEVER_MS)
		reload_ms = clock_ms() + GATHER_MS;
}

/* Names the file of the parameters though there be none: they may come later, and need no reload then. */
void systemd_manage(const char *service, const char *resource_name)
{
	struct path directory = dropin_directory(service), file = dropin_file(service);
	char text[sizeof dropin_format + MAX_PATH_BYTES], now[sizeof text + 1];
	int length = snprintf(text, sizeof text, dropin_format, parameters_file(resource_name).text);
	if (read_text(file.text, now, sizeof now) == length && strcmp(now, text) == 0)
		return;
	mkdir(files_path("/run/systemd/system").text, 0755);
	if ((mkdir(directory.text, 0755) != 0 && errno != EEXIST) ||
	    !files_write(file.text, text, (size_t)length, 0644)) {
		log_line("%s: %s: systemd may restart the service by itself", file.text, strerror(errno));
		return;
	}
	want_reload();
}

void systemd_release(const char *service)
{
	struct path directory = dropin_directory(service), file = dropin_file(service);
	if (unlink(file.text) != 0)
		return;
	/* Not empty when an operator has drop-ins of their own there. */
	rmdir(directory.text);
	want_reload();
}

bool systemd_reload_pending(void)
{
	return reloading || reload_ms != NEVER_MS;
}

/*
 * systemd refuses to reload with less than 16 MiB free in /run, and /run is a fifth of a small guest's
 * memory. The size of a tmpfs is a limit and reserves nothing, so it may be raised.
 */
static void make_room(void)
{
	struct statvfs status;
	char size[32];
	if (!files_is_real_root() || statvfs("/run", &status) != 0)
		return;
	unsigned long long block = status.f_frsize, total = status.f_blocks * block;
	if (status.f_bavail * block >= RELOAD_ROOM_BYTES)
		return;
	unsigned long flags = MS_REMOUNT | (status.f_flag & ST_NOSUID ? MS_NOSUID : 0) |
			      (status.f_flag & ST_NODEV ? MS_NODEV : 0) | (status.f_flag & ST_NOEXEC ? MS_NOEXEC : 0);
	snprintf(size, sizeof size, "size=%llu", total + RELOAD_ROOM_BYTES);
	if (mount("tmpfs", "/run", "tmpfs", flags, size) != 0)
		log_line("/run is small and could not be made larger (%s): systemd may refuse to reload",
			 strerror(errno));
}

static void reloaded(const struct job_outcome *outcome, void *context)
{
	(void)context;
	reloading = false;
	if (outcome->code != 0)
		log_line("systemctl daemon-reload: exit code %d: %.*s", outcome->code,
			 (int)outcome->output_length, outcome->output);
}

void systemd_tick(int64_t now_ms)
{
	if (reloading || now_ms < reload_ms)
		return;
	struct path systemctl = systemd_systemctl();
	const char *argv[] = { systemctl.text, "daemon-reload", NULL };
	make_room();
	reload_ms = NEVER_MS;
	reloading = job_start(argv, job_plain_environment, now_ms + RELOAD_TIMEOUT_MS, reloaded, NULL);
	if (!reloading)
		log_line("systemctl daemon-reload could not be started");
}

int64_t systemd_next_ms(void)
{
	return reloading ? NEVER_MS : reload_ms;
}

struct path systemd_systemctl(void)
{
	static const char *const candidates[] = { "/bin/systemctl", "/usr/bin/systemctl", NULL };
	struct path path;
	files_find(&path, candidates);
	return path;
}
