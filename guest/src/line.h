/*
 * line.h - the wire syntax: `verb key=value key=value`, printable ASCII, values percent-encoded. Knows
 * nothing of what the verbs mean (message.c does). The same rules as model/guest-codec.ts.
 */
#ifndef PCLOUD_LINE_H
#define PCLOUD_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "limits.h"

struct line {
	const char *verb;
	size_t pairs;
	struct {
		const char *key;
		const char *value; /* decoded, NUL-terminated, holds no NUL */
	} pair[MAX_PAIRS];
};

/*
 * Parses `length` bytes (without the newline; text[length] must be writable) in place; `out` points into
 * `text`. False when the line breaks any rule; `text` is then spoilt and `out` not to be used.
 */
bool line_parse(char *text, size_t length, struct line *out);

/* The value of a key, or NULL. */
const char *line_value(const struct line *line, const char *key);

/* A canonical decimal number within [min, max]; false when absent or anything else. */
bool line_value_number(const struct line *line, const char *key, long long min, long long max,
		       long long *out);

struct line_out {
	char bytes[MAX_LINE_BYTES];
	size_t length;
	bool overflow;
};

void line_begin(struct line_out *out, const char *verb);
void line_add_bytes(struct line_out *out, const char *key, const char *value, size_t length);
void line_add(struct line_out *out, const char *key, const char *value);
void line_add_number(struct line_out *out, const char *key, long long value);
/* Ends the line with its newline. False when it did not fit: it must not be sent. */
bool line_end(struct line_out *out);

#endif
