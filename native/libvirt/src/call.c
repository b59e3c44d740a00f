/*
 * From JavaScript's arguments to a job: checks them against what the operation takes, and refuses what
 * does not fit before any thread is troubled. JavaScript thread only; no libvirt call is made here.
 */
#include "call.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "operations.h"

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
  struct connection *connection = handle_from_js(env, value, &connection_handle);
  if (connection == NULL) return false;
  job->connection = connection_ref(connection);
  return true;
}

static napi_value refuse(napi_env env, struct job *job, const char *message) {
  job_free(job);
  napi_throw_type_error(env, NULL, message);
  return NULL;
}

napi_value call_operation(napi_env env, napi_callback_info info) {
  napi_value arguments[1 + MAX_TEXTS + MAX_NUMBERS];
  size_t count = sizeof arguments / sizeof *arguments;
  void *data;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, &data) != napi_ok) return NULL;
  struct environment *environment = environment_of(env);
  if (environment == NULL) return NULL;
  const struct operation *operation = data;
  struct job *job = job_new(environment, operation->run);

  size_t first = operation->opens ? 0 : 1;
  if (count < first + strlen(operation->arguments)) return refuse(env, job, "an argument is missing");
  if (!operation->opens && !read_connection(env, job, arguments[0])) return refuse(env, job, "this is not a libvirt connection");
  int texts = 0;
  int numbers = 0;
  for (size_t i = 0; operation->arguments[i] != '\0'; i++) {
    if (!read_argument(env, job, operation->arguments[i], arguments[first + i], &texts, &numbers))
      return refuse(env, job, "an argument has the wrong type, or holds a NUL character");
  }
  napi_value promise = job_start(env, job);
  return promise != NULL ? promise : refuse(env, job, "no promise could be made");
}

napi_value call_connection_id(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  size_t count = 1;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok) return NULL;
  const struct connection *connection = count != 1 ? NULL : handle_from_js(env, argument, &connection_handle);
  if (connection == NULL) {
    napi_throw_type_error(env, NULL, "this is not a libvirt connection");
    return NULL;
  }
  return napi_create_int64(env, connection_id(connection), &result) == napi_ok ? result : NULL;
}
