/*
 * line-fuzz.c - seeded mutations of host lines through line_parse and message_decode, under the address and
 * undefined-behaviour sanitizers. Deterministic: a failure names its round, and `line-fuzz 1 SEED ROUND` plays
 * that one alone. Not part of the agent.
 *
 * usage: line-fuzz [LINES [SEED [FIRST-ROUND]]]
 */
#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

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

/* What is freed is held back to catch its use; no more of it than is needed for that. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=8";
}

/* Resident memory may grow by this after a tenth of the run, in KiB: the parser keeps nothing. */
#define MAX_GROWTH_KIB (32 * 1024)

static uint64_t state;
static unsigned long seed;
static unsigned long current;

/* splitmix64: near seeds and rounds give states that have nothing in common, and none of them is 0 for long. */
static void seed_round(unsigned long round)
{
	uint64_t mixed = (uint64_t)seed * 0x9e3779b97f4a7c15u + round;
	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
	state = (mixed ^ (mixed >> 31)) | 1;
	current = round;
}

static void tell_replay(void)
{
	fprintf(stderr, "round %lu of seed %lu; play it alone: guest/build/line-fuzz 1 %lu %lu\n", current, seed,
		seed, current);
}

static long resident_kib(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

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
static void check(const struct message *message)
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
	fprintf(stderr, "a message broke its promises\n");
	tell_replay();
	exit(1);
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	unsigned long accepted = 0;
	long warm_kib = 0;
	double began = now_s();
	seed = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	unsigned long first = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	__sanitizer_set_death_callback(tell_replay);
	for (unsigned long done = 0; done < rounds; done++) {
		seed_round(first + done);
		const char *line = seeds[random_below(sizeof seeds / sizeof seeds[0])];
		char text[MAX_LINE_BYTES];
		size_t length = strlen(line);
		memcpy(text, line, length);
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
			check(&message);
		}
		free(exact);
		if (done == rounds / 10)
			warm_kib = resident_kib();
	}
	long grown_kib = resident_kib() - warm_kib;
	double took = now_s() - began;
	printf("%lu lines, %lu accepted, none did harm; %.0f a second, memory grew by %ld KiB\n", rounds, accepted,
	       (double)rounds / (took > 0 ? took : 1), grown_kib);
	if (rounds == 1)
		return 0;
	/* A harness that accepts nothing proves nothing. */
	return accepted > rounds / 20 && accepted < rounds && grown_kib <= MAX_GROWTH_KIB ? 0 : 1;
}
