/* Allocation that ends the process where it would fail. Whose memory it is, is not known here. */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_abort(void *memory) {
  if (memory == NULL) {
    fputs("libvirt addon: out of memory\n", stderr);
    abort();
  }
  return memory;
}

void *must_alloc(size_t size) { return or_abort(calloc(1, size)); }

void *must_realloc(void *old, size_t size) { return or_abort(realloc(old, size)); }

char *must_copy(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = must_alloc(size);
  memcpy(copy, text, size);
  return copy;
}
