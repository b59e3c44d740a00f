/*
 * The way to the JavaScript thread: finished calls and events go through one threadsafe function, so that
 * they arrive in the order in which they happened. It keeps the process alive only while somebody holds
 * it. What a finished call means is its poster's business.
 */
#include "environment.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct environment {
  atomic_int references;
  pthread_mutex_t lock; /* guards alive against threads that are posting */
  bool alive;
  napi_threadsafe_function function;
  int held; /* JavaScript thread only */
};

/* One delivery: a function to run, or (NULL) an event to dispatch. */
struct delivery {
  struct environment *environment;
  delivery_function function;
  void *data;
  struct value event;
};

struct environment *environment_of(napi_env env) {
  void *environment = NULL;
  return napi_get_instance_data(env, &environment) == napi_ok ? environment : NULL;
}

struct environment *environment_ref(struct environment *environment) {
  atomic_fetch_add(&environment->references, 1);
  return environment;
}

void environment_unref(struct environment *environment) {
  if (atomic_fetch_sub(&environment->references, 1) != 1) return;
  pthread_mutex_destroy(&environment->lock);
  free(environment);
}

void environment_hold(napi_env env, struct environment *environment) {
  if (environment->held++ == 0) napi_ref_threadsafe_function(env, environment->function);
}

void environment_let_go(napi_env env, struct environment *environment) {
  if (--environment->held == 0) napi_unref_threadsafe_function(env, environment->function);
}

/* ---- deliveries: posted by any thread, made on the JavaScript thread ---- */

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
  if (delivery->function != NULL)
    delivery->function(env, delivery->data);
  else if (env != NULL)
    dispatch_event(env, dispatch, &delivery->event);
  value_clear(&delivery->event);
  environment_unref(delivery->environment);
  free(delivery);
}

static void post(struct environment *environment, struct delivery *delivery) {
  delivery->environment = environment_ref(environment);
  pthread_mutex_lock(&environment->lock);
  bool posted = environment->alive && napi_call_threadsafe_function(environment->function, delivery, napi_tsfn_nonblocking) == napi_ok;
  pthread_mutex_unlock(&environment->lock);
  if (!posted) deliver(NULL, NULL, NULL, delivery);
}

void environment_post(struct environment *environment, delivery_function function, void *data) {
  struct delivery *delivery = must_alloc(sizeof *delivery);
  delivery->function = function;
  delivery->data = data;
  post(environment, delivery);
}

void environment_post_event(struct environment *environment, struct value *event) {
  struct delivery *delivery = must_alloc(sizeof *delivery);
  delivery->event = *event;
  memset(event, 0, sizeof *event);
  post(environment, delivery);
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

napi_value environment_init(napi_env env, napi_callback_info info) {
  napi_value dispatch, name;
  size_t count = 1;
  if (napi_get_cb_info(env, info, &count, &dispatch, NULL, NULL) != napi_ok) return NULL;
  struct environment *environment = environment_of(env);
  if (environment == NULL || environment->alive) return NULL;
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

static void forget(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  environment_unref(data);
}

napi_status environment_attach(napi_env env) {
  struct environment *environment = must_alloc(sizeof *environment);
  atomic_init(&environment->references, 1);
  pthread_mutex_init(&environment->lock, NULL);
  napi_status status = napi_set_instance_data(env, environment, forget, NULL);
  if (status != napi_ok) environment_unref(environment);
  return status;
}
