/* libvirt's event loop. */
#ifndef PCLOUD_LIBVIRT_EVENT_LOOP_H
#define PCLOUD_LIBVIRT_EVENT_LOOP_H

#include <stdbool.h>

/* Registers libvirt's event implementation and starts its thread, once a process, before any open. */
bool event_loop_start(void);

#endif
