/*
 * clock.h - the two clocks the agent reads. Deadlines use the monotonic one: a guest's wall clock jumps.
 */
#ifndef PCLOUD_CLOCK_H
#define PCLOUD_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NEVER_MS INT64_MAX

/* Milliseconds since boot. */
static inline int64_t clock_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline int64_t earlier_ms(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

#endif
