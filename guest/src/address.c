/*
 * address.c - see address.h. rtnetlink(7) says that addresses or routes changed, /proc/net/route which
 * interface has the default route, and SIOCGIFCONF (netdevice(7)) its addresses: all of it as old as 2.6.32.
 */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "loop.h"
#include "procfs.h"

/*
 * After a change: what else comes in this time is the same change. A guest whose routes change without end
 * costs one look per interval, because we do not listen in between.
 */
#define SETTLE_MS 250
#define MAX_ADDRESSES 64
#define ROUTE_UP 0x1 /* RTF_UP; linux/route.h does not go together with net/if.h */

static char address[ADDRESS_BYTES];
static int64_t next_ms = NEVER_MS;

static void changed(struct loop_source *source, uint32_t events);
static struct loop_source changes = { .fd = -1, .ready = changed };

static void changed(struct loop_source *source, uint32_t events)
{
	(void)events;
	loop_close(source);
	next_ms = clock_ms() + SETTLE_MS;
}

static void listen_again(void)
{
	struct sockaddr_nl groups = { .nl_family = AF_NETLINK,
				      .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&groups, sizeof groups) == 0 &&
	    loop_add(&changes, fd, EPOLLIN))
		return;
	log_line("the kernel does not tell of new addresses (%s): told is what was there at first",
		 strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* The interface of the default route with the lowest metric. */
static bool default_interface(char name[IFNAMSIZ])
{
	static char text[16384];
	bool found = false;
	long best = 0;
	if (read_text("/proc/net/route", text, sizeof text) <= 0)
		return false;
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		char interface[IFNAMSIZ];
		unsigned long destination, flags, mask;
		long metric;
		/* Iface Destination Gateway Flags RefCnt Use Metric Mask ... */
		if (sscanf(line, "%15s %lx %*x %lx %*d %*d %ld %lx", interface, &destination, &flags, &metric,
			   &mask) != 5 ||
		    destination != 0 || mask != 0 || (flags & ROUTE_UP) == 0 || (found && metric >= best))
			continue;
		found = true;
		best = metric;
		strcpy(name, interface);
	}
	return found;
}

/* Not of this machine alone, of no link alone, and of one machine. */
static bool is_global(uint32_t host_order)
{
	return host_order >> 24 != 0 && host_order >> 24 != 127 && host_order >> 16 != 0xa9fe &&
	       host_order >> 28 < 0xe;
}

/* An alias (`eth0:1`) is an address of its interface. */
static bool is_of(const char *label, const char *interface)
{
	size_t length = strlen(interface);
	return strncmp(label, interface, length) == 0 && (label[length] == '\0' || label[length] == ':');
}

static void look(void)
{
	static struct ifreq list[MAX_ADDRESSES];
	struct ifconf all = { .ifc_len = sizeof list, .ifc_req = list };
	char interface[IFNAMSIZ];
	address[0] = '\0';
	if (!default_interface(interface))
		return;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (ioctl(fd, SIOCGIFCONF, &all) != 0)
		all.ifc_len = 0;
	close(fd);
	for (size_t i = 0; i < (size_t)all.ifc_len / sizeof list[0]; i++) {
		const struct sockaddr_in *one = (const struct sockaddr_in *)&list[i].ifr_addr;
		if (!is_of(list[i].ifr_name, interface) || !is_global(ntohl(one->sin_addr.s_addr)))
			continue;
		inet_ntop(AF_INET, &one->sin_addr, address, sizeof address);
		return;
	}
}

void address_begin(void)
{
	/* Listening first: what changes while we look is not lost. */
	listen_again();
	look();
}

const char *address_now(void)
{
	return address;
}

void address_tick(int64_t now_ms)
{
	if (now_ms < next_ms)
		return;
	next_ms = NEVER_MS;
	address_begin();
}

int64_t address_next_ms(void)
{
	return next_ms;
}
