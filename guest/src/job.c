/*
 * job.c - see job.h.
 */
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "loop.h"

#define GRACE_MS 2000

/* The last bytes of a stream. The source comes first, so that its address is the tail's. */
struct tail {
	struct loop_source source;
	char bytes[2 * MAX_OUTPUT_BYTES];
	size_t length;
};

enum job_phase { JOB_FREE, JOB_RUNNING, JOB_TERMINATING, JOB_KILLED };

struct job {
	enum job_phase phase;
	pid_t pid;
	int64_t deadline_ms;
	bool timed_out;
	struct tail error;
	struct tail normal;
	job_done *done;
	void *context;
};

static struct job jobs[MAX_JOBS];
static void child_ready(struct loop_source *source, uint32_t events);
static struct loop_source children = { .fd = -1, .ready = child_ready };

const char *const job_plain_environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"LC_ALL=C",
	"HOME=/",
	"SYSTEMD_COLORS=0",
	"SYSTEMD_PAGER=",
	NULL,
};

bool jobs_open(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return false;
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < MAX_JOBS; i++)
		jobs[i].error.source.fd = jobs[i].normal.source.fd = -1;
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd >= 0 && loop_add(&children, fd, EPOLLIN);
}

static void tail_ready(struct loop_source *source, uint32_t events)
{
	struct tail *tail = (struct tail *)source;
	char bytes[1024];
	(void)events;
	/* A program that writes without end is read without end, but never more than this at a time. */
	for (int round = 0; round < 16; round++) {
		ssize_t got = read(source->fd, bytes, sizeof bytes);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0) {
			loop_close(source);
			return;
		}
		size_t take = (size_t)got > MAX_OUTPUT_BYTES ? MAX_OUTPUT_BYTES : (size_t)got;
		if (tail->length + take > sizeof tail->bytes - 1) {
			size_t keep = MAX_OUTPUT_BYTES < tail->length ? MAX_OUTPUT_BYTES - 1 : tail->length;
			memmove(tail->bytes, tail->bytes + tail->length - keep, keep);
			tail->length = keep;
		}
		memcpy(tail->bytes + tail->length, bytes + got - take, take);
		tail->length += take;
	}
}

static void run_child(const char *const argv[], const char *const environment[], int output, int error)
{
	sigset_t none;
	/* A group to signal, and a session by which sysv.c finds daemons that stayed in it. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(error, 2) < 0 || chdir("/") != 0)
		_exit(127);
	execve(argv[0], (char *const *)argv, (char *const *)environment);
	const char *reason = strerror(errno);
	ssize_t ignored = write(2, argv[0], strlen(argv[0]));
	ignored = write(2, ": ", 2);
	ignored = write(2, reason, strlen(reason));
	(void)ignored;
	_exit(127);
}

static bool open_tail(struct tail *tail, int pipe_fds[2])
{
	tail->length = 0;
	tail->source.ready = tail_ready;
	if (pipe2(pipe_fds, O_CLOEXEC) != 0)
		return false;
	if (fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK) == 0 && loop_add(&tail->source, pipe_fds[0], EPOLLIN))
		return true;
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return false;
}

static struct job *free_job(void)
{
	for (size_t i = 0; i < MAX_JOBS; i++)
		if (jobs[i].phase == JOB_FREE)
			return &jobs[i];
	return NULL;
}

static bool launch(struct job *job, const char *const argv[], const char *const environment[],
		   const int streams[2], int64_t deadline_ms)
{
	job->pid = fork();
	if (job->pid == 0)
		run_child(argv, environment, streams[0], streams[1]);
	if (job->pid < 0) {
		log_line("fork: %s", strerror(errno));
		return false;
	}
	job->phase = JOB_RUNNING;
	job->deadline_ms = deadline_ms;
	job->timed_out = false;
	return true;
}

bool job_start_into(const char *const argv[], const char *const environment[], const int streams[2],
		    int64_t deadline_ms, job_done *done, void *context)
{
	struct job *job = free_job();
	if (job == NULL)
		return false;
	job->normal.length = job->error.length = 0;
	job->done = done;
	job->context = context;
	return launch(job, argv, environment, streams, deadline_ms);
}

bool job_start(const char *const argv[], const char *const environment[], int64_t deadline_ms,
	       job_done *done, void *context)
{
	struct job *job = free_job();
	int output[2], error[2];
	if (job == NULL || !open_tail(&job->normal, output))
		return false;
	if (!open_tail(&job->error, error)) {
		loop_close(&job->normal.source);
		close(output[1]);
		return false;
	}
	job->done = done;
	job->context = context;
	bool started = launch(job, argv, environment, (const int[]){ output[1], error[1] }, deadline_ms);
	close(output[1]);
	close(error[1]);
	if (!started) {
		loop_close(&job->normal.source);
		loop_close(&job->error.source);
	}
	return started;
}

void job_end(const void *context)
{
	for (size_t i = 0; i < MAX_JOBS; i++)
		if (jobs[i].phase == JOB_RUNNING && jobs[i].context == context)
			jobs[i].deadline_ms = clock_ms();
}

static void signal_group(pid_t leader, int signal_number)
{
	/* The child may not have come to its setsid yet. */
	if (kill(-leader, signal_number) != 0)
		kill(leader, signal_number);
}

static void finish(struct job *job, int code, int ended_by)
{
	char text[MAX_OUTPUT_BYTES];
	struct tail *parts[] = { &job->error, &job->normal };
	size_t length = 0;
	for (size_t i = 0; i < 2; i++) {
		struct tail *tail = parts[i];
		if (tail->source.fd >= 0)
			tail_ready(&tail->source, 0);
		/* What a daemon holds open is not waited for. */
		loop_close(&tail->source);
		size_t room = sizeof text - length;
		size_t take = tail->length < room ? tail->length : room;
		memcpy(text + length, tail->bytes + tail->length - take, take);
		length += take;
	}
	job->normal.bytes[job->normal.length] = '\0';
	struct job_outcome outcome = {
		.code = code,
		.signal = ended_by,
		.timed_out = job->timed_out,
		.output = text,
		.output_length = length,
		.stdout_text = job->normal.bytes,
	};
	job_done *done = job->done;
	if (done != NULL)
		done(&outcome, job->context);
	/* Freed last: `done` may start another job, and the outcome points into this one. */
	job->phase = JOB_FREE;
}

static void child_ready(struct loop_source *source, uint32_t events)
{
	struct signalfd_siginfo info;
	(void)events;
	while (read(source->fd, &info, sizeof info) == (ssize_t)sizeof info)
		;
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		for (size_t i = 0; i < MAX_JOBS; i++)
			if (jobs[i].phase != JOB_FREE && jobs[i].pid == pid) {
				/* What is left of a group whose time was up must not live on. */
				if (jobs[i].timed_out)
					kill(-pid, SIGKILL);
				if (WIFEXITED(status))
					finish(&jobs[i], WEXITSTATUS(status), 0);
				else
					finish(&jobs[i], 128 + WTERMSIG(status), WTERMSIG(status));
				break;
			}
}

void jobs_tick(int64_t now_ms)
{
	for (size_t i = 0; i < MAX_JOBS; i++) {
		struct job *job = &jobs[i];
		if (job->phase == JOB_FREE || now_ms < job->deadline_ms)
			continue;
		job->deadline_ms = now_ms + GRACE_MS;
		job->timed_out = true;
		if (job->phase == JOB_RUNNING) {
			job->phase = JOB_TERMINATING;
			signal_group(job->pid, SIGTERM);
		} else if (job->phase == JOB_TERMINATING) {
			job->phase = JOB_KILLED;
			signal_group(job->pid, SIGKILL);
		} else {
			/* Not even KILL ends it (disk sleep): the host must know rather than wait. */
			finish(job, 128 + SIGKILL, SIGKILL);
		}
	}
}

int64_t jobs_next_ms(void)
{
	int64_t next_ms = NEVER_MS;
	for (size_t i = 0; i < MAX_JOBS; i++)
		if (jobs[i].phase != JOB_FREE)
			next_ms = earlier_ms(next_ms, jobs[i].deadline_ms);
	return next_ms;
}
