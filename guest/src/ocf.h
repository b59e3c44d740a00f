/*
 * ocf.h - resources with an OCF resource agent: /usr/lib/ocf/resource.d/PROVIDER/TYPE, parameters as
 * OCF_RESKEY_*, return codes passed on as they are.
 */
#ifndef PCLOUD_OCF_H
#define PCLOUD_OCF_H

#include "operation.h"

void ocf_step(struct operation *operation, struct resource *resource, const struct job_outcome *outcome);

#endif
