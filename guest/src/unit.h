/*
 * unit.h - reading a systemd unit without changing it: its name, its control group, and the answer of
 * `systemctl show`.
 */
#ifndef PCLOUD_UNIT_H
#define PCLOUD_UNIT_H

#include <stdbool.h>
#include <sys/types.h>

#include "limits.h"

struct unit_name {
	char text[MAX_SERVICE_BYTES + 16];
};

/* `httpd` and `httpd.service` are the same unit. */
struct unit_name unit_name(const char *service);

enum unit_population { UNIT_GROUP_UNKNOWN, UNIT_GROUP_EMPTY, UNIT_GROUP_POPULATED };

/* Whether any process of the unit is left, by its control group. Unknown: no such group is to be seen. */
enum unit_population unit_population(const char *service);

/* The main process where the control group leaves no doubt (one child of init), or 0. */
pid_t unit_main_process(const char *service);

struct unit_state {
	bool found; /* systemd has such a unit */
	char active[24]; /* ActiveState */
	pid_t main_pid;
};

/* Takes the output of `systemctl show -p LoadState -p ActiveState -p MainPID`. False: not that. */
bool unit_parse_show(const char *text, struct unit_state *out);

#endif
