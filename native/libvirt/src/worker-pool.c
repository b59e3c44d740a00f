/*
 * Threads for libvirt calls. Not libuv's: its four also serve files and DNS, and a single call on a QEMU
 * that does not answer holds its thread for ten seconds. The pool grows while all its threads are held,
 * up to a bound, so that such a call delays no other; threads that stay idle end again. What a piece of
 * work is, and to whom its outcome goes, is its submitter's business.
 */
#include "worker-pool.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include "thread.h"

#define MIN_WORKERS 4
#define MAX_WORKERS 24
#define IDLE_LIMIT_S 30

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static struct work *first;
static struct work *last;
static int queued;
static int workers;
static int idle;

/* With the lock held: the next piece of work, or NULL when this thread has been idle for too long. */
static struct work *take_locked(void) {
  while (first == NULL) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += IDLE_LIMIT_S;
    idle++;
    int waited = pthread_cond_timedwait(&arrived, &lock, &until);
    idle--;
    if (waited == ETIMEDOUT && first == NULL && workers > MIN_WORKERS) return NULL;
  }
  struct work *work = first;
  first = work->next;
  if (first == NULL) last = NULL;
  queued--;
  work->next = NULL;
  return work;
}

static void *serve(void *argument) {
  (void)argument;
  pthread_mutex_lock(&lock);
  for (;;) {
    struct work *work = take_locked();
    if (work == NULL) break;
    pthread_mutex_unlock(&lock);
    work->run(work->data); /* may free `work` */
    pthread_mutex_lock(&lock);
  }
  workers--;
  pthread_mutex_unlock(&lock);
  return NULL;
}

bool worker_pool_submit(struct work *work) {
  pthread_mutex_lock(&lock);
  if (last == NULL)
    first = work;
  else
    last->next = work;
  last = work;
  queued++;
  bool started = true;
  if (queued > idle && workers < MAX_WORKERS) {
    workers++;
    if (start_thread(serve, NULL) != 0) {
      workers--;
      started = workers > 0; /* the threads that exist will come to it */
    }
  }
  if (!started) {
    /* No thread at all, ever: the queue holds this one piece only, so it can be given back. */
    first = last = NULL;
    queued = 0;
  }
  pthread_cond_signal(&arrived);
  pthread_mutex_unlock(&lock);
  return started;
}
