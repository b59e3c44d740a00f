/* Memory that is never NULL: running out of it ends the process with a line on stderr, as in Node itself. */
#ifndef PCLOUD_LIBVIRT_MEMORY_H
#define PCLOUD_LIBVIRT_MEMORY_H

#include <stddef.h>

/* Zeroed. */
void *must_alloc(size_t size);
void *must_realloc(void *old, size_t size);
char *must_copy(const char *text);

#endif
