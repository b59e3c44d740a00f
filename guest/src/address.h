/*
 * address.h - the guest's IPv4 address as others would use it: the first global one of the interface that the
 * default route leads through. The kernel tells when it may have changed; nothing is looked at while idle.
 */
#ifndef PCLOUD_ADDRESS_H
#define PCLOUD_ADDRESS_H

#include <stdint.h>

/* Dotted, with its NUL. */
#define ADDRESS_BYTES 16

/* Looks for the first time, and listens from then on. */
void address_begin(void);
/* As it was at the last look; empty when there is none. */
const char *address_now(void);
void address_tick(int64_t now_ms);
int64_t address_next_ms(void);

#endif
