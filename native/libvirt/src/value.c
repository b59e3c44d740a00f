/*
 * Values on their way to JavaScript. Worker and event threads may not touch JavaScript, so they build a
 * plain tree, and the JavaScript thread turns it into objects. What is behind a handle is not known here.
 */
#include "value.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

void value_clear(struct value *value) {
  switch (value->kind) {
    case VALUE_TEXT:
      free(value->as.text);
      break;
    case VALUE_BYTES:
      free(value->as.bytes.data);
      break;
    case VALUE_HANDLE:
      value->as.handle.kind->release(value->as.handle.data);
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

void value_set_handle(struct value *value, const struct handle_kind *kind, void *data) {
  value->kind = VALUE_HANDLE;
  value->as.handle.kind = kind;
  value->as.handle.data = data;
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

static void finalize_handle(napi_env env, void *data, void *hint) {
  (void)env;
  const struct handle_kind *kind = hint;
  kind->release(data);
}

/* Copies instead of lending: Node may run with pointer cages in which foreign buffers are not allowed. */
static napi_value bytes_to_js(napi_env env, struct value *value) {
  napi_value buffer = NULL;
  if (napi_create_buffer_copy(env, value->as.bytes.size, value->as.bytes.data, NULL, &buffer) != napi_ok) return NULL;
  return buffer;
}

static napi_value handle_to_js(napi_env env, struct value *value) {
  napi_value external = NULL;
  const struct handle_kind *kind = value->as.handle.kind;
  if (napi_create_external(env, value->as.handle.data, finalize_handle, (void *)kind, &external) != napi_ok) return NULL;
  value->kind = VALUE_UNDEFINED; /* the external owns the handle now */
  return napi_type_tag_object(env, external, &kind->tag) == napi_ok ? external : NULL;
}

void *handle_from_js(napi_env env, napi_value value, const struct handle_kind *kind) {
  bool ours = false;
  void *data = NULL;
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return NULL;
  if (napi_check_object_type_tag(env, value, &kind->tag, &ours) != napi_ok || !ours) return NULL;
  return napi_get_value_external(env, value, &data) == napi_ok ? data : NULL;
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
    case VALUE_HANDLE:
      return handle_to_js(env, value);
    case VALUE_LIST:
    case VALUE_OBJECT:
      return children_to_js(env, value);
  }
  return NULL;
}
