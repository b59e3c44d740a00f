/*
 * main.c - pcloud-agent: options, and the loop that gives each module its turn. What the agent is for and
 * what it says stands in docs/guest-protocol.md.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "address.h"
#include "clock.h"
#include "deaths.h"
#include "files.h"
#include "job.h"
#include "log.h"
#include "loop.h"
#include "operation.h"
#include "port.h"
#include "resource.h"
#include "run.h"
#include "session.h"
#include "systemd.h"
#include "version.h"
#include "watchdog.h"

#ifndef SCHED_RESET_ON_FORK
#define SCHED_RESET_ON_FORK 0x40000000
#endif

struct options {
	bool connector;
	int systemd; /* -1: look */
};

static const char usage[] =
	"usage: pcloud-agent [options]\n"
	"  --port PATH             speak on this device, FIFO or Unix socket (default: the virtio port\n"
	"                          " PORT_NAME ")\n"
	"  --listen PATH           make a Unix socket and speak with who connects\n"
	"  --root DIR              take the guest's files and programs from below DIR\n"
	"  --init systemd|sysv     which init runs here (default: systemd if /run/systemd/system is there)\n"
	"  --death-source connector|poll\n"
	"  --version\n";

static void fail_usage(void)
{
	fputs(usage, stderr);
	exit(2);
}

/* Takes one option with its value. */
static void take_option(struct options *options, const char *name, const char *value)
{
	if (strcmp(name, "--port") == 0)
		port_use_path(value);
	else if (strcmp(name, "--listen") == 0)
		port_use_listener(value);
	else if (strcmp(name, "--root") == 0)
		files_set_root(value);
	else if (strcmp(name, "--init") == 0 && strcmp(value, "systemd") == 0)
		options->systemd = 1;
	else if (strcmp(name, "--init") == 0 && strcmp(value, "sysv") == 0)
		options->systemd = 0;
	else if (strcmp(name, "--death-source") == 0 && strcmp(value, "connector") == 0)
		options->connector = true;
	else if (strcmp(name, "--death-source") == 0 && strcmp(value, "poll") == 0)
		options->connector = false;
	else
		fail_usage();
}

static void fail_start(const char *what)
{
	log_line("pcloud-agent cannot start: %s", what);
	exit(1);
}

/*
 * A process that dies wakes its parent too, and on one emulated processor init then runs first for tens of
 * milliseconds. We go before it: a few hundred microseconds a wake-up, and nothing while idle. Children get
 * the ordinary priority (SCHED_RESET_ON_FORK is as old as 2.6.32).
 */
static void go_first(void)
{
	struct sched_param parameters = { .sched_priority = 1 };
	if (syscall(SYS_sched_setscheduler, 0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters) != 0)
		log_line("no real-time priority: deaths are told later on a busy guest");
}

/* The guest goes down, or the agent is replaced: not a hang that the watchdog should bite for. */
static void end_orderly(struct loop_source *source, uint32_t events)
{
	(void)source;
	(void)events;
	watchdog_end();
	exit(0);
}

static bool open_end(void)
{
	static struct loop_source end = { .fd = -1, .ready = end_orderly };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return false;
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd >= 0 && loop_add(&end, fd, EPOLLIN);
}

static void run(void)
{
	for (;;) {
		int64_t next_ms = deaths_next_ms();
		next_ms = earlier_ms(next_ms, resources_next_ms());
		next_ms = earlier_ms(next_ms, jobs_next_ms());
		next_ms = earlier_ms(next_ms, operations_next_ms());
		next_ms = earlier_ms(next_ms, systemd_next_ms());
		next_ms = earlier_ms(next_ms, port_next_ms());
		next_ms = earlier_ms(next_ms, run_next_ms());
		next_ms = earlier_ms(next_ms, address_next_ms());
		next_ms = earlier_ms(next_ms, watchdog_next_ms());
		next_ms = earlier_ms(next_ms, session_next_ms());
		loop_turn(next_ms);
		int64_t now_ms = clock_ms();
		deaths_tick(now_ms);
		resources_tick(now_ms);
		jobs_tick(now_ms);
		port_tick(now_ms);
		systemd_tick(now_ms);
		operations_tick(now_ms);
		run_tick(now_ms);
		address_tick(now_ms);
		watchdog_tick(now_ms);
		session_tick(now_ms);
	}
}

int main(int argc, char **argv)
{
	static const struct death_handlers deaths = {
		.ended = resources_process_ended,
		.look = resources_check_all,
	};
	struct options options = { .connector = true, .systemd = -1 };
	port_use_virtio(PORT_NAME);
	for (int i = 1; i < argc; i += 2) {
		if (strcmp(argv[i], "--version") == 0) {
			puts("pcloud-agent " PCLOUD_AGENT_VERSION);
			return 0;
		}
		if (i + 1 == argc)
			fail_usage();
		take_option(&options, argv[i], argv[i + 1]);
	}
	umask(022);
	if (!loop_open())
		fail_start("no epoll");
	if (!jobs_open() || !open_end())
		fail_start("no signalfd");
	deaths_open(&deaths, options.connector);
	go_first();
	address_begin();
	watchdog_begin();
	if (options.systemd < 0)
		options.systemd = access(files_path("/run/systemd/system").text, F_OK) == 0;
	session_open(&(struct session_options){ .systemd = options.systemd == 1 });
	run();
}
