/*
 * kill-tree.h - SIGKILL for a daemon and all that it started, where no control group holds them together.
 */
#ifndef PCLOUD_KILL_TREE_H
#define PCLOUD_KILL_TREE_H

#include <sys/types.h>

/*
 * Kills the process, its descendants, and the members of the session (0: none). Returns how many it
 * found; call again until none is left, because what is being born at the moment is not seen.
 */
int kill_tree(pid_t root, pid_t session);

#endif
