/*
 * message.c - see message.h. The inverse of encodeHostMessage in model/guest-codec.ts.
 */
#include "message.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "line.h"

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The rule of model/names.ts. */
static bool is_name(const char *text, size_t max)
{
	size_t length = strlen(text);
	if (length == 0 || length > max || strstr(text, "..") != NULL)
		return false;
	for (size_t i = 0; i < length; i++) {
		bool inner = i > 0 && i < length - 1;
		if (!isalnum((unsigned char)text[i]) && !(inner && strchr("._-", text[i]) != NULL))
			return false;
	}
	return true;
}

/* A unit or script name: serviceNameSchema in model/resource-template.ts. */
static bool is_service(const char *text)
{
	size_t length = strlen(text);
	if (length == 0 || length > MAX_SERVICE_BYTES || !isalnum((unsigned char)text[0]))
		return false;
	for (size_t i = 1; i < length; i++)
		if (!is_word_char(text[i]) && strchr("@:.-", text[i]) == NULL)
			return false;
	return true;
}

/* `provider:type`. */
static bool is_ocf_agent(const char *text)
{
	const char *colon = strchr(text, ':');
	if (colon == NULL || colon == text || colon[1] == '\0' || strlen(text) > MAX_SERVICE_BYTES)
		return false;
	for (const char *c = text; *c != '\0'; c++)
		if (c != colon && !is_word_char(*c) && *c != '-')
			return false;
	return true;
}

static bool copy(char *to, size_t size, const char *from)
{
	if (from == NULL || strlen(from) >= size)
		return false;
	strcpy(to, from);
	return true;
}

static bool decode_name(const struct line *line, struct message *out)
{
	const char *name = line_value(line, "name");
	return name != NULL && is_name(name, MAX_NAME_BYTES) && copy(out->name, sizeof out->name, name);
}

static bool decode_hello(const struct line *line, struct message *out)
{
	long long heartbeat;
	if (!line_value_number(line, "protocol", 0, 1000000, &out->protocol) ||
	    !line_value_number(line, "heartbeat-ms", MIN_HEARTBEAT_MS, MAX_HEARTBEAT_MS, &heartbeat))
		return false;
	out->heartbeat_ms = heartbeat;
	return true;
}

static bool decode_identity(const struct line *line, struct message *out)
{
	const char *hostname = line_value(line, "hostname");
	if (hostname == NULL || !is_name(hostname, MAX_NAME_BYTES))
		return false;
	copy(out->hostname, sizeof out->hostname, hostname);
	const char *key = line_value(line, "authorized-key");
	if (key == NULL)
		return true;
	/* One line that starts with a key type: options such as command= are not for us to take. */
	for (const char *c = key; *c != '\0'; c++)
		if (*c < 0x20 || *c > 0x7e)
			return false;
	if (strncmp(key, "ssh-", 4) != 0 && strncmp(key, "ecdsa-", 6) != 0 && strncmp(key, "sk-", 3) != 0)
		return false;
	return copy(out->authorized_key, sizeof out->authorized_key, key);
}

static bool add_parameter(struct parameters *to, const char *key, const char *value)
{
	if (isdigit((unsigned char)key[0]) || key[0] == '\0')
		return false;
	for (const char *c = key; *c != '\0'; c++)
		if (!is_word_char(*c))
			return false;
	size_t key_length = strlen(key), value_length = strlen(value);
	if (to->length + key_length + value_length + 2 > sizeof to->bytes)
		return false;
	char *at = to->bytes + to->length;
	memcpy(at, key, key_length);
	at[key_length] = '=';
	memcpy(at + key_length + 1, value, value_length + 1);
	to->length += key_length + value_length + 2;
	to->count++;
	return true;
}

/* Every value whose key starts with the prefix, as KEY=VALUE. */
static bool add_parameters(struct parameters *to, const struct line *line, const char *prefix)
{
	size_t length = strlen(prefix);
	for (size_t i = 0; i < line->pairs; i++)
		if (strncmp(line->pair[i].key, prefix, length) == 0 &&
		    !add_parameter(to, line->pair[i].key + length, line->pair[i].value))
			return false;
	return true;
}

static bool decode_watch(const struct line *line, struct message *out)
{
	const char *class = line_value(line, "class");
	const char *service = line_value(line, "service");
	if (!decode_name(line, out) || class == NULL || service == NULL)
		return false;
	if (strcmp(class, "lsb") == 0)
		out->class = CLASS_LSB;
	else if (strcmp(class, "systemd") == 0)
		out->class = CLASS_SYSTEMD;
	else if (strcmp(class, "ocf") == 0)
		out->class = CLASS_OCF;
	else
		return false;
	if (out->class == CLASS_OCF ? !is_ocf_agent(service) : !is_service(service))
		return false;
	copy(out->service, sizeof out->service, service);
	return add_parameters(&out->parameters, line, "p.");
}

static const char *const operation_names[] = {
	[OPERATION_MONITOR] = "monitor", [OPERATION_START] = "start", [OPERATION_STOP] = "stop",
	[OPERATION_KILL] = "kill",	 [OPERATION_LOOKUP] = "lookup",
};

const char *operation_name(enum operation_kind kind)
{
	return operation_names[kind];
}

static bool decode_id_and_timeout(const struct line *line, struct message *out)
{
	long long id, timeout;
	if (!line_value_number(line, "id", 1, INT32_MAX, &id) ||
	    !line_value_number(line, "timeout-ms", 1, MAX_TIMEOUT_MS, &timeout))
		return false;
	out->id = (uint32_t)id;
	out->timeout_ms = timeout;
	return true;
}

/* `a.0`, `a.1` and so on without a gap: counting them is enough, because no key comes twice. */
static bool decode_arguments(const struct line *line, struct parameters *out)
{
	size_t given = 0;
	for (size_t i = 0; i < line->pairs; i++)
		given += strncmp(line->pair[i].key, "a.", 2) == 0;
	if (given == 0 || given > MAX_RUN_ARGUMENTS)
		return false;
	for (out->count = 0; out->count < given; out->count++) {
		char key[24];
		snprintf(key, sizeof key, "a.%zu", out->count);
		const char *value = line_value(line, key);
		size_t size = value == NULL ? 0 : strlen(value) + 1;
		if (value == NULL || out->length + size > sizeof out->bytes)
			return false;
		memcpy(out->bytes + out->length, value, size);
		out->length += size;
	}
	return out->bytes[0] == '/';
}

static bool decode_run(const struct line *line, struct message *out)
{
	return decode_id_and_timeout(line, out) && decode_arguments(line, &out->arguments) &&
	       add_parameters(&out->parameters, line, "e.") && out->parameters.count <= MAX_RUN_VARIABLES;
}

static bool decode_operation(const struct line *line, struct message *out)
{
	const char *operation = line_value(line, "operation");
	if (!decode_name(line, out) || operation == NULL || !decode_id_and_timeout(line, out))
		return false;
	/* `lookup` is ours alone: the host cannot ask for it. */
	for (int kind = OPERATION_MONITOR; kind <= OPERATION_KILL; kind++)
		if (strcmp(operation, operation_names[kind]) == 0) {
			out->operation = (enum operation_kind)kind;
			return true;
		}
	return false;
}

bool message_decode(char *text, size_t length, struct message *out)
{
	static const struct {
		const char *verb;
		enum message_kind kind;
		bool (*decode)(const struct line *, struct message *);
	} verbs[] = {
		{ "hello", MESSAGE_HELLO, decode_hello },
		{ "identity", MESSAGE_IDENTITY, decode_identity },
		{ "watch", MESSAGE_WATCH, decode_watch },
		{ "unwatch", MESSAGE_UNWATCH, decode_name },
		{ "operation", MESSAGE_OPERATION, decode_operation },
		{ "run", MESSAGE_RUN, decode_run },
		{ "poweroff", MESSAGE_POWEROFF, NULL },
	};
	struct line line;
	if (!line_parse(text, length, &line))
		return false;
	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(line.verb, verbs[i].verb) != 0)
			continue;
		out->kind = verbs[i].kind;
		return verbs[i].decode == NULL || verbs[i].decode(&line, out);
	}
	return false;
}
