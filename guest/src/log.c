/*
 * log.c - see log.h.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void log_line(const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(text, sizeof text - 1, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if ((size_t)length > sizeof text - 2)
		length = sizeof text - 2;
	text[length++] = '\n';
	/* A log that cannot be written has nowhere to be reported. */
	ssize_t written = write(STDERR_FILENO, text, (size_t)length);
	(void)written;
}
