/*
 * kill-tree.c - see kill-tree.h. The whole tree is collected before the first is killed: orphans belong to
 * init, and nothing tells any more whose they were.
 */
#include "kill-tree.h"

#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "procfs.h"

#define MAX_VICTIMS 1024
#define MAX_PASSES 16

struct search {
	pid_t root;
	pid_t session;
	const struct kill_list *list;
	struct {
		pid_t pid;
		unsigned long long start_ticks;
	} victims[MAX_VICTIMS];
	int count;
	bool grown;
};

static bool is_victim(const struct search *search, pid_t pid)
{
	for (int i = 0; i < search->count; i++)
		if (search->victims[i].pid == pid)
			return true;
	return false;
}

static bool is_listed(const struct kill_list *list, pid_t pid, unsigned long long start_ticks)
{
	for (int i = 0; i < list->count; i++)
		if (list->known[i].pid == pid && list->known[i].start_ticks == start_ticks)
			return true;
	return false;
}

static bool consider(pid_t pid, const struct procfs_stat *stat, void *context)
{
	struct search *search = context;
	bool belongs = pid == search->root || (search->session > 1 && stat->session == search->session) ||
		       is_victim(search, stat->parent) || is_listed(search->list, pid, stat->start_ticks);
	if (!belongs || pid <= 1 || pid == getpid() || !procfs_is_alive(stat) || is_victim(search, pid))
		return true;
	search->victims[search->count].pid = pid;
	search->victims[search->count++].start_ticks = stat->start_ticks;
	search->grown = true;
	return search->count < MAX_VICTIMS;
}

static void remember(struct kill_list *list, pid_t pid, unsigned long long start_ticks)
{
	if (list->count >= MAX_REMEMBERED || is_listed(list, pid, start_ticks))
		return;
	list->known[list->count].pid = pid;
	list->known[list->count++].start_ticks = start_ticks;
}

int kill_tree(pid_t root, pid_t session, struct kill_list *list, int signal)
{
	static struct search search;
	search.root = root;
	search.session = session;
	search.list = list;
	search.count = 0;
	search.grown = true;
	/* A pass may meet a child before its parent: go on until a pass adds nothing. */
	for (int pass = 0; pass < MAX_PASSES && search.grown && search.count < MAX_VICTIMS; pass++) {
		search.grown = false;
		procfs_each(consider, &search);
	}
	for (int i = 0; i < search.count; i++) {
		remember(list, search.victims[i].pid, search.victims[i].start_ticks);
		if (signal != 0)
			kill(search.victims[i].pid, signal);
	}
	return search.count;
}
