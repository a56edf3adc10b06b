/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console's parts: ports.c is the device, port.c a port's end on the host.
 * All of it happens on the main thread, but for the driver's resets.
 */
#ifndef DEVICES_VIRTIO_PORTS_PRIV_H
#define DEVICES_VIRTIO_PORTS_PRIV_H

#include <linux/virtio_console.h>

#include "devices/virtio/virtio.h"
#include "vmm/console.h"

#define PORT_TEXT 160

struct ports;

struct port {
	struct ports *dev;
	unsigned int id;
	char text[PORT_TEXT];	/* the option's value, cut up */
	const char *name;	/* NULL: a console */
	struct console *con;	/* NULL: nobody is there */
	int fd;			/* of con's, ours to close; -1: none */
	int listener;		/* of a socket, or a pty's other end, or -1 */
	const char *path;	/* of that socket */
	struct virtq *rx, *tx;	/* to the driver, from it */
	size_t sent;		/* bytes of the chain at the head of tx */
	_Atomic unsigned int pending;	/* BIT(VIRTIO_CONSOLE_...) to send */
	_Atomic bool guest_open;
};

struct ports {
	struct virtio v;
	struct virtio_console_config cfg;
	struct virtq *control_rx, *control_tx;
	unsigned int nr;
	struct port ports[];
};

/*
 * port_open - as @spec says. Prints its errors. port_close - what it opened;
 * also of a port that it failed for.
 */
int port_open(struct port *port, const char *spec);
void port_close(struct port *port);

/* port_changed - somebody has come to its end on the host, or gone. */
void port_changed(struct port *port);

#endif
