/*
 * identity.h - who this guest is: host name, root's authorised key, and its end. All of it may be said
 * again and changes nothing then.
 */
#ifndef PCLOUD_IDENTITY_H
#define PCLOUD_IDENTITY_H

#include "message.h"

void identity_apply(const struct message *identity);
void identity_poweroff(void);

#endif
