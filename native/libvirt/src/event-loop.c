/*
 * The one thread that turns libvirt's event loop. Events, keepalive and the close callback of every
 * connection arrive on it. It does nothing else: a callback that waited here would stop them all.
 */
#include "event-loop.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include "thread.h"

/* Long enough to cost nothing while idle, short enough that a lost wake-up is no outage. */
#define IDLE_TURN_MS 1000

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool started;

/* libvirt prints every error to stderr unless told not to; ours travel with the promise. */
static void ignore_error(void *data, virErrorPtr error) {
  (void)data;
  (void)error;
}

static void idle_turn(int timer, void *data) {
  (void)timer;
  (void)data;
}

static void *turn(void *argument) {
  (void)argument;
  for (;;) {
    if (virEventRunDefaultImpl() == 0) continue;
    /* It fails only before registration; a pause keeps even that from burning a core. */
    struct timespec pause = {.tv_sec = 1, .tv_nsec = 0};
    nanosleep(&pause, NULL);
  }
  return NULL;
}

static void start(void) {
  if (virInitialize() < 0) return;
  virSetErrorFunc(NULL, ignore_error);
  if (virEventRegisterDefaultImpl() < 0) return;
  if (virEventAddTimeout(IDLE_TURN_MS, idle_turn, NULL, NULL) < 0) return;
  started = start_thread(turn, NULL) == 0;
}

bool event_loop_start(void) {
  pthread_once(&once, start);
  return started;
}
