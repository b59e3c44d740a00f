/*
 * Calls on one domain, or on all. A domain is named by its UUID in every call and looked up anew, so no
 * domain handle outlives a call and nothing can dangle after a close or a reconnect.
 */
#include "operations-domain.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "memory.h"

/* A screen of 4096x4096 in 4 bytes a pixel; a guest must not be able to make us hold more. */
#define MAX_SCREENSHOT_BYTES (64u * 1024 * 1024)

struct target {
  virConnectPtr connection;
  virDomainPtr domain;
};

/* The domain named by the first text argument; false with the job failed. */
static bool acquire(struct job *job, struct target *target) {
  target->connection = connection_acquire(job->connection, &job->failure);
  if (target->connection == NULL) return false;
  target->domain = virDomainLookupByUUIDString(target->connection, job->texts[0]);
  if (target->domain != NULL) return true;
  job_fail(job);
  virConnectClose(target->connection);
  return false;
}

static void release(struct target *target) {
  virDomainFree(target->domain);
  virConnectClose(target->connection);
}

static void append_identity(struct value *object, virDomainPtr domain) {
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  virDomainGetUUIDString(domain, uuid);
  value_append_text(object, "uuid", uuid);
  value_append_text(object, "name", virDomainGetName(domain));
}

static bool append_state(struct value *object, virDomainPtr domain) {
  int state = 0;
  int reason = 0;
  if (virDomainGetState(domain, &state, &reason, 0) < 0) return false;
  value_append_number(object, "state", state);
  value_append_number(object, "reason", reason);
  return true;
}

/*
 * Identity, state, and the metadata element of a namespace (null where it has none). Gone between two
 * calls counts as gone: false, with libvirt's error still to be read.
 */
static bool append_record(struct value *object, virDomainPtr domain, const char *namespace_uri) {
  append_identity(object, domain);
  if (!append_state(object, domain)) return false;
  if (namespace_uri == NULL) {
    value_append_text(object, "metadata", NULL);
    return true;
  }
  char *metadata = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, namespace_uri, VIR_DOMAIN_AFFECT_CURRENT);
  if (metadata == NULL && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN_METADATA) return false;
  value_append_text(object, "metadata", metadata);
  free(metadata);
  return true;
}

void operation_list_domains(struct job *job) {
  virConnectPtr connection = connection_acquire(job->connection, &job->failure);
  if (connection == NULL) return;
  virDomainPtr *domains = NULL;
  int count = virConnectListAllDomains(connection, &domains, (unsigned int)job->numbers[0]);
  if (count < 0) job_fail(job);
  job->result.kind = VALUE_LIST;
  for (int i = 0; i < count; i++) {
    struct value record = {0};
    if (!job->failure.failed && append_record(&record, domains[i], job->texts[0])) {
      *value_append(&job->result, NULL) = record;
    } else {
      /* A domain that vanished since the list was made is no failure of the list. */
      if (!job->failure.failed && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN) job_fail(job);
      value_clear(&record);
    }
    virDomainFree(domains[i]);
  }
  free(domains);
  virConnectClose(connection);
}

void operation_lookup(struct job *job) {
  struct target target;
  if (!acquire(job, &target)) return;
  if (!append_record(&job->result, target.domain, job->texts[1])) job_fail(job);
  release(&target);
}

void operation_define(struct job *job) {
  virConnectPtr connection = connection_acquire(job->connection, &job->failure);
  if (connection == NULL) return;
  virDomainPtr domain = virDomainDefineXMLFlags(connection, job->texts[0], (unsigned int)job->numbers[0]);
  if (domain == NULL) {
    job_fail(job);
  } else {
    append_identity(&job->result, domain);
    virDomainFree(domain);
  }
  virConnectClose(connection);
}

/* Calls that take a domain and flags and return less than 0 on failure. */
#define DOMAIN_CALL(function_name, call)                 \
  void function_name(struct job *job) {                  \
    struct target target;                                \
    if (!acquire(job, &target)) return;                  \
    unsigned int flags = (unsigned int)job->numbers[0];  \
    (void)flags;                                         \
    if ((call) < 0) job_fail(job);                       \
    release(&target);                                    \
  }

DOMAIN_CALL(operation_create, virDomainCreateWithFlags(target.domain, flags))
DOMAIN_CALL(operation_destroy, virDomainDestroyFlags(target.domain, flags))
DOMAIN_CALL(operation_shutdown, virDomainShutdownFlags(target.domain, flags))
DOMAIN_CALL(operation_suspend, virDomainSuspend(target.domain))
DOMAIN_CALL(operation_resume, virDomainResume(target.domain))
DOMAIN_CALL(operation_undefine, virDomainUndefineFlags(target.domain, flags))

void operation_get_state(struct job *job) {
  struct target target;
  if (!acquire(job, &target)) return;
  if (!append_state(&job->result, target.domain)) job_fail(job);
  release(&target);
}

void operation_get_xml(struct job *job) {
  struct target target;
  if (!acquire(job, &target)) return;
  char *xml = virDomainGetXMLDesc(target.domain, (unsigned int)job->numbers[0]);
  if (xml == NULL) job_fail(job);
  value_set_text(&job->result, xml);
  free(xml);
  release(&target);
}

void operation_get_metadata(struct job *job) {
  struct target target;
  if (!acquire(job, &target)) return;
  char *metadata = virDomainGetMetadata(target.domain, VIR_DOMAIN_METADATA_ELEMENT, job->texts[1], VIR_DOMAIN_AFFECT_CURRENT);
  if (metadata == NULL && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN_METADATA) job_fail(job);
  value_set_text(&job->result, metadata);
  free(metadata);
  release(&target);
}

void operation_get_info(struct job *job) {
  struct target target;
  virDomainInfo info;
  if (!acquire(job, &target)) return;
  if (virDomainGetInfo(target.domain, &info) < 0) {
    job_fail(job);
  } else {
    value_append_number(&job->result, "state", info.state);
    value_append_number(&job->result, "maxMemoryKiB", (double)info.maxMem);
    value_append_number(&job->result, "memoryKiB", (double)info.memory);
    value_append_number(&job->result, "vcpus", info.nrVirtCpu);
    value_append_number(&job->result, "cpuTimeNs", (double)info.cpuTime);
  }
  release(&target);
}

static void append_parameter(struct value *object, virTypedParameterPtr parameter) {
  switch (parameter->type) {
    case VIR_TYPED_PARAM_INT:
      return value_append_number(object, parameter->field, parameter->value.i);
    case VIR_TYPED_PARAM_UINT:
      return value_append_number(object, parameter->field, parameter->value.ui);
    case VIR_TYPED_PARAM_LLONG:
      return value_append_number(object, parameter->field, (double)parameter->value.l);
    case VIR_TYPED_PARAM_ULLONG:
      return value_append_number(object, parameter->field, (double)parameter->value.ul);
    case VIR_TYPED_PARAM_DOUBLE:
      return value_append_number(object, parameter->field, parameter->value.d);
    case VIR_TYPED_PARAM_BOOLEAN:
      return value_append_number(object, parameter->field, parameter->value.b);
    case VIR_TYPED_PARAM_STRING:
      return value_append_text(object, parameter->field, parameter->value.s);
  }
}

void operation_get_stats(struct job *job) {
  struct target target;
  if (!acquire(job, &target)) return;
  virDomainPtr domains[] = {target.domain, NULL};
  virDomainStatsRecordPtr *records = NULL;
  int count = virDomainListGetStats(domains, (unsigned int)job->numbers[0], &records, (unsigned int)job->numbers[1]);
  if (count < 0) job_fail(job);
  job->result.kind = VALUE_OBJECT;
  for (int i = 0; count > 0 && i < records[0]->nparams; i++) append_parameter(&job->result, &records[0]->params[i]);
  if (records != NULL) virDomainStatsRecordListFree(records);
  release(&target);
}

struct picture {
  uint8_t *data;
  size_t size;
};

static int receive(virStreamPtr stream, const char *data, size_t size, void *opaque) {
  (void)stream;
  struct picture *picture = opaque;
  if (size > MAX_SCREENSHOT_BYTES - picture->size) return -1;
  picture->data = must_realloc(picture->data, picture->size + size);
  memcpy(picture->data + picture->size, data, size);
  picture->size += size;
  return (int)size;
}

/* The picture's type and bytes, read to the end of the stream. */
void operation_screenshot(struct job *job) {
  struct target target;
  if (!acquire(job, &target)) return;
  struct picture picture = {NULL, 0};
  char *type = NULL;
  virStreamPtr stream = virStreamNew(target.connection, 0);
  if (stream == NULL || (type = virDomainScreenshot(target.domain, stream, (unsigned int)job->numbers[0], 0)) == NULL) {
    job_fail(job);
  } else if (virStreamRecvAll(stream, receive, &picture) < 0) {
    job_fail(job); /* the stream is aborted already */
  } else if (virStreamFinish(stream) < 0) {
    job_fail(job);
  } else {
    value_append_text(&job->result, "mimeType", type);
    struct value *bytes = value_append(&job->result, "data");
    bytes->kind = VALUE_BYTES;
    bytes->as.bytes.data = picture.data;
    bytes->as.bytes.size = picture.size;
    picture.data = NULL;
  }
  free(picture.data);
  free(type);
  if (stream != NULL) virStreamFree(stream);
  release(&target);
}
