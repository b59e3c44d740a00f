/*
 * Threads for libvirt calls. Not libuv's: its four also serve files and DNS, and a single call on a QEMU
 * that does not answer holds its thread for ten seconds. The pool grows while all its threads are held,
 * up to a bound, so that such a call delays no other; threads that stay idle end again.
 */
#include "addon.h"

#include <errno.h>
#include <time.h>

#define MIN_WORKERS 4
#define MAX_WORKERS 24
#define IDLE_LIMIT_S 30

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static struct job *first;
static struct job *last;
static int queued;
static int workers;
static int idle;

/* With the lock held: the next job, or NULL when this thread has been idle for too long. */
static struct job *take_locked(void) {
  while (first == NULL) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += IDLE_LIMIT_S;
    idle++;
    int waited = pthread_cond_timedwait(&work, &lock, &until);
    idle--;
    if (waited == ETIMEDOUT && first == NULL && workers > MIN_WORKERS) return NULL;
  }
  struct job *job = first;
  first = job->next;
  if (first == NULL) last = NULL;
  queued--;
  job->next = NULL;
  return job;
}

static void *serve(void *argument) {
  (void)argument;
  pthread_mutex_lock(&lock);
  for (;;) {
    struct job *job = take_locked();
    if (job == NULL) break;
    pthread_mutex_unlock(&lock);
    job->run(job);
    environment_post_job(job);
    pthread_mutex_lock(&lock);
  }
  workers--;
  pthread_mutex_unlock(&lock);
  return NULL;
}

void worker_pool_submit(struct job *job) {
  pthread_mutex_lock(&lock);
  if (last == NULL)
    first = job;
  else
    last->next = job;
  last = job;
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
    /* No thread at all, ever: the queue holds this one job only, so it can be answered at once. */
    first = last = NULL;
    queued = 0;
  }
  pthread_cond_signal(&work);
  pthread_mutex_unlock(&lock);
  if (!started) {
    job_fail_with(job, VIR_ERR_SYSTEM_ERROR, "no thread could be started for a libvirt call");
    environment_post_job(job);
  }
}
