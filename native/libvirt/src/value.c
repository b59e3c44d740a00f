/*
 * Values on their way to JavaScript. Worker and event threads may not touch JavaScript, so they build a
 * plain tree, and the JavaScript thread turns it into objects. No libvirt call is made here.
 */
#include "addon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must_alloc(size_t size) {
  void *memory = calloc(1, size);
  if (memory == NULL) {
    fputs("libvirt addon: out of memory\n", stderr);
    abort();
  }
  return memory;
}

void *must_realloc(void *old, size_t size) {
  void *memory = realloc(old, size);
  if (memory == NULL) {
    fputs("libvirt addon: out of memory\n", stderr);
    abort();
  }
  return memory;
}

char *must_copy(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = must_alloc(size);
  memcpy(copy, text, size);
  return copy;
}

void value_clear(struct value *value) {
  switch (value->kind) {
    case VALUE_TEXT:
      free(value->as.text);
      break;
    case VALUE_BYTES:
      free(value->as.bytes.data);
      break;
    case VALUE_CONNECTION:
      connection_abandon(value->as.connection);
      break;
    case VALUE_LIST:
    case VALUE_OBJECT:
      for (size_t i = 0; i < value->as.children.count; i++) value_clear(&value->as.children.items[i]);
      free(value->as.children.items);
      break;
    case VALUE_UNDEFINED:
    case VALUE_NULL:
    case VALUE_NUMBER:
      break;
  }
  free(value->key);
  memset(value, 0, sizeof *value);
}

void value_set_text(struct value *value, const char *text) {
  if (text == NULL) {
    value->kind = VALUE_NULL;
    return;
  }
  value->kind = VALUE_TEXT;
  value->as.text = must_copy(text);
}

struct value *value_append(struct value *parent, const char *key) {
  if (parent->kind == VALUE_UNDEFINED) parent->kind = key == NULL ? VALUE_LIST : VALUE_OBJECT;
  if (parent->as.children.count == parent->as.children.capacity) {
    size_t capacity = parent->as.children.capacity == 0 ? 8 : parent->as.children.capacity * 2;
    parent->as.children.items = must_realloc(parent->as.children.items, capacity * sizeof *parent->as.children.items);
    parent->as.children.capacity = capacity;
  }
  struct value *child = &parent->as.children.items[parent->as.children.count++];
  memset(child, 0, sizeof *child);
  if (key != NULL) child->key = must_copy(key);
  return child;
}

void value_append_text(struct value *object, const char *key, const char *text) {
  value_set_text(value_append(object, key), text);
}

void value_append_number(struct value *object, const char *key, double number) {
  struct value *child = value_append(object, key);
  child->kind = VALUE_NUMBER;
  child->as.number = number;
}

static void finalize_connection(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  connection_abandon(data);
}

/* Copies instead of lending: Node may run with pointer cages in which foreign buffers are not allowed. */
static napi_value bytes_to_js(napi_env env, struct value *value) {
  napi_value buffer = NULL;
  if (napi_create_buffer_copy(env, value->as.bytes.size, value->as.bytes.data, NULL, &buffer) != napi_ok) return NULL;
  return buffer;
}

static napi_value connection_to_js(napi_env env, struct value *value) {
  napi_value external = NULL;
  struct connection *connection = value->as.connection;
  if (napi_create_external(env, connection, finalize_connection, NULL, &external) != napi_ok) return NULL;
  value->kind = VALUE_UNDEFINED; /* the external owns the reference now */
  return external;
}

static napi_value children_to_js(napi_env env, struct value *value) {
  bool is_list = value->kind == VALUE_LIST;
  napi_value target = NULL;
  napi_status status = is_list ? napi_create_array_with_length(env, value->as.children.count, &target) : napi_create_object(env, &target);
  if (status != napi_ok) return NULL;
  for (size_t i = 0; i < value->as.children.count; i++) {
    struct value *child = &value->as.children.items[i];
    napi_handle_scope scope;
    if (napi_open_handle_scope(env, &scope) != napi_ok) return NULL;
    napi_value converted = value_to_js(env, child);
    if (converted != NULL)
      status = is_list ? napi_set_element(env, target, (uint32_t)i, converted) : napi_set_named_property(env, target, child->key, converted);
    napi_close_handle_scope(env, scope);
    if (converted == NULL || status != napi_ok) return NULL;
  }
  return target;
}

napi_value value_to_js(napi_env env, struct value *value) {
  napi_value result = NULL;
  switch (value->kind) {
    case VALUE_UNDEFINED:
      return napi_get_undefined(env, &result) == napi_ok ? result : NULL;
    case VALUE_NULL:
      return napi_get_null(env, &result) == napi_ok ? result : NULL;
    case VALUE_TEXT:
      return napi_create_string_utf8(env, value->as.text, NAPI_AUTO_LENGTH, &result) == napi_ok ? result : NULL;
    case VALUE_NUMBER:
      return napi_create_double(env, value->as.number, &result) == napi_ok ? result : NULL;
    case VALUE_BYTES:
      return bytes_to_js(env, value);
    case VALUE_CONNECTION:
      return connection_to_js(env, value);
    case VALUE_LIST:
    case VALUE_OBJECT:
      return children_to_js(env, value);
  }
  return NULL;
}
