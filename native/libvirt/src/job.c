/*
 * A call's life once its arguments are read: made on the JavaScript thread, run on a worker, and back on
 * the JavaScript thread to settle its promise. What it does meanwhile is its operation's business.
 */
#include "job.h"

#include <libvirt/virterror.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "memory.h"

struct job *job_new(struct environment *environment, job_function run) {
  struct job *job = must_alloc(sizeof *job);
  job->environment = environment_ref(environment);
  job->run = run;
  return job;
}

void job_free(struct job *job) {
  for (int i = 0; i < MAX_TEXTS; i++) free(job->texts[i]);
  value_clear(&job->result);
  failure_clear(&job->failure);
  if (job->connection != NULL) connection_unref(job->connection);
  environment_unref(job->environment);
  free(job);
}

void job_fail(struct job *job) { failure_take(&job->failure); }

/* A promise must never stay open: whatever cannot be converted rejects with what went wrong. */
static void settle(napi_env env, struct job *job) {
  napi_value value = job->failure.failed ? failure_to_js(env, &job->failure) : value_to_js(env, &job->result);
  if (value != NULL && !job->failure.failed) {
    napi_resolve_deferred(env, job->deferred, value);
    return;
  }
  if (value == NULL) {
    bool thrown = false;
    napi_is_exception_pending(env, &thrown);
    if (thrown)
      napi_get_and_clear_last_exception(env, &value);
    else
      napi_get_undefined(env, &value);
  }
  napi_reject_deferred(env, job->deferred, value);
}

/* A delivery of environment.h. */
static void finish(napi_env env, void *data) {
  struct job *job = data;
  if (env != NULL) {
    settle(env, job);
    environment_let_go(env, job->environment);
  }
  job_free(job);
}

static void run(void *data) {
  struct job *job = data;
  job->run(job);
  environment_post(job->environment, finish, job);
}

napi_value job_start(napi_env env, struct job *job) {
  napi_value promise;
  if (napi_create_promise(env, &job->deferred, &promise) != napi_ok) return NULL;
  environment_hold(env, job->environment);
  job->work = (struct work){.run = run, .data = job};
  if (worker_pool_submit(&job->work)) return promise;
  failure_set(&job->failure, VIR_ERR_SYSTEM_ERROR, "no thread could be started for a libvirt call");
  environment_post(job->environment, finish, job);
  return promise;
}
