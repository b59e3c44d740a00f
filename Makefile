# The targets of a checkout. What they do stands in tools/; this file only names it.
# Everything that runs here keeps its state in .pcloud/ and its sockets in a short runtime directory.

PREFIX ?= /usr/local
DESTDIR ?=
RELEASES ?=
JOBS ?=
FAULTS ?=
SECONDS ?=
NAME ?=
export PATH := $(CURDIR)/.toolchain/bin:$(PATH)

SOURCES = model catalogue service builder runtime shell page tools test bench
PRESENT = $(wildcard $(SOURCES))

.DEFAULT_GOAL := help
.PHONY: help bootstrap deps native check format test test-pure test-real fuzz scenario soak demo images images-archive shell bench bench-long page stack-up stack-down clean install deb rpm

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

bootstrap: ## install what is missing: packages (as root), Node, npm dependencies, native parts
	@tools/bootstrap

deps: bootstrap ## the same as bootstrap

native: ## compile the native parts and the guest agent
	@$(MAKE) -C native
	@$(MAKE) -C guest

check: bootstrap ## format, lint and type-check, changing nothing
	node node_modules/prettier/bin/prettier.cjs --check $(PRESENT) native
	node node_modules/oxlint/bin/oxlint --type-aware $(PRESENT) native
	node node_modules/typescript/bin/tsc --noEmit -p .
	node node_modules/typescript/bin/tsc --noEmit -p page

format: bootstrap ## write every source in the house's format
	node node_modules/prettier/bin/prettier.cjs --write $(PRESENT) native

test: bootstrap ## every test, from nothing (about half an hour on two idle cores)
	@node tools/test/main.ts pure real

test-pure: bootstrap ## the tests that need neither libvirt nor QEMU nor Redis (three minutes)
	@node tools/test/main.ts pure

test-real: bootstrap ## the tests on real QEMU, libvirt, Redis and image builds
	@node tools/test/main.ts real

fuzz: bootstrap ## ten million damaged lines through every parser, a million manifests (minutes)
	@node test/fuzz/main.ts

scenario: bootstrap ## play a scenario on the virtual clock: NAME=hung-guest; without NAME, list them
	@node test/scenarios/replay.ts '$(NAME)'

soak: bootstrap ## simulate the supervisor with ten million faults from a fresh seed, or FAULTS=N, or for SECONDS=N
	@node test/sim-supervisor/soak.ts $(if $(FAULTS),--faults '$(FAULTS)') $(if $(SECONDS),--seconds '$(SECONDS)')

demo: bootstrap ## the whole path: build, start, break, recover; leaves nothing running
	@node tools/demo/main.ts

images: bootstrap ## build the JEOS of every release, or of RELEASES="F14 F16", JOBS=2 at a time
	@node tools/images/main.ts --releases '$(RELEASES)' --jobs '$(JOBS)'

images-archive: bootstrap ## the same from the public archives alone, for whoever has a network
	@node tools/images/main.ts --archive --releases '$(RELEASES)' --jobs '$(JOBS)'

shell: bootstrap ## pcloudsh on the private stack of this checkout
	@node tools/stack/main.ts up
	@# In a process group of its own, so that Ctrl-C reaches what pcloudsh waits for and neither make nor node.
	@if [ -t 0 ]; then set -m; fi; bin/pcloudsh; exit $$?

bench: bootstrap ## measure the figures of docs/benchmarks.md on this machine
	@node bench/main.ts

bench-long: bootstrap ## an hour on a busy host: is anything taken for a failure that is none
	@PCLOUD_BENCH_BUSY_SECONDS=3600 node bench/main.ts hang-detection

page: bootstrap ## start the private stack and say where its page is, with a token of an hour
	@node tools/stack/main.ts page

stack-up: bootstrap ## start the private stack: libvirtd, pcloud-builder, pcloud-cped
	@node tools/stack/main.ts up

stack-down: ## stop the private stack and every machine in it
	@if [ -x .toolchain/bin/node ]; then node tools/stack/main.ts down; fi

clean: stack-down ## stop the private stack and remove its state and what was compiled (not .toolchain)
	rm -rf .pcloud dist coverage guest/build native/*/build

install: bootstrap ## install below $(DESTDIR)$(PREFIX): DESTDIR= PREFIX=/usr/local
	@node tools/install/main.ts --destdir '$(DESTDIR)' --prefix '$(PREFIX)'

deb: bootstrap ## make the Debian package in dist/
	@node tools/package/main.ts deb

rpm: bootstrap ## make the RPM package in dist/
	@node tools/package/main.ts rpm
