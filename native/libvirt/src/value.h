/* A tree that any thread builds and the JavaScript thread turns into objects. */
#ifndef PCLOUD_LIBVIRT_VALUE_H
#define PCLOUD_LIBVIRT_VALUE_H

#include <node_api.h>
#include <stddef.h>
#include <stdint.h>

enum value_kind { VALUE_UNDEFINED, VALUE_NULL, VALUE_TEXT, VALUE_NUMBER, VALUE_BYTES, VALUE_HANDLE, VALUE_LIST, VALUE_OBJECT };

/* Something of ours that JavaScript holds without seeing into it. */
struct handle_kind {
  napi_type_tag tag;           /* tells it from any other external value */
  void (*release)(void *data); /* any thread, once: the value was dropped, or JavaScript's handle collected */
};

struct value {
  enum value_kind kind;
  char *key; /* property name inside an object, else NULL */
  union {
    char *text;
    double number;
    struct {
      uint8_t *data;
      size_t size;
    } bytes;
    struct {
      const struct handle_kind *kind;
      void *data;
    } handle;
    struct {
      struct value *items;
      size_t count;
      size_t capacity;
    } children;
  } as;
};

void value_clear(struct value *value);
/* NULL becomes null. */
void value_set_text(struct value *value, const char *text);
/* Takes over `data`. */
void value_set_handle(struct value *value, const struct handle_kind *kind, void *data);
/* Appends to a list (key NULL) or an object; the pointer is valid until the next append. */
struct value *value_append(struct value *parent, const char *key);
void value_append_text(struct value *object, const char *key, const char *text);
void value_append_number(struct value *object, const char *key, double number);
/* Moves the content into JavaScript; handles change owner. NULL when it cannot be converted. */
napi_value value_to_js(napi_env env, struct value *value);
/* What is behind a handle of this kind, still owned by it; NULL when the value is none. */
void *handle_from_js(napi_env env, napi_value value, const struct handle_kind *kind);

#endif
