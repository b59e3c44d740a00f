/*
 * Datagrams over Unix sockets, which Node lacks: what sd_notify(3) and journald's native protocol need,
 * and a receiver for whoever starts a service and waits for its READY=1. Nothing blocks, so every call
 * runs on the JavaScript thread. Functions return a number below 0 (-errno) on failure; index.js throws.
 */
#include <errno.h>
#include <node_api.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_DATAGRAM_BYTES 65536

/* "@name" is the abstract socket "\0name", as in NOTIFY_SOCKET; returns the length, 0 when it does not fit. */
static socklen_t address_of(napi_env env, napi_value value, struct sockaddr_un *address) {
  size_t length = 0;
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok || length == 0 || length >= sizeof address->sun_path) return 0;
  if (napi_get_value_string_utf8(env, value, address->sun_path, sizeof address->sun_path, &length) != napi_ok) return 0;
  size_t used = offsetof(struct sockaddr_un, sun_path) + length;
  if (address->sun_path[0] != '@') return (socklen_t)(used + 1);
  address->sun_path[0] = '\0';
  return (socklen_t)used;
}

static napi_value number(napi_env env, int value) {
  napi_value result = NULL;
  return napi_create_int32(env, value, &result) == napi_ok ? result : NULL;
}

/* send(path, data): 0 or -errno. */
static napi_value send_datagram(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2;
  struct sockaddr_un address;
  void *data;
  size_t size;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 2) return number(env, -EINVAL);
  socklen_t length = address_of(env, arguments[0], &address);
  if (length == 0) return number(env, -ENAMETOOLONG);
  if (napi_get_buffer_info(env, arguments[1], &data, &size) != napi_ok) return number(env, -EINVAL);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return number(env, -errno);
  ssize_t sent = sendto(fd, data, size, MSG_NOSIGNAL, (const struct sockaddr *)&address, length);
  int result = sent < 0 ? -errno : 0;
  close(fd);
  return number(env, result);
}

/* bind(path): a file descriptor or -errno. */
static napi_value bind_datagram(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  struct sockaddr_un address;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count < 1) return number(env, -EINVAL);
  socklen_t length = address_of(env, argument, &address);
  if (length == 0) return number(env, -ENAMETOOLONG);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return number(env, -errno);
  if (bind(fd, (const struct sockaddr *)&address, length) == 0) return number(env, fd);
  int failed = errno;
  close(fd);
  return number(env, -failed);
}

/* receive(fd): a Buffer, or -errno (-EAGAIN: nothing is there). */
static napi_value receive_datagram(napi_env env, napi_callback_info info) {
  static char data[MAX_DATAGRAM_BYTES];
  napi_value argument, buffer = NULL;
  size_t count = 1;
  int32_t fd = -1;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count < 1) return number(env, -EINVAL);
  if (napi_get_value_int32(env, argument, &fd) != napi_ok) return number(env, -EINVAL);
  ssize_t size = recv(fd, data, sizeof data, 0);
  if (size < 0) return number(env, -errno);
  return napi_create_buffer_copy(env, (size_t)size, data, NULL, &buffer) == napi_ok ? buffer : NULL;
}

/* close(fd): 0 or -errno. */
static napi_value close_datagram(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  int32_t fd = -1;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count < 1) return number(env, -EINVAL);
  if (napi_get_value_int32(env, argument, &fd) != napi_ok || fd < 0) return number(env, -EINVAL);
  return number(env, close(fd) < 0 ? -errno : 0);
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      {"send", NULL, send_datagram, NULL, NULL, NULL, napi_default, NULL},
      {"bind", NULL, bind_datagram, NULL, NULL, NULL, napi_default, NULL},
      {"receive", NULL, receive_datagram, NULL, NULL, NULL, napi_default, NULL},
      {"close", NULL, close_datagram, NULL, NULL, NULL, napi_default, NULL},
  };
  if (napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions) != napi_ok) return NULL;
  return exports;
}
