/* Why a call failed, as libvirt tells it. */
#ifndef PCLOUD_LIBVIRT_FAILURE_H
#define PCLOUD_LIBVIRT_FAILURE_H

#include <node_api.h>
#include <stdbool.h>

struct failure {
  bool failed;
  int code;   /* virErrorNumber */
  int domain; /* virErrorDomain */
  int level;  /* virErrorLevel */
  char *message;
};

/* Copies libvirt's last error of this thread. To be called before any vir*Free, which resets it. */
void failure_take(struct failure *failure);
/* A failure of our own, with one of libvirt's codes (virErrorNumber). */
void failure_set(struct failure *failure, int code, const char *message);
void failure_clear(struct failure *failure);
/* An Error with code, domain and level; NULL when none could be made. */
napi_value failure_to_js(napi_env env, const struct failure *failure);

#endif
