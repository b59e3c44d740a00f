/* Threads for what may wait. */
#ifndef PCLOUD_LIBVIRT_WORKER_POOL_H
#define PCLOUD_LIBVIRT_WORKER_POOL_H

#include <stdbool.h>

/* A piece of work, inside whatever it works on; untouched by the pool from the moment it runs. */
struct work {
  struct work *next; /* the pool's */
  void (*run)(void *data);
  void *data;
};

/* Any thread: queues the work for a worker. False: no thread could be started, and the work stays the caller's. */
bool worker_pool_submit(struct work *work);

#endif
