/*
 * kill-tree.h - signals for a daemon and all that it started, where no control group holds them together.
 */
#ifndef PCLOUD_KILL_TREE_H
#define PCLOUD_KILL_TREE_H

#include <sys/types.h>

/* More than this of one daemon are only found again by their session and their parents. */
#define MAX_REMEMBERED 64

/*
 * Whom an earlier signal was sent to, as a pid and its start time: when the daemon itself has heeded it, its
 * children belong to init, and nothing else tells any more whose they were.
 */
struct kill_list {
	int count;
	struct {
		pid_t pid;
		unsigned long long start_ticks;
	} known[MAX_REMEMBERED];
};

/*
 * Sends `signal` (0: none) to the process, to the members of the session (0: none), to what is on the list,
 * and to the descendants of all of them, and puts them on the list. Returns how many are alive; call again
 * until none is left, because what is being born at the moment is not seen.
 */
int kill_tree(pid_t root, pid_t session, struct kill_list *list, int signal);

#endif
