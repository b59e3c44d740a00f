/*
 * port-open.h - finding and opening the port; port.c then speaks on the descriptor.
 */
#ifndef PCLOUD_PORT_OPEN_H
#define PCLOUD_PORT_OPEN_H

enum port_kind { PORT_VIRTIO, PORT_PATH, PORT_LISTEN };

struct port_opener {
	enum port_kind kind;
	const char *name; /* of the virtio port, or a path */
	int listener;	  /* PORT_LISTEN: the listening socket, -1 before */
};

/* A non-blocking descriptor, or -1 with errno: not there yet, ask again later. */
int port_opener_open(struct port_opener *opener);

#endif
