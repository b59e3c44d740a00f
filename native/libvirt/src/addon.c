/*
 * The module that Node loads: starts libvirt's event loop and registers what JavaScript can call. It knows
 * no job and no connection. Includes and calls go one way in this folder:
 *   addon -> call -> operations, operations-domain -> job -> connection -> environment -> value -> memory
 *   job, connection -> worker-pool -> thread;  job, connection -> failure;  addon -> event-loop -> thread
 * JavaScript's thread runs addon, call and the deliveries of environment (a job's end among them), a worker
 * of worker-pool runs operations, and event-loop's thread runs the event callbacks of connection.
 */
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>

#include "call.h"
#include "environment.h"
#include "event-loop.h"
#include "operations.h"

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
  if (environment_attach(env) != napi_ok) return NULL;
  if (!export_function(env, exports, "init", environment_init, NULL)) return NULL;
  if (!export_function(env, exports, "connectionId", call_connection_id, NULL)) return NULL;
  for (size_t i = 0; i < operation_count; i++) {
    if (!export_function(env, exports, operations[i].name, call_operation, &operations[i])) return NULL;
  }
  return exports;
}
