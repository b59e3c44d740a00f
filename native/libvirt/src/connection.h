/* A connection to libvirt, shared by JavaScript's handle, the calls on it and its event callbacks. */
#ifndef PCLOUD_LIBVIRT_CONNECTION_H
#define PCLOUD_LIBVIRT_CONNECTION_H

#include <libvirt/libvirt.h>
#include <stdint.h>

#include "environment.h"
#include "failure.h"
#include "value.h"

struct connection;

/* How JavaScript holds a connection. One handle a connection; it owns the first reference, and letting go of it closes. */
extern const struct handle_kind connection_handle;

/* Takes over `pointer`. Its events go to `environment`. */
struct connection *connection_new(virConnectPtr pointer, struct environment *environment);
/* Names it in its events; unique in the process. */
int64_t connection_id(const struct connection *connection);
struct connection *connection_ref(struct connection *connection);
void connection_unref(struct connection *connection);
/* The libvirt connection with a reference of its own (virConnectClose gives it back), or NULL and the failure when closed. */
virConnectPtr connection_acquire(struct connection *connection, struct failure *failure);
/* Worker: from here on every event of the connection is posted. Once a connection. */
void connection_register_events(struct connection *connection, struct failure *failure);
/* Worker. Closing twice is fine. */
void connection_close(struct connection *connection);

#endif
