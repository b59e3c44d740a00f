/*
 * systemd.h - resources that are systemd units: our drop-in that keeps systemd from restarting them, and
 * the operations by systemctl. Under emulation each systemctl costs a tenth of a second and more, so the
 * unit's control group is read instead wherever it gives the answer for certain.
 */
#ifndef PCLOUD_SYSTEMD_H
#define PCLOUD_SYSTEMD_H

#include "operation.h"

/* The drop-in, written where it is missing or differs; systemd is then reloaded once for all of a burst. */
void systemd_manage(const char *service, const char *resource_name);
/* Removes it. */
void systemd_release(const char *service);
/* True while a reload is due or under way. */
bool systemd_reload_pending(void);
void systemd_tick(int64_t now_ms);
int64_t systemd_next_ms(void);

/* The path of systemctl. */
struct path systemd_systemctl(void);

void systemd_step(struct operation *operation, struct resource *resource, const struct job_outcome *outcome);

#endif
