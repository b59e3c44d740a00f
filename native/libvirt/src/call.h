/* Calls from JavaScript, as N-API callbacks. */
#ifndef PCLOUD_LIBVIRT_CALL_H
#define PCLOUD_LIBVIRT_CALL_H

#include <node_api.h>

/* The function of every operation; its data is the `struct operation`. Returns a promise, or throws a TypeError. */
napi_value call_operation(napi_env env, napi_callback_info info);
/* connectionId(connection): the id that names it in its events, at once. */
napi_value call_connection_id(napi_env env, napi_callback_info info);

#endif
