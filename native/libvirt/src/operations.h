/* The calls that JavaScript can make: what each takes, and what a worker runs for it. */
#ifndef PCLOUD_LIBVIRT_OPERATIONS_H
#define PCLOUD_LIBVIRT_OPERATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "job.h"

/* Each argument: s a string, S a string or null, n a number. The connection comes first, unless `opens`. */
struct operation {
  const char *name;
  const char *arguments;
  bool opens;
  job_function run;
};

extern const struct operation operations[];
extern const size_t operation_count;

#endif
