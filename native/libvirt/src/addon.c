/*
 * The N-API side: makes a job and a promise of each call, and delivers finished jobs and events to
 * JavaScript through one threadsafe function, so that they arrive in the order in which they happened.
 * It keeps the process alive only while a call is pending. It makes no libvirt call itself.
 */
#include "addon.h"

#include <stdlib.h>
#include <string.h>

struct environment {
  atomic_int references;
  pthread_mutex_t lock; /* guards alive against threads that are posting */
  bool alive;
  napi_env env;
  napi_threadsafe_function function;
  int pending; /* JavaScript thread only */
};

/* One delivery: a finished job, or an event. */
struct delivery {
  struct environment *environment;
  struct job *job;
  struct value event;
};

/* Tells our connection handles from any other external value. */
static const napi_type_tag connection_tag = {0x6a1f3c0e5b7d4a92, 0x9d2e8f714c6b0a35};

struct environment *environment_ref(struct environment *environment) {
  atomic_fetch_add(&environment->references, 1);
  return environment;
}

void environment_unref(struct environment *environment) {
  if (atomic_fetch_sub(&environment->references, 1) != 1) return;
  pthread_mutex_destroy(&environment->lock);
  free(environment);
}

static void delivery_free(struct delivery *delivery) {
  if (delivery->job != NULL) job_free(delivery->job);
  value_clear(&delivery->event);
  environment_unref(delivery->environment);
  free(delivery);
}

static void post(struct delivery *delivery) {
  struct environment *environment = delivery->environment;
  pthread_mutex_lock(&environment->lock);
  bool posted = environment->alive && napi_call_threadsafe_function(environment->function, delivery, napi_tsfn_nonblocking) == napi_ok;
  pthread_mutex_unlock(&environment->lock);
  if (!posted) delivery_free(delivery);
}

void environment_post_event(struct environment *environment, struct value *event) {
  struct delivery *delivery = must_alloc(sizeof *delivery);
  delivery->environment = environment_ref(environment);
  delivery->event = *event;
  memset(event, 0, sizeof *event);
  post(delivery);
}

void environment_post_job(struct job *job) {
  if (job->deferred == NULL) return job_free(job);
  struct delivery *delivery = must_alloc(sizeof *delivery);
  delivery->environment = environment_ref(job->environment);
  delivery->job = job;
  post(delivery);
}

void job_free(struct job *job) {
  for (int i = 0; i < MAX_TEXTS; i++) free(job->texts[i]);
  value_clear(&job->result);
  free(job->failure.message);
  if (job->connection != NULL) connection_unref(job->connection);
  environment_unref(job->environment);
  free(job);
}

void job_fail(struct job *job) {
  virErrorPtr error = virGetLastError();
  if (job->failure.failed) return; /* the first cause counts */
  job->failure.failed = true;
  job->failure.code = error == NULL ? VIR_ERR_INTERNAL_ERROR : error->code;
  job->failure.domain = error == NULL ? VIR_FROM_NONE : error->domain;
  job->failure.level = error == NULL ? VIR_ERR_ERROR : (int)error->level;
  const char *message = error == NULL ? NULL : error->message;
  job->failure.message = must_copy(message == NULL ? "libvirt gave no reason" : message);
}

void job_fail_with(struct job *job, int code, const char *message) {
  if (job->failure.failed) return;
  job->failure.failed = true;
  job->failure.code = code;
  job->failure.domain = VIR_FROM_NONE;
  job->failure.level = VIR_ERR_ERROR;
  job->failure.message = must_copy(message);
}

/* ---- deliveries, on the JavaScript thread ---- */

static napi_value error_to_js(napi_env env, const struct failure *failure) {
  napi_value message, error, number;
  const struct {
    const char *key;
    int value;
  } fields[] = {{"code", failure->code}, {"domain", failure->domain}, {"level", failure->level}};
  if (napi_create_string_utf8(env, failure->message, NAPI_AUTO_LENGTH, &message) != napi_ok) return NULL;
  if (napi_create_error(env, NULL, message, &error) != napi_ok) return NULL;
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    if (napi_create_int32(env, fields[i].value, &number) != napi_ok) return NULL;
    if (napi_set_named_property(env, error, fields[i].key, number) != napi_ok) return NULL;
  }
  return error;
}

/* A promise must never stay open: whatever cannot be converted rejects with what went wrong. */
static void settle(napi_env env, struct job *job) {
  napi_value value = job->failure.failed ? error_to_js(env, &job->failure) : value_to_js(env, &job->result);
  if (value != NULL && !job->failure.failed) {
    napi_valuetype type;
    if (napi_typeof(env, value, &type) == napi_ok && type == napi_external) napi_type_tag_object(env, value, &connection_tag);
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

static void dispatch_event(napi_env env, napi_value dispatch, struct value *event) {
  napi_value receiver, argument, ignored;
  if (napi_get_undefined(env, &receiver) != napi_ok) return;
  argument = value_to_js(env, event);
  if (argument != NULL && napi_call_function(env, receiver, dispatch, 1, &argument, &ignored) == napi_ok) return;
  bool thrown = false;
  napi_is_exception_pending(env, &thrown);
  if (!thrown) return;
  napi_value exception;
  napi_get_and_clear_last_exception(env, &exception);
  napi_fatal_exception(env, exception); /* as an uncaught exception, never silently */
}

static void deliver(napi_env env, napi_value dispatch, void *context, void *data) {
  (void)context;
  struct delivery *delivery = data;
  if (env != NULL && delivery->job != NULL) {
    struct environment *environment = delivery->environment;
    settle(env, delivery->job);
    if (--environment->pending == 0) napi_unref_threadsafe_function(env, environment->function);
  } else if (env != NULL) {
    dispatch_event(env, dispatch, &delivery->event);
  }
  delivery_free(delivery);
}

/* ---- calls, on the JavaScript thread ---- */

static char *text_argument(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) return NULL;
  char *text = must_alloc(length + 1);
  if (napi_get_value_string_utf8(env, value, text, length + 1, &length) == napi_ok && strlen(text) == length) return text;
  free(text); /* not a string, or one with a NUL inside, which C would cut */
  return NULL;
}

static bool read_argument(napi_env env, struct job *job, char kind, napi_value value, int *texts, int *numbers) {
  if (kind == 'n') return napi_get_value_int64(env, value, &job->numbers[(*numbers)++]) == napi_ok;
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok) return false;
  int index = (*texts)++;
  if (kind == 'S' && type == napi_null) return true;
  job->texts[index] = text_argument(env, value);
  return job->texts[index] != NULL;
}

static bool read_connection(napi_env env, struct job *job, napi_value value) {
  bool ours = false;
  void *data = NULL;
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return false;
  if (napi_check_object_type_tag(env, value, &connection_tag, &ours) != napi_ok || !ours) return false;
  if (napi_get_value_external(env, value, &data) != napi_ok) return false;
  job->connection = connection_ref(data);
  return true;
}

static napi_value refuse(napi_env env, struct job *job, const char *message) {
  job_free(job);
  napi_throw_type_error(env, NULL, message);
  return NULL;
}

static napi_value call(napi_env env, napi_callback_info info) {
  napi_value arguments[1 + MAX_TEXTS + MAX_NUMBERS];
  size_t count = sizeof arguments / sizeof *arguments;
  void *data;
  struct environment *environment;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, &data) != napi_ok) return NULL;
  if (napi_get_instance_data(env, (void **)&environment) != napi_ok) return NULL;
  const struct operation *operation = data;
  struct job *job = must_alloc(sizeof *job);
  job->environment = environment_ref(environment);
  job->run = operation->run;

  size_t first = operation->opens ? 0 : 1;
  if (count < first + strlen(operation->arguments)) return refuse(env, job, "an argument is missing");
  if (!operation->opens && !read_connection(env, job, arguments[0])) return refuse(env, job, "this is not a libvirt connection");
  int texts = 0;
  int numbers = 0;
  for (size_t i = 0; operation->arguments[i] != '\0'; i++) {
    if (!read_argument(env, job, operation->arguments[i], arguments[first + i], &texts, &numbers))
      return refuse(env, job, "an argument has the wrong type, or holds a NUL character");
  }
  napi_value promise;
  if (napi_create_promise(env, &job->deferred, &promise) != napi_ok) return refuse(env, job, "no promise could be made");
  if (environment->pending++ == 0) napi_ref_threadsafe_function(env, environment->function);
  worker_pool_submit(job);
  return promise;
}

static napi_value connection_id(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  size_t count = 1;
  void *data = NULL;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok) return NULL;
  if (count != 1 || napi_get_value_external(env, argument, &data) != napi_ok) {
    napi_throw_type_error(env, NULL, "this is not a libvirt connection");
    return NULL;
  }
  return napi_create_int64(env, ((struct connection *)data)->id, &result) == napi_ok ? result : NULL;
}

/* ---- start and end ---- */

/* Runs before Node frees the threadsafe function, so that no thread posts to it afterwards. */
static void end(void *data) {
  struct environment *environment = data;
  pthread_mutex_lock(&environment->lock);
  environment->alive = false;
  pthread_mutex_unlock(&environment->lock);
  environment_unref(environment);
}

/* init(dispatch): `dispatch` receives every event of every connection of this environment. */
static napi_value init(napi_env env, napi_callback_info info) {
  napi_value dispatch, name;
  size_t count = 1;
  struct environment *environment;
  if (napi_get_cb_info(env, info, &count, &dispatch, NULL, NULL) != napi_ok) return NULL;
  if (napi_get_instance_data(env, (void **)&environment) != napi_ok) return NULL;
  if (environment->alive) return NULL;
  if (napi_create_string_utf8(env, "libvirt", NAPI_AUTO_LENGTH, &name) != napi_ok) return NULL;
  if (napi_create_threadsafe_function(env, dispatch, NULL, name, 0, 1, NULL, NULL, environment, deliver, &environment->function) != napi_ok) {
    napi_throw_error(env, NULL, "no threadsafe function could be made for libvirt's events");
    return NULL;
  }
  napi_unref_threadsafe_function(env, environment->function);
  environment->alive = true;
  napi_add_env_cleanup_hook(env, end, environment_ref(environment));
  return NULL;
}

static void forget_environment(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  environment_unref(data);
}

static bool export_function(napi_env env, napi_value exports, const char *name, napi_callback callback, const void *data) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, (void *)data, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

NAPI_MODULE_INIT() {
  if (!event_loop_start()) {
    napi_throw_error(env, NULL, "libvirt's event loop could not be started");
    return NULL;
  }
  struct environment *environment = must_alloc(sizeof *environment);
  atomic_init(&environment->references, 1);
  pthread_mutex_init(&environment->lock, NULL);
  environment->env = env;
  if (napi_set_instance_data(env, environment, forget_environment, NULL) != napi_ok) return NULL;
  if (!export_function(env, exports, "init", init, NULL)) return NULL;
  if (!export_function(env, exports, "connectionId", connection_id, NULL)) return NULL;
  for (size_t i = 0; i < operation_count; i++) {
    if (!export_function(env, exports, operations[i].name, call, &operations[i])) return NULL;
  }
  return exports;
}
