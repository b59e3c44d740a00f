/*
 * pidfile.h - which process is the main one of a SysV service: no manager can be asked, so it is the
 * script's own pid file, the usual places, or what its `status` prints.
 */
#ifndef PCLOUD_PIDFILE_H
#define PCLOUD_PIDFILE_H

#include <sys/types.h>

/* The main process (alive) of the service whose `status` printed this, or 0. */
pid_t pidfile_main_process(const char *service, const char *status_text);

/* The living process that a pid file names, or 0. */
pid_t pidfile_read(const char *path);

#endif
