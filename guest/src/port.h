/*
 * port.h - the way to the host: a virtio-serial port in a guest, a path or a listening Unix socket in
 * tests. Bytes and lines only; what they mean is session.c's.
 *
 * With no host connected a virtio port reads as EOF and blocks writers. So the port is in the event loop
 * edge-triggered (a host that connects wakes us; a plain poll would spin on the hang-up), nothing is
 * written while the host is away, and a slow look catches an edge that an old kernel might not give.
 */
#ifndef PCLOUD_PORT_H
#define PCLOUD_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct port_handlers {
	void (*connected)(void);
	void (*disconnected)(void);
	/* One line without its newline; text[length] is writable. */
	void (*line)(char *text, size_t length);
	/* All that was queued has been taken. */
	void (*drained)(void);
};

void port_use_virtio(const char *port_name);
void port_use_path(const char *path);
void port_use_listener(const char *path);

void port_open(const struct port_handlers *handlers);
/* Opens what is not open yet, notices a host that came or went. Call at or after port_next_ms(). */
void port_tick(int64_t now_ms);
int64_t port_next_ms(void);

bool port_is_connected(void);
/* True when the port has taken all that was queued: for what can wait until the host has read. */
bool port_is_idle(void);
/* Queues bytes and writes what the port takes now. False when not connected or the queue is full. */
bool port_send(const char *bytes, size_t length);

#endif
