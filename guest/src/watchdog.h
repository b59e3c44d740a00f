/*
 * watchdog.h - the virtual machine's watchdog (i6300esb). While we pet it the host leaves the guest alone; a
 * kernel that stands still, or an agent that nothing starts again, is paused by the host when the time is up.
 * Loads no driver: the image does.
 */
#ifndef PCLOUD_WATCHDOG_H
#define PCLOUD_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

/* Looks for the device, now and then again while its driver or another user keeps it from us. */
void watchdog_begin(void);
/* True while it is ours and petted. */
bool watchdog_is_petted(void);
void watchdog_tick(int64_t now_ms);
int64_t watchdog_next_ms(void);
/* Lets go of it, so that our orderly end is nobody's hang. */
void watchdog_end(void);

#endif
