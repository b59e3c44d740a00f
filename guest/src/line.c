/*
 * line.c - see line.h. Every byte may come from an adversary; fuzz/line-fuzz.c feeds it.
 */
#include "line.h"

#include <stdio.h>
#include <string.h>

static bool is_verb_char(char c)
{
	return (c >= 'a' && c <= 'z') || c == '-';
}

static bool is_key_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Decodes in place and ends the value with NUL. A decoded NUL would cut the value short: refused. */
static bool decode_value(char *value, size_t length)
{
	size_t to = 0;
	for (size_t from = 0; from < length; from++) {
		char c = value[from];
		if (c == '%') {
			if (length - from < 3)
				return false;
			int high = hex_digit(value[from + 1]);
			int low = hex_digit(value[from + 2]);
			if (high < 0 || low < 0 || (high == 0 && low == 0))
				return false;
			c = (char)(high * 16 + low);
			from += 2;
		}
		value[to++] = c;
	}
	value[to] = '\0';
	return true;
}

static bool parse_pair(char *text, size_t length, struct line *out)
{
	size_t key_length = 0;
	while (key_length < length && is_key_char(text[key_length]))
		key_length++;
	if (key_length == 0 || key_length > MAX_KEY_BYTES || key_length == length || text[key_length] != '=')
		return false;
	text[key_length] = '\0';
	if (out->pairs == MAX_PAIRS || line_value(out, text) != NULL)
		return false;
	char *value = text + key_length + 1;
	if (!decode_value(value, length - key_length - 1))
		return false;
	out->pair[out->pairs].key = text;
	out->pair[out->pairs].value = value;
	out->pairs++;
	return true;
}

bool line_parse(char *text, size_t length, struct line *out)
{
	out->pairs = 0;
	if (length == 0 || length > MAX_LINE_BYTES - 1)
		return false;
	for (size_t i = 0; i < length; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	size_t at = 0;
	while (at < length && is_verb_char(text[at]))
		at++;
	if (at == 0 || at > 16 || (at < length && text[at] != ' '))
		return false;
	out->verb = text;
	bool more = at < length;
	text[at] = '\0';
	while (more) {
		size_t start = ++at;
		while (at < length && text[at] != ' ')
			at++;
		more = at < length;
		text[at] = '\0';
		if (!parse_pair(text + start, at - start, out))
			return false;
	}
	return true;
}

const char *line_value(const struct line *line, const char *key)
{
	for (size_t i = 0; i < line->pairs; i++)
		if (strcmp(line->pair[i].key, key) == 0)
			return line->pair[i].value;
	return NULL;
}

bool line_value_number(const struct line *line, const char *key, long long min, long long max,
		       long long *out)
{
	const char *text = line_value(line, key);
	if (text == NULL)
		return false;
	size_t length = strlen(text);
	if (length == 0 || length > 16 || (text[0] == '0' && length > 1))
		return false;
	long long value = 0;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (text[i] - '0');
	}
	if (value < min || value > max)
		return false;
	*out = value;
	return true;
}

static void put(struct line_out *out, char c)
{
	/* One byte stays free for the newline. */
	if (out->length >= sizeof out->bytes - 1) {
		out->overflow = true;
		return;
	}
	out->bytes[out->length++] = c;
}

static void put_text(struct line_out *out, const char *text)
{
	while (*text != '\0')
		put(out, *text++);
}

void line_begin(struct line_out *out, const char *verb)
{
	out->length = 0;
	out->overflow = false;
	put_text(out, verb);
}

void line_add_bytes(struct line_out *out, const char *key, const char *value, size_t length)
{
	static const char digits[] = "0123456789ABCDEF";
	put(out, ' ');
	put_text(out, key);
	put(out, '=');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)value[i];
		if (c > 0x20 && c < 0x7f && c != '%' && c != '=') {
			put(out, (char)c);
		} else {
			put(out, '%');
			put(out, digits[c >> 4]);
			put(out, digits[c & 15]);
		}
	}
}

void line_add(struct line_out *out, const char *key, const char *value)
{
	line_add_bytes(out, key, value, strlen(value));
}

void line_add_number(struct line_out *out, const char *key, long long value)
{
	char text[32];
	snprintf(text, sizeof text, "%lld", value);
	line_add(out, key, text);
}

bool line_end(struct line_out *out)
{
	if (out->overflow)
		return false;
	out->bytes[out->length++] = '\n';
	return true;
}
