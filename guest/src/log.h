/*
 * log.h - one line per remarkable thing on stderr, which the guest's init keeps (journal or console).
 * Nothing that happens regularly is logged: a guest's disk must not fill because of us.
 */
#ifndef PCLOUD_LOG_H
#define PCLOUD_LOG_H

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
