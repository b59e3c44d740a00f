/*
 * version.h - what `pcloud-agent --version` and the hello say. Part of an image's manifest.
 */
#ifndef PCLOUD_VERSION_H
#define PCLOUD_VERSION_H

#define PCLOUD_AGENT_VERSION "0.2.0"

#endif
