/*
 * limits.h - every bound of the agent in one place. The agent never allocates after its start: all tables
 * are static and sized here, so that a hostile or confused host cannot make it grow. The wire limits are
 * those of model/guest-protocol.ts and docs/guest-protocol.md.
 */
#ifndef PCLOUD_LIMITS_H
#define PCLOUD_LIMITS_H

#define PROTOCOL_VERSION 1
#define PORT_NAME "org.pacemaker-cloud.agent.0"

#define MAX_LINE_BYTES 4096 /* newline included */
#define MAX_PAIRS 64
#define MAX_KEY_BYTES 64
#define MAX_NAME_BYTES 63
#define MAX_SERVICE_BYTES 128
#define MAX_PARAMETERS_BYTES 4096
#define MAX_KEY_LINE_BYTES 1024 /* an ssh public key */
#define MAX_PATH_BYTES 512

#define MAX_RESOURCES 64
#define MAX_OPERATIONS 16
/* Looking up a main process after `watch` is work of our own and does not take the host's places. */
#define MAX_LOOKUPS 2
#define MAX_JOBS (MAX_OPERATIONS + MAX_LOOKUPS + 4)

#define MAX_RUN_ARGUMENTS 48
#define MAX_RUN_VARIABLES 12
/* Of one stream in one `output` line, before encoding: three times as much still fits a line. */
#define MAX_RUN_TEXT_BYTES 1200

#define MAX_OUTPUT_BYTES 512
#define MAX_SEND_BUFFER_BYTES 65536

#define MIN_HEARTBEAT_MS 100
#define MAX_HEARTBEAT_MS 60000
#define MAX_TIMEOUT_MS 3600000

#endif
