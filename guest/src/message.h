/*
 * message.h - what the host may ask for, checked. After message_decode nothing has to be looked at twice:
 * names are safe as file names, services as unit and script names, numbers are in range.
 */
#ifndef PCLOUD_MESSAGE_H
#define PCLOUD_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"

enum resource_class { CLASS_LSB, CLASS_SYSTEMD, CLASS_OCF };

enum operation_kind { OPERATION_MONITOR, OPERATION_START, OPERATION_STOP, OPERATION_KILL, OPERATION_LOOKUP };

/* Strings, each ended by NUL, one after the other: `KEY=VALUE`, or a program's arguments. */
struct parameters {
	char bytes[MAX_PARAMETERS_BYTES];
	size_t length;
	size_t count;
};

enum message_kind {
	MESSAGE_HELLO,
	MESSAGE_IDENTITY,
	MESSAGE_WATCH,
	MESSAGE_UNWATCH,
	MESSAGE_OPERATION,
	MESSAGE_RUN,
	MESSAGE_POWEROFF
};

struct message {
	enum message_kind kind;
	long long protocol;
	int64_t heartbeat_ms;
	char hostname[MAX_NAME_BYTES + 1];
	char authorized_key[MAX_KEY_LINE_BYTES]; /* empty: none given */
	char name[MAX_NAME_BYTES + 1];
	enum resource_class class;
	char service[MAX_SERVICE_BYTES + 1];
	struct parameters parameters; /* of a watch; of a run: its environment */
	struct parameters arguments;  /* of a run: at least one, the first an absolute path */
	uint32_t id;
	enum operation_kind operation;
	int64_t timeout_ms;
};

/* False for anything that is not exactly a message of this version. `text` is spoilt. */
bool message_decode(char *text, size_t length, struct message *out);

const char *operation_name(enum operation_kind kind);

#endif
