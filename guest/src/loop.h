/*
 * loop.h - file descriptors to functions, by epoll. Deadlines are the modules' own: main.c asks each for
 * its next one.
 */
#ifndef PCLOUD_LOOP_H
#define PCLOUD_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop_source {
	int fd; /* -1: not in the loop */
	void (*ready)(struct loop_source *source, uint32_t events);
};

bool loop_open(void);
/* Adds fd with these epoll events. False with errno set. */
bool loop_add(struct loop_source *source, int fd, uint32_t events);
/* Takes the source out and closes its descriptor. */
void loop_close(struct loop_source *source);
/* Waits until a descriptor is ready or until `until_ms`, and calls the functions. */
void loop_turn(int64_t until_ms);

#endif
