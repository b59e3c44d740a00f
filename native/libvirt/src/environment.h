/* One JavaScript environment (the main thread or a worker thread), seen from any thread. */
#ifndef PCLOUD_LIBVIRT_ENVIRONMENT_H
#define PCLOUD_LIBVIRT_ENVIRONMENT_H

#include <node_api.h>

#include "value.h"

struct environment;

/*
 * What a delivery does on the JavaScript thread. It frees `data` in any case; with env NULL, on any
 * thread, the environment has ended and that is all it does.
 */
typedef void (*delivery_function)(napi_env env, void *data);

/* JavaScript thread: makes the environment of `env` as its instance data. */
napi_status environment_attach(napi_env env);
/* JavaScript thread: the environment of `env`, without a reference of the caller's; NULL on failure. */
struct environment *environment_of(napi_env env);
/* The exported init(dispatch): `dispatch` receives every event of every connection of this environment. */
napi_value environment_init(napi_env env, napi_callback_info info);

struct environment *environment_ref(struct environment *environment);
void environment_unref(struct environment *environment);

/* JavaScript thread: between the two the process stays alive. They nest. */
void environment_hold(napi_env env, struct environment *environment);
void environment_let_go(napi_env env, struct environment *environment);

/* Any thread: runs `function` on the JavaScript thread, after all that was posted before. */
void environment_post(struct environment *environment, delivery_function function, void *data);
/* Any thread: hands an event to `dispatch`; takes over the value. Dropped when the environment has ended. */
void environment_post_event(struct environment *environment, struct value *event);

#endif
