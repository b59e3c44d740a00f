/*
 * The table of calls, and those on a connection as a whole. Each runs on a worker thread and copies
 * libvirt's error in that same thread, before anything is freed: libvirt keeps one error a thread.
 */
#include "operations.h"

#include <libvirt/libvirt.h>
#include <stdlib.h>

#include "connection.h"
#include "operations-domain.h"

static void operation_open(struct job *job) {
  virConnectPtr pointer = virConnectOpen(job->texts[0]);
  if (pointer == NULL) return job_fail(job);
  value_set_handle(&job->result, &connection_handle, connection_new(pointer, job->environment));
}

static void operation_close(struct job *job) { connection_close(job->connection); }

static void operation_register_events(struct job *job) { connection_register_events(job->connection, &job->failure); }

static void operation_set_keep_alive(struct job *job) {
  virConnectPtr pointer = connection_acquire(job->connection, &job->failure);
  if (pointer == NULL) return;
  int result = virConnectSetKeepAlive(pointer, (int)job->numbers[0], (unsigned int)job->numbers[1]);
  if (result < 0) job_fail(job);
  job->result.kind = VALUE_NUMBER;
  job->result.as.number = result; /* 1: the daemon does not support it */
  virConnectClose(pointer);
}

static void operation_get_version(struct job *job) {
  virConnectPtr pointer = connection_acquire(job->connection, &job->failure);
  if (pointer == NULL) return;
  unsigned long client = 0;
  unsigned long library = 0;
  unsigned long hypervisor = 0;
  if (virGetVersion(&client, NULL, NULL) < 0 || virConnectGetLibVersion(pointer, &library) < 0 || virConnectGetVersion(pointer, &hypervisor) < 0) {
    job_fail(job);
  } else {
    value_append_number(&job->result, "client", (double)client);
    value_append_number(&job->result, "library", (double)library);
    value_append_number(&job->result, "hypervisor", (double)hypervisor);
  }
  virConnectClose(pointer);
}

static void operation_get_capabilities(struct job *job) {
  virConnectPtr pointer = connection_acquire(job->connection, &job->failure);
  if (pointer == NULL) return;
  char *xml = virConnectGetCapabilities(pointer);
  if (xml == NULL) job_fail(job);
  value_set_text(&job->result, xml);
  free(xml);
  virConnectClose(pointer);
}

static void operation_is_alive(struct job *job) {
  virConnectPtr pointer = connection_acquire(job->connection, &job->failure);
  if (pointer == NULL) return;
  int alive = virConnectIsAlive(pointer);
  if (alive < 0) job_fail(job);
  job->result.kind = VALUE_NUMBER;
  job->result.as.number = alive;
  virConnectClose(pointer);
}

/* Looked up anew in every call, as domains are: the name is what people know a network by. */
static void operation_is_network_active(struct job *job) {
  virConnectPtr pointer = connection_acquire(job->connection, &job->failure);
  if (pointer == NULL) return;
  virNetworkPtr network = virNetworkLookupByName(pointer, job->texts[0]);
  int active = network == NULL ? -1 : virNetworkIsActive(network);
  if (active < 0) job_fail(job);
  job->result.kind = VALUE_NUMBER;
  job->result.as.number = active;
  if (network != NULL) virNetworkFree(network);
  virConnectClose(pointer);
}

const struct operation operations[] = {
    {"open", "s", true, operation_open},
    {"close", "", false, operation_close},
    {"isAlive", "", false, operation_is_alive},
    {"setKeepAlive", "nn", false, operation_set_keep_alive},
    {"registerEvents", "", false, operation_register_events},
    {"getVersion", "", false, operation_get_version},
    {"getCapabilities", "", false, operation_get_capabilities},
    {"isNetworkActive", "s", false, operation_is_network_active},
    {"listDomains", "nS", false, operation_list_domains},
    {"lookup", "sS", false, operation_lookup},
    {"define", "sn", false, operation_define},
    {"create", "sn", false, operation_create},
    {"destroy", "sn", false, operation_destroy},
    {"shutdown", "sn", false, operation_shutdown},
    {"suspend", "s", false, operation_suspend},
    {"resume", "s", false, operation_resume},
    {"undefine", "sn", false, operation_undefine},
    {"getState", "s", false, operation_get_state},
    {"getXml", "sn", false, operation_get_xml},
    {"getMetadata", "ss", false, operation_get_metadata},
    {"getInfo", "s", false, operation_get_info},
    {"getStats", "snn", false, operation_get_stats},
    {"screenshot", "sn", false, operation_screenshot},
};

const size_t operation_count = sizeof operations / sizeof *operations;
