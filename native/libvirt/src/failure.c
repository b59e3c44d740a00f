/*
 * Why a call failed: taken in the thread of the call, because libvirt keeps one error a thread, and turned
 * into an Error in JavaScript's. The first cause counts; what fails after it is mostly its consequence.
 */
#include "failure.h"

#include <libvirt/virterror.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

void failure_take(struct failure *failure) {
  if (failure->failed) return;
  virErrorPtr error = virGetLastError();
  const char *message = error == NULL ? NULL : error->message;
  failure->failed = true;
  failure->code = error == NULL ? VIR_ERR_INTERNAL_ERROR : error->code;
  failure->domain = error == NULL ? VIR_FROM_NONE : error->domain;
  failure->level = error == NULL ? VIR_ERR_ERROR : (int)error->level;
  failure->message = must_copy(message == NULL ? "libvirt gave no reason" : message);
}

void failure_set(struct failure *failure, int code, const char *message) {
  if (failure->failed) return;
  failure->failed = true;
  failure->code = code;
  failure->domain = VIR_FROM_NONE;
  failure->level = VIR_ERR_ERROR;
  failure->message = must_copy(message);
}

void failure_clear(struct failure *failure) {
  free(failure->message);
  memset(failure, 0, sizeof *failure);
}

napi_value failure_to_js(napi_env env, const struct failure *failure) {
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
