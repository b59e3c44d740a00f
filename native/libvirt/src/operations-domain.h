/* The calls on one domain, or on all; each runs on a worker. */
#ifndef PCLOUD_LIBVIRT_OPERATIONS_DOMAIN_H
#define PCLOUD_LIBVIRT_OPERATIONS_DOMAIN_H

#include "job.h"

void operation_list_domains(struct job *job);
void operation_lookup(struct job *job);
void operation_define(struct job *job);
void operation_create(struct job *job);
void operation_destroy(struct job *job);
void operation_shutdown(struct job *job);
void operation_suspend(struct job *job);
void operation_resume(struct job *job);
void operation_undefine(struct job *job);
void operation_get_state(struct job *job);
void operation_get_xml(struct job *job);
void operation_get_metadata(struct job *job);
void operation_get_info(struct job *job);
void operation_get_stats(struct job *job);
void operation_screenshot(struct job *job);

#endif
