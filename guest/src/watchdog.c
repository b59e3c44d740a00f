/*
 * watchdog.c - see watchdog.h. The kernel's interface is that of Documentation/watchdog/watchdog-api.rst, as
 * old as 2.6.32: opening arms it, a `V` before the end disarms it, and an end without one leaves it armed.
 */
#include "watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"
#include "files.h"
#include "log.h"
#include "procfs.h"

/*
 * Until the host acts. The service's own verdict of a hung guest comes after some 5 s, with evidence, so the
 * watchdog is for when nobody else looks. It must outlast an agent that was killed and is started again by its
 * init (RestartSec=1, and seconds more on a busy emulated processor) and a host that stands still for a moment;
 * 30 s is the driver's default as well.
 */
#define TIMEOUT_SECONDS 30
#define PET_MS 10000
/* A driver that is loaded late, or another program's hold on the device: look soon, then seldom. */
#define FIRST_LOOK_MS 250
#define LAST_LOOK_MS 60000

/* PCI vendor and device of Intel's 6300ESB watchdog, the one that QEMU has, and what its driver calls itself. */
#define VENDOR_AND_DEVICE "\t808625ab\t"
#define IDENTITY "i6300ESB"

static int fd = -1;
static int64_t next_ms = NEVER_MS;
static int look_ms = FIRST_LOOK_MS;

/* Opening another watchdog would arm it, perhaps for good: nothing is opened where the machine has none of ours. */
static bool machine_has_one(void)
{
	static char text[16384];
	return read_text(files_path("/proc/bus/pci/devices").text, text, sizeof text) > 0 &&
	       strstr(text, VENDOR_AND_DEVICE) != NULL;
}

/* Newer kernels number several watchdogs and name each; older ones have one at most. */
static struct path device_path(void)
{
	char text[64];
	for (int i = 0; i < 8; i++)
		if (read_text(files_path("/sys/class/watchdog/watchdog%d/identity", i).text, text, sizeof text) > 0 &&
		    strncmp(text, IDENTITY, strlen(IDENTITY)) == 0)
			return files_path("/dev/watchdog%d", i);
	return files_path("/dev/watchdog");
}

static void let_go(void)
{
	if (write(fd, "V", 1) != 1)
		log_line("watchdog: %s: it stays armed", strerror(errno));
	close(fd);
	fd = -1;
}

static void look_later(int64_t now_ms)
{
	next_ms = now_ms + look_ms;
	if (look_ms < LAST_LOOK_MS / 2)
		look_ms *= 2;
	else if (look_ms != LAST_LOOK_MS) {
		log_line("watchdog: %s: nobody pets it by our hand, looking again each minute", strerror(errno));
		look_ms = LAST_LOOK_MS;
	}
}

/* False when it is not ours (yet). */
static bool take(int64_t now_ms)
{
	struct watchdog_info info;
	int seconds = TIMEOUT_SECONDS;
	fd = open(device_path().text, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		look_later(now_ms);
		return false;
	}
	memset(&info, 0, sizeof info);
	if (ioctl(fd, WDIOC_GETSUPPORT, &info) == 0 &&
	    strncmp((const char *)info.identity, IDENTITY, strlen(IDENTITY)) == 0 &&
	    ioctl(fd, WDIOC_SETTIMEOUT, &seconds) == 0)
		return true;
	log_line("watchdog: it is another than the machine's own, or cannot be set: left alone for good");
	let_go();
	next_ms = NEVER_MS;
	return false;
}

bool watchdog_is_petted(void)
{
	return fd >= 0;
}

void watchdog_tick(int64_t now_ms)
{
	if (now_ms < next_ms || (fd < 0 && !take(now_ms)))
		return;
	/* The driver takes any byte for a pat; which one matters only at the end. */
	if (write(fd, "\0", 1) == 1) {
		next_ms = now_ms + PET_MS;
		return;
	}
	log_line("watchdog: %s: taking it anew", strerror(errno));
	close(fd);
	fd = -1;
	look_later(now_ms);
}

void watchdog_begin(void)
{
	if (!machine_has_one())
		return;
	/* A predecessor that was killed left it armed. */
	next_ms = clock_ms();
	watchdog_tick(next_ms);
}

int64_t watchdog_next_ms(void)
{
	return next_ms;
}

void watchdog_end(void)
{
	if (fd >= 0)
		let_go();
	next_ms = NEVER_MS;
}
