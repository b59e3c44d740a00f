/*
 * environment.h - the environment of a program: the agent's plain one (job.h), with variables of the host's in
 * place of or beside it.
 */
#ifndef PCLOUD_ENVIRONMENT_H
#define PCLOUD_ENVIRONMENT_H

#include "message.h"

/* Ended by NULL. Points into the parameters that it was made from. */
struct environment {
	const char *variables[MAX_PAIRS + 16];
};

void environment_fill(struct environment *to, const struct parameters *own);

/* The strings one after the other as a list that NULL ends; returns how many. */
size_t parameters_list(const struct parameters *from, const char **to);

#endif
