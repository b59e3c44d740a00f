/* Starting a thread beside Node's own. What it does is its starter's business. */
#include "thread.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

int start_thread(void *(*function)(void *), void *argument) {
  sigset_t all;
  sigset_t before;
  pthread_t thread;
  pthread_attr_t attributes;
  int failed = pthread_attr_init(&attributes);
  if (failed != 0) return failed;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  failed = pthread_create(&thread, &attributes, function, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return failed;
}
