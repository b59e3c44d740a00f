/*
 * line-fuzz.c - a million seeded mutations of host lines through line_parse and message_decode, under the
 * address and undefined-behaviour sanitizers. Deterministic: a failure names its round, and the same round
 * fails again. Not part of the agent.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "message.h"

static const char *const seeds[] = {
	"hello protocol=1 heartbeat-ms=1000",
	"identity hostname=assy1 authorized-key=ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIGx%20x@y",
	"watch name=web class=systemd service=httpd",
	"watch name=db class=ocf service=heartbeat:pgsql p.pidfile=/run/a%20b.pid p.config=%3Dx p.a=1",
	"watch name=db class=lsb service=mysqld",
	"unwatch name=web",
	"operation id=2147483647 name=web operation=start timeout-ms=60000",
	"run id=7 timeout-ms=60000 a.0=/bin/sh a.1=-c a.2=echo%20%25%20%3D a.3= e.LC_ALL=C e.HOME=/root",
	"poweroff",
};

static uint64_t state = 0x9e3779b97f4a7c15u;

/* xorshift64*: the same numbers on every machine. */
static uint32_t random_below(uint32_t limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 2685821657736338717u) >> 32) % limit;
}

static size_t mutate(char *text, size_t length)
{
	static const char interesting[] = " =%\n\0%00%zz%25..::--p.";
	switch (random_below(5)) {
	case 0: /* change a byte */
		if (length > 0)
			text[random_below((uint32_t)length)] = (char)random_below(256);
		return length;
	case 1: /* cut */
		return random_below((uint32_t)length + 1);
	case 2: { /* put something of meaning anywhere */
		size_t at = random_below((uint32_t)length + 1);
		if (length + 1 < MAX_LINE_BYTES) {
			memmove(text + at + 1, text + at, length - at);
			text[at] = interesting[random_below(sizeof interesting - 1)];
			return length + 1;
		}
		return length;
	}
	case 3: /* double it, with a space */
		if (length > 0 && 2 * length + 1 < MAX_LINE_BYTES) {
			text[length] = ' ';
			memcpy(text + length + 1, text, length);
			return 2 * length + 1;
		}
		return length;
	default: { /* a number at its limits */
		char *digit = memchr(text, '0' + (int)random_below(10), length);
		if (digit != NULL)
			*digit = '9';
		return length;
	}
	}
}

/* What the rest of the agent relies on. */
static void check(const struct message *message, unsigned long round)
{
	bool good = strlen(message->name) <= MAX_NAME_BYTES && strlen(message->service) <= MAX_SERVICE_BYTES &&
		    strchr(message->name, '/') == NULL && strchr(message->service, '/') == NULL &&
		    strstr(message->name, "..") == NULL && message->parameters.length <= MAX_PARAMETERS_BYTES &&
		    strchr(message->authorized_key, '\n') == NULL && message->timeout_ms <= MAX_TIMEOUT_MS;
	if (message->kind == MESSAGE_WATCH && message->class == CLASS_OCF)
		good = good && strchr(message->service, ':') == strrchr(message->service, ':') &&
		       strchr(message->service, ':') != NULL;
	if (message->kind == MESSAGE_RUN)
		good = good && message->arguments.count >= 1 && message->arguments.count <= MAX_RUN_ARGUMENTS &&
		       message->arguments.bytes[0] == '/' && message->arguments.length <= MAX_PARAMETERS_BYTES &&
		       message->arguments.bytes[message->arguments.length - 1] == '\0' &&
		       message->parameters.count <= MAX_RUN_VARIABLES;
	if (message->kind == MESSAGE_HELLO)
		good = good && message->heartbeat_ms >= MIN_HEARTBEAT_MS;
	if (good)
		return;
	fprintf(stderr, "round %lu: a message broke its promises\n", round);
	exit(1);
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	unsigned long accepted = 0;
	for (unsigned long round = 0; round < rounds; round++) {
		const char *seed = seeds[random_below(sizeof seeds / sizeof seeds[0])];
		char text[MAX_LINE_BYTES];
		size_t length = strlen(seed);
		memcpy(text, seed, length);
		for (uint32_t count = random_below(8); count > 0; count--)
			length = mutate(text, length);
		/* Exactly the bytes that it may touch, so that one more is an error: the line and its end. */
		char *exact = malloc(length + 1);
		if (exact == NULL)
			return 1;
		memcpy(exact, text, length);
		static struct message message;
		if (message_decode(exact, length, &message)) {
			accepted++;
			check(&message, round);
		}
		free(exact);
	}
	printf("%lu lines, %lu accepted, none did harm\n", rounds, accepted);
	/* A harness that accepts nothing proves nothing. */
	return accepted > rounds / 20 && accepted < rounds ? 0 : 1;
}
