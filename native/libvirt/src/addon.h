/*
 * What the files of this addon share: a job (one libvirt call, from its JavaScript arguments to its
 * promise), a value (what goes back to JavaScript), and a connection handle. Who runs where:
 * addon.c and value.c on the JavaScript thread, operations.c on a worker of worker-pool.c, and the
 * callbacks of connection.c on the event thread of event-loop.c.
 */
#ifndef PCLOUD_LIBVIRT_ADDON_H
#define PCLOUD_LIBVIRT_ADDON_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <node_api.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_TEXTS 2
#define MAX_NUMBERS 2
#define EVENT_KINDS 5

/* ---- value.c: a tree that any thread builds and the JavaScript thread turns into objects ---- */

enum value_kind { VALUE_UNDEFINED, VALUE_NULL, VALUE_TEXT, VALUE_NUMBER, VALUE_BYTES, VALUE_CONNECTION, VALUE_LIST, VALUE_OBJECT };

struct connection;

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
    struct connection *connection; /* owns one reference */
    struct {
      struct value *items;
      size_t count;
      size_t capacity;
    } children;
  } as;
};

void value_clear(struct value *value);
void value_set_text(struct value *value, const char *text);
/* Appends to a list (key NULL) or an object; the pointer is valid until the next append. */
struct value *value_append(struct value *parent, const char *key);
void value_append_text(struct value *object, const char *key, const char *text);
void value_append_number(struct value *object, const char *key, double number);
/* Moves the content into JavaScript; bytes and connections change owner. NULL when a JS exception is pending. */
napi_value value_to_js(napi_env env, struct value *value);

/* ---- memory: running out of it ends the process with a line on stderr, as in Node itself ---- */

void *must_alloc(size_t size);
void *must_realloc(void *old, size_t size);
char *must_copy(const char *text);

/* ---- addon.c: one JavaScript environment (the main thread or a worker thread) ---- */

struct environment;

struct failure {
  bool failed;
  int code;   /* virErrorNumber */
  int domain; /* virErrorDomain */
  int level;  /* virErrorLevel */
  char *message;
};

struct job;
typedef void (*job_function)(struct job *job);

struct job {
  struct job *next;
  job_function run;
  struct environment *environment;
  napi_deferred deferred;        /* NULL: nobody waits (closing what was garbage collected) */
  struct connection *connection; /* NULL for open; owns one reference */
  char *texts[MAX_TEXTS];
  int64_t numbers[MAX_NUMBERS];
  struct value result;
  struct failure failure;
};

struct environment *environment_ref(struct environment *environment);
void environment_unref(struct environment *environment);
/* Any thread: hands an event to JavaScript; takes over the value. Dropped when the environment has ended. */
void environment_post_event(struct environment *environment, struct value *event);
/* Worker: hands a finished job back. */
void environment_post_job(struct job *job);
void job_free(struct job *job);
/* Worker: copies libvirt's last error of this thread. To be called before any vir*Free, which resets it. */
void job_fail(struct job *job);
void job_fail_with(struct job *job, int code, const char *message);

/* ---- worker-pool.c ---- */

void worker_pool_submit(struct job *job);

/* ---- event-loop.c ---- */

/* Registers libvirt's event implementation and starts its thread, once a process, before any open. */
bool event_loop_start(void);
/* Creates a detached thread that takes no signals: those belong to Node's main thread. */
int start_thread(void *(*function)(void *), void *argument);

/* ---- connection.c ---- */

struct connection {
  atomic_int references;
  int64_t id;
  struct environment *environment;
  pthread_mutex_t lock; /* guards what follows; never held during a libvirt call */
  virConnectPtr pointer;
  bool closed;
  bool registered;
  int callback_ids[EVENT_KINDS];
};

struct connection *connection_new(virConnectPtr pointer, struct environment *environment);
struct connection *connection_ref(struct connection *connection);
void connection_unref(struct connection *connection);
/* The libvirt connection with a reference of its own (virConnectClose gives it back), or NULL when closed. */
virConnectPtr connection_acquire(struct connection *connection);
/* Finalizer of the JavaScript handle. */
void connection_abandon(struct connection *connection);
void operation_close(struct job *job);
void operation_register_events(struct job *job);

/* ---- operations.c, operations-domain.c ---- */

/* Each argument: s a string, S a string or null, n a number. The connection comes first, unless `opens`. */
struct operation {
  const char *name;
  const char *arguments;
  bool opens;
  job_function run;
};

extern const struct operation operations[];
extern const size_t operation_count;

void operation_list_domains(struct job *job);
void operation_lookup(struct job *job);
void operation_define(struct job *job);
void operation_create(struct job *job);
void operation_destroy(struct job *job);
void operation_shutdown(struct job *job);
void operation_suspend(struct job *job);
void operation_resume(struct job *job);
void operation_undefine(struct job *job);
void operation_get_state(struct job *job);
void operation_get_xml(struct job *job);
void operation_get_metadata(struct job *job);
void operation_get_info(struct job *job);
void operation_get_stats(struct job *job);
void operation_screenshot(struct job *job);

#endif
