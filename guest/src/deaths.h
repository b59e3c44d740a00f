/*
 * deaths.h - how we learn that a process has ended: from the kernel's proc connector (CN_PROC), or by
 * looking into /proc where that is missing. Whose process it was is resource.c's.
 */
#ifndef PCLOUD_DEATHS_H
#define PCLOUD_DEATHS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct death_handlers {
	/* A process ended with this wait(2) status, as the kernel says. */
	void (*ended)(pid_t pid, int status);
	/* Events were lost, or it is time to look: check every process that matters. */
	void (*look)(void);
};

/* Listens to the connector, or polls where that does not work or is not wanted. */
void deaths_open(const struct death_handlers *handlers, bool want_connector);
bool deaths_from_connector(void);
/* Takes the events that have arrived already. */
void deaths_drain(void);
/* Polling only: looks when it is time. */
void deaths_tick(int64_t now_ms);
int64_t deaths_next_ms(void);

#endif
