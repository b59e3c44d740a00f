/*
 * sysv.h - resources that are SysV scripts (class lsb): `service X status|start|stop`, or the script
 * itself; kill is ours, because no script has it.
 */
#ifndef PCLOUD_SYSV_H
#define PCLOUD_SYSV_H

#include "operation.h"

void sysv_step(struct operation *operation, struct resource *resource, const struct job_outcome *outcome);

#endif
