/*
 * run.h - a program that the host names, run on its word: one at a time, with a limit, its output told as it
 * comes. For builds, which install packages this way. What the resources' classes run is operation.c's.
 *
 * The output is paced: a few pieces at a time, and none before the port has taken the last. So a program that
 * talks without end is held up by its own full pipe, and neither we nor the host are flooded.
 */
#ifndef PCLOUD_RUN_H
#define PCLOUD_RUN_H

#include <stdint.h>

#include "message.h"

/* Starts it; what cannot be started, or comes while another runs, is answered at once with the reason. */
void run_begin(const struct message *message);
/* Ends the run, if there is one, and tells nobody: who asked for it is gone. */
void run_abandon(void);
void run_tick(int64_t now_ms);
int64_t run_next_ms(void);

#endif
