/*
 * parameters-file.h - a resource's parameters where its service finds them: /run/pcloud-agent/NAME.env, in the
 * syntax of systemd's EnvironmentFile= (systemd.exec(5)), for root alone.
 */
#ifndef PCLOUD_PARAMETERS_FILE_H
#define PCLOUD_PARAMETERS_FILE_H

#include <stdbool.h>

#include "files.h"
#include "message.h"

struct path parameters_file(const char *resource_name);
/* Written where it is missing or differs; without parameters there is no file. False with errno set. */
bool parameters_file_write(const char *resource_name, const struct parameters *parameters);
void parameters_file_remove(const char *resource_name);

#endif
