/*
 * pidfile.c - see pidfile.h.
 */
#include "pidfile.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "procfs.h"

static bool lives(pid_t pid)
{
	struct procfs_stat stat;
	return pid > 0 && procfs_read(pid, &stat) && procfs_is_alive(&stat);
}

pid_t pidfile_read(const char *path)
{
	char text[64];
	if (read_text(path, text, sizeof text) <= 0)
		return 0;
	pid_t pid = parse_pid(text + strspn(text, " \t"));
	return lives(pid) ? pid : 0;
}

/* chkconfig(8)'s header in the script: `# pidfile: /var/run/httpd/httpd.pid`. */
static pid_t by_script_header(const char *service)
{
	char text[4096], path[256];
	struct path script = files_path("/etc/init.d/%s", service);
	if (read_text(script.text, text, sizeof text) <= 0)
		return 0;
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
		if (sscanf(line, "# pidfile: %255s", path) == 1 && path[0] == '/')
			return pidfile_read(files_path("%s", path).text);
	return 0;
}

static pid_t by_usual_place(const char *service)
{
	static const char *const directories[] = { "/var/run", "/run" };
	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
		pid_t pid = pidfile_read(files_path("%s/%s.pid", directories[i], service).text);
		if (pid == 0)
			pid = pidfile_read(files_path("%s/%s/%s.pid", directories[i], service, service).text);
		if (pid != 0)
			return pid;
	}
	return 0;
}

/* `httpd (pid  812 811) is running...`: of those that are named, the one that init started. */
static pid_t by_status(const char *text)
{
	const char *at = strstr(text, "pid");
	pid_t found = 0;
	if (at == NULL)
		return 0;
	for (at += strcspn(at, "0123456789\n"); isdigit((unsigned char)*at);) {
		struct procfs_stat stat;
		pid_t pid = parse_pid(at);
		if (lives(pid) && procfs_read(pid, &stat) && (found == 0 || stat.parent == 1))
			found = pid;
		at += strspn(at, "0123456789");
		at += strspn(at, " ,");
	}
	return found;
}

pid_t pidfile_main_process(const char *service, const char *status_text)
{
	pid_t pid = by_script_header(service);
	if (pid == 0)
		pid = by_usual_place(service);
	return pid != 0 ? pid : by_status(status_text);
}
