/*
 * session.c - see session.h. docs/guest-protocol.md is the prose to it.
 */
#include "session.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "address.h"
#include "clock.h"
#include "deaths.h"
#include "files.h"
#include "identity.h"
#include "line.h"
#include "log.h"
#include "operation.h"
#include "port.h"
#include "procfs.h"
#include "resource.h"
#include "run.h"
#include "version.h"
#include "watchdog.h"

/* Started with a host already there (it spoke to our predecessor): wait this long for its hello. */
#define ANNOUNCE_AFTER_MS 300
/* How often to look for an ssh host key that is not there yet. */
#define HOST_KEY_LOOK_MS 500
/* Of the guest's uptime: by then its first boot has made the keys that it is to have. */
#define RSA_KEY_AFTER_MS 60000
/* Between two updates: the host takes 30 hellos a minute, and an address may flap. */
#define UPDATE_PAUSE_MS 2500

static struct session_options options;
static bool greeted; /* the host said hello in our version */
static bool spoken;  /* any hello of ours on this connection */
/* What the last hello said of things that come and change later. */
static struct {
	bool key, watchdog;
	char address[ADDRESS_BYTES];
} told;
static bool resync; /* the queue was full: what we could not say is in the state */
static int64_t heartbeat_ms;
static uint64_t sequence;
static int64_t next_heartbeat_ms = NEVER_MS;
static int64_t next_key_ms = NEVER_MS;
static int64_t next_update_ms;
static int64_t announce_ms = NEVER_MS;

static bool send_line(struct line_out *line)
{
	if (!line_end(line)) {
		log_line("a message of ours is longer than a line may be: dropped");
		return false;
	}
	return port_send(line->bytes, line->length);
}

/* For messages whose loss would leave the host with a wrong picture. */
static void send_important(struct line_out *line)
{
	if (!send_line(line) && port_is_connected())
		resync = true;
}

/* `TYPE AAAA...` without its comment; false when there is none of this type (yet). */
static bool read_key_file(const char *name, const char *type, char *to, size_t size)
{
	struct path path = files_path(name);
	if (read_text(path.text, to, size) <= 0)
		return false;
	char *space = strchr(to, ' ');
	size_t length = strlen(type);
	if (space == NULL || (size_t)(space - to) != length || strncmp(to, type, length) != 0)
		return false;
	space[1 + strcspn(space + 1, " \r\n")] = '\0';
	return strlen(space + 1) >= 16;
}

/* An sshd before OpenSSH 6.5 has no Ed25519 key; one that is to have one makes it in its first boot. */
static bool read_host_key(char *to, size_t size)
{
	if (read_key_file("/etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519", to, size))
		return true;
	return clock_ms() >= RSA_KEY_AFTER_MS &&
	       read_key_file("/etc/ssh/ssh_host_rsa_key.pub", "ssh-rsa", to, size);
}

static void send_hello(const char *cause)
{
	char boot_id[64] = "", key[MAX_KEY_LINE_BYTES];
	struct line_out line;
	read_text("/proc/sys/kernel/random/boot_id", boot_id, sizeof boot_id);
	boot_id[strcspn(boot_id, "\n")] = '\0';
	line_begin(&line, "hello");
	line_add_number(&line, "protocol", PROTOCOL_VERSION);
	line_add(&line, "agent-version", PCLOUD_AGENT_VERSION);
	line_add(&line, "boot-id", boot_id);
	line_add(&line, "init", options.systemd ? "systemd" : "sysv");
	line_add(&line, "death-source", deaths_from_connector() ? "proc-connector" : "poll");
	line_add(&line, "cause", cause);
	told.watchdog = watchdog_is_petted();
	line_add(&line, "can", told.watchdog ? "run,watchdog" : "run");
	strcpy(told.address, address_now());
	if (told.address[0] != '\0')
		line_add(&line, "address", told.address);
	told.key = read_host_key(key, sizeof key);
	if (told.key)
		line_add(&line, "host-key", key);
	next_key_ms = told.key ? NEVER_MS : clock_ms() + HOST_KEY_LOOK_MS;
	spoken = true;
	announce_ms = NEVER_MS;
	send_important(&line);
}

void session_send_state(const struct resource *resource)
{
	if (!greeted)
		return;
	struct line_out line;
	line_begin(&line, "state");
	line_add(&line, "name", resource->name);
	line_add(&line, "state", process_state_name(resource->state));
	if (resource->pid != 0)
		line_add_number(&line, "pid", resource->pid);
	send_important(&line);
}

static void send_whole_state(void)
{
	struct line_out line;
	resources_check_all();
	for (struct resource *r = NULL; (r = resource_next(r)) != NULL;)
		session_send_state(r);
	line_begin(&line, "state-end");
	send_important(&line);
}

void session_send_death(const struct resource *resource, pid_t pid, bool known, int status)
{
	if (!greeted)
		return;
	struct line_out line;
	line_begin(&line, "death");
	line_add(&line, "name", resource->name);
	line_add_number(&line, "pid", pid);
	if (known && WIFEXITED(status))
		line_add_number(&line, "exit-code", WEXITSTATUS(status));
	if (known && WIFSIGNALED(status))
		line_add_number(&line, "signal", WTERMSIG(status));
	send_important(&line);
}

void session_send_result(const struct operation_result *result)
{
	if (!greeted)
		return;
	struct line_out line;
	line_begin(&line, "result");
	line_add_number(&line, "id", result->id);
	line_add(&line, "name", result->name);
	line_add(&line, "operation", operation_name(result->kind));
	line_add_number(&line, "code", result->code);
	line_add_number(&line, "timed-out", result->timed_out ? 1 : 0);
	line_add_number(&line, "duration-ms", result->duration_ms);
	if (result->output_length > 0)
		line_add_bytes(&line, "output", result->output, result->output_length);
	send_important(&line);
}

void session_send_output(uint32_t id, const char *stream, const char *text, size_t length)
{
	if (!greeted)
		return;
	struct line_out line;
	line_begin(&line, "output");
	line_add_number(&line, "id", id);
	line_add(&line, "stream", stream);
	line_add_bytes(&line, "text", text, length);
	send_line(&line);
}

void session_send_run_result(const struct run_result *result)
{
	if (!greeted)
		return;
	struct line_out line;
	line_begin(&line, "run-result");
	line_add_number(&line, "id", result->id);
	if (result->refused != NULL)
		line_add(&line, "refused", result->refused);
	else if (result->signal != 0)
		line_add_number(&line, "signal", result->signal);
	else
		line_add_number(&line, "code", result->code);
	line_add_number(&line, "timed-out", result->timed_out ? 1 : 0);
	line_add_number(&line, "duration-ms", result->duration_ms);
	send_line(&line);
}

static void on_hello(const struct message *message)
{
	/* A host that says hello anew knows nothing of what an earlier one ran. */
	run_abandon();
	greeted = message->protocol == PROTOCOL_VERSION;
	if (!greeted)
		log_line("the host speaks protocol %lld, this agent %d", message->protocol, PROTOCOL_VERSION);
	/* Ours names our version, so that the host can say what is wrong. */
	send_hello("answer");
	next_heartbeat_ms = NEVER_MS;
	if (!greeted)
		return;
	heartbeat_ms = message->heartbeat_ms;
	next_heartbeat_ms = clock_ms() + heartbeat_ms;
	resync = false;
	send_whole_state();
}

static void on_line(char *text, size_t length)
{
	static struct message message; /* too large for a small stack */
	if (!message_decode(text, length, &message))
		return;
	if (message.kind == MESSAGE_HELLO) {
		on_hello(&message);
		return;
	}
	if (!greeted)
		return;
	switch (message.kind) {
	case MESSAGE_IDENTITY:
		identity_apply(&message);
		break;
	case MESSAGE_WATCH:
		operations_watch(&message);
		break;
	case MESSAGE_UNWATCH:
		operations_unwatch(message.name);
		break;
	case MESSAGE_OPERATION:
		operations_begin(&message);
		break;
	case MESSAGE_RUN:
		run_begin(&message);
		break;
	case MESSAGE_POWEROFF:
		identity_poweroff();
		break;
	case MESSAGE_HELLO:
		break;
	}
}

static void on_connected(void)
{
	announce_ms = clock_ms() + ANNOUNCE_AFTER_MS;
	spoken = false;
	/* Ends whatever half line the host's side may still hold from before. */
	port_send("\n", 1);
}

static void on_disconnected(void)
{
	run_abandon();
	greeted = false;
	resync = false;
	next_heartbeat_ms = next_key_ms = announce_ms = NEVER_MS;
}

static void on_drained(void)
{
	if (!resync || !greeted)
		return;
	resync = false;
	send_whole_state();
}

void session_open(const struct session_options *with)
{
	static const struct port_handlers handlers = {
		.connected = on_connected,
		.disconnected = on_disconnected,
		.line = on_line,
		.drained = on_drained,
	};
	options = *with;
	port_open(&handlers);
}

static bool is_other_than_told(void)
{
	return told.watchdog != watchdog_is_petted() || strcmp(told.address, address_now()) != 0;
}

static bool has_new_key(int64_t now_ms)
{
	char key[MAX_KEY_LINE_BYTES];
	if (now_ms < next_key_ms)
		return false;
	next_key_ms = now_ms + HOST_KEY_LOOK_MS;
	return read_host_key(key, sizeof key);
}

void session_tick(int64_t now_ms)
{
	if (now_ms >= announce_ms && !spoken)
		send_hello("start");
	if (now_ms >= next_heartbeat_ms) {
		/* The next one counts from this one's time: they do not bunch up after a stall. */
		next_heartbeat_ms = now_ms + heartbeat_ms;
		struct line_out line;
		line_begin(&line, "heartbeat");
		line_add_number(&line, "sequence", (long long)++sequence);
		line_add_number(&line, "uptime-ms", now_ms);
		send_line(&line);
	}
	bool new_key = has_new_key(now_ms);
	if (greeted && (new_key || is_other_than_told()) && now_ms >= next_update_ms) {
		next_update_ms = now_ms + UPDATE_PAUSE_MS;
		send_hello("update");
	}
}

int64_t session_next_ms(void)
{
	int64_t update_ms = greeted && is_other_than_told() ? next_update_ms : NEVER_MS;
	return earlier_ms(earlier_ms(next_heartbeat_ms, update_ms), earlier_ms(next_key_ms, announce_ms));
}
