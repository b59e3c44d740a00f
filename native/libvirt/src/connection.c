/*
 * A connection handle: one virConnect, whether it is closed, and its event registrations. A call holds a
 * reference of its own to the virConnect while it runs, so closing at any moment is safe: calls under way
 * end with libvirt's error, later ones with ours. What the events mean is decided in JavaScript; which
 * call of JavaScript's leads here is not known.
 */
#include "connection.h"

#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "memory.h"
#include "worker-pool.h"

#define EVENT_KINDS 5

struct connection {
  atomic_int references;
  int64_t id;
  struct environment *environment;
  struct work closing;  /* queued at most once, when JavaScript's handle has gone */
  pthread_mutex_t lock; /* guards what follows; never held during a libvirt call that may wait */
  virConnectPtr pointer;
  bool closed;
  bool registered;
  int callback_ids[EVENT_KINDS];
};

static atomic_llong next_id = 1;

struct connection *connection_new(virConnectPtr pointer, struct environment *environment) {
  struct connection *connection = must_alloc(sizeof *connection);
  atomic_init(&connection->references, 1);
  connection->id = atomic_fetch_add(&next_id, 1);
  connection->environment = environment_ref(environment);
  connection->pointer = pointer;
  pthread_mutex_init(&connection->lock, NULL);
  for (int i = 0; i < EVENT_KINDS; i++) connection->callback_ids[i] = -1;
  return connection;
}

int64_t connection_id(const struct connection *connection) { return connection->id; }

struct connection *connection_ref(struct connection *connection) {
  atomic_fetch_add(&connection->references, 1);
  return connection;
}

void connection_unref(struct connection *connection) {
  if (atomic_fetch_sub(&connection->references, 1) != 1) return;
  environment_unref(connection->environment);
  pthread_mutex_destroy(&connection->lock);
  free(connection);
}

virConnectPtr connection_acquire(struct connection *connection, struct failure *failure) {
  virConnectPtr pointer = NULL;
  pthread_mutex_lock(&connection->lock);
  if (!connection->closed && virConnectRef(connection->pointer) == 0) pointer = connection->pointer;
  pthread_mutex_unlock(&connection->lock);
  if (pointer == NULL) failure_set(failure, VIR_ERR_INVALID_CONN, "the connection to libvirt is closed");
  return pointer;
}

/* ---- events ---- */

static void release(void *opaque) { connection_unref(opaque); }

static struct value event_of(struct connection *connection, virDomainPtr domain, const char *kind) {
  struct value event = {0};
  value_append_number(&event, "connection", (double)connection->id);
  value_append_text(&event, "kind", kind);
  if (domain != NULL) {
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    virDomainGetUUIDString(domain, uuid);
    value_append_text(&event, "uuid", uuid);
    value_append_text(&event, "name", virDomainGetName(domain));
  }
  return event;
}

static int on_lifecycle(virConnectPtr pointer, virDomainPtr domain, int type, int detail, void *opaque) {
  (void)pointer;
  struct connection *connection = opaque;
  struct value event = event_of(connection, domain, "lifecycle");
  value_append_number(&event, "event", type);
  value_append_number(&event, "detail", detail);
  environment_post_event(connection->environment, &event);
  return 0;
}

static void on_io_error(virConnectPtr pointer, virDomainPtr domain, const char *path, const char *alias, int action, const char *reason, void *opaque) {
  (void)pointer;
  struct connection *connection = opaque;
  struct value event = event_of(connection, domain, "io-error");
  value_append_text(&event, "path", path);
  value_append_text(&event, "device", alias);
  value_append_number(&event, "action", action);
  value_append_text(&event, "reason", reason);
  environment_post_event(connection->environment, &event);
}

static void on_watchdog(virConnectPtr pointer, virDomainPtr domain, int action, void *opaque) {
  (void)pointer;
  struct connection *connection = opaque;
  struct value event = event_of(connection, domain, "watchdog");
  value_append_number(&event, "action", action);
  environment_post_event(connection->environment, &event);
}

static void on_reboot(virConnectPtr pointer, virDomainPtr domain, void *opaque) {
  (void)pointer;
  struct connection *connection = opaque;
  struct value event = event_of(connection, domain, "reboot");
  environment_post_event(connection->environment, &event);
}

static void on_agent(virConnectPtr pointer, virDomainPtr domain, int state, int reason, void *opaque) {
  (void)pointer;
  struct connection *connection = opaque;
  struct value event = event_of(connection, domain, "agent");
  value_append_number(&event, "state", state);
  value_append_number(&event, "reason", reason);
  environment_post_event(connection->environment, &event);
}

static void on_close(virConnectPtr pointer, int reason, void *opaque) {
  (void)pointer;
  struct connection *connection = opaque;
  struct value event = event_of(connection, NULL, "close");
  value_append_number(&event, "reason", reason);
  environment_post_event(connection->environment, &event);
}

static const struct {
  int id;
  virConnectDomainEventGenericCallback callback;
} events[EVENT_KINDS] = {
    {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)},
    {VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, VIR_DOMAIN_EVENT_CALLBACK(on_io_error)},
    {VIR_DOMAIN_EVENT_ID_WATCHDOG, VIR_DOMAIN_EVENT_CALLBACK(on_watchdog)},
    {VIR_DOMAIN_EVENT_ID_REBOOT, VIR_DOMAIN_EVENT_CALLBACK(on_reboot)},
    {VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_agent)},
};

/* Registration of the close callback comes first: a daemon that dies in between is then noticed. */
void connection_register_events(struct connection *connection, struct failure *failure) {
  virConnectPtr pointer = connection_acquire(connection, failure);
  if (pointer == NULL) return;
  pthread_mutex_lock(&connection->lock);
  bool already = connection->registered;
  connection->registered = true;
  pthread_mutex_unlock(&connection->lock);
  if (already) {
    failure_set(failure, VIR_ERR_OPERATION_INVALID, "events are already registered on this connection");
    virConnectClose(pointer);
    return;
  }
  /* A driver without a daemon (test:///) has no close callback, which is no failure. */
  if (virConnectRegisterCloseCallback(pointer, on_close, connection_ref(connection), release) < 0) {
    bool unsupported = virGetLastErrorCode() == VIR_ERR_NO_SUPPORT;
    if (!unsupported) failure_take(failure);
    connection_unref(connection);
  }
  for (int i = 0; i < EVENT_KINDS && !failure->failed; i++) {
    int id = virConnectDomainEventRegisterAny(pointer, NULL, events[i].id, events[i].callback, connection_ref(connection), release);
    if (id < 0) {
      failure_take(failure);
      connection_unref(connection);
    }
    pthread_mutex_lock(&connection->lock);
    connection->callback_ids[i] = id;
    pthread_mutex_unlock(&connection->lock);
  }
  virConnectClose(pointer);
}

/* ---- the end ---- */

/* Deregistering fails on a dead connection, whose registrations die with it. */
void connection_close(struct connection *connection) {
  pthread_mutex_lock(&connection->lock);
  virConnectPtr pointer = connection->closed ? NULL : connection->pointer;
  connection->closed = true;
  bool registered = connection->registered;
  pthread_mutex_unlock(&connection->lock);
  if (pointer == NULL) return;
  if (registered) {
    for (int i = 0; i < EVENT_KINDS; i++) {
      if (connection->callback_ids[i] >= 0) virConnectDomainEventDeregisterAny(pointer, connection->callback_ids[i]);
    }
    virConnectUnregisterCloseCallback(pointer, on_close);
  }
  virConnectClose(pointer);
}

static void close_abandoned(void *data) {
  connection_close(data);
  connection_unref(data);
}

/* On a worker, because closing may wait for the daemon; without any thread the process keeps it until its end. */
static void abandon(void *data) {
  struct connection *connection = data;
  connection->closing = (struct work){.run = close_abandoned, .data = connection};
  if (!worker_pool_submit(&connection->closing)) connection_unref(connection);
}

const struct handle_kind connection_handle = {
    .tag = {0x6a1f3c0e5b7d4a92, 0x9d2e8f714c6b0a35},
    .release = abandon,
};
