/* A job: one call of JavaScript's, from its arguments to its promise. */
#ifndef PCLOUD_LIBVIRT_JOB_H
#define PCLOUD_LIBVIRT_JOB_H

#include <node_api.h>
#include <stdint.h>

#include "connection.h"
#include "environment.h"
#include "failure.h"
#include "value.h"
#include "worker-pool.h"

#define MAX_TEXTS 2
#define MAX_NUMBERS 2

struct job;
typedef void (*job_function)(struct job *job);

struct job {
  struct work work;
  job_function run;
  struct environment *environment;
  napi_deferred deferred;
  struct connection *connection; /* NULL for open; owns one reference */
  char *texts[MAX_TEXTS];
  int64_t numbers[MAX_NUMBERS];
  struct value result;
  struct failure failure;
};

/* JavaScript thread: a job whose arguments are still to be filled in. */
struct job *job_new(struct environment *environment, job_function run);
/* JavaScript thread: hands the job to a worker and returns its promise; NULL, with the job still the caller's, when none could be made. */
napi_value job_start(napi_env env, struct job *job);
/* Only a job that was not started; a started one frees itself. */
void job_free(struct job *job);
/* Worker: takes libvirt's last error, see failure_take. */
void job_fail(struct job *job);

#endif
