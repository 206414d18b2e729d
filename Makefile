# The few commands of a day; Meson and Ninja do the work. `make help` lists them.
RUN_DIR ?= run
PORT ?= 8443
ALL ?=
PREFIX ?= /usr/local
SECONDS_EACH ?= 60
BINARY = build/src/sealwright

.DEFAULT_GOAL := help
.PHONY: help build up down check check-quick soak bench fuzz install clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24
	@echo "  variables: RUN_DIR=$(RUN_DIR) PORT=$(PORT) ALL=1 (down: databases too) PREFIX=$(PREFIX) (install)"

build: ## install what is needed to compile, compile into build/, and the web console where Node.js is
	@scripts/install-packages build
	@[ -f build/build.ninja ] || meson setup build > /dev/null
	@ninja -C build --quiet src/sealwright
	@scripts/build-console

up: build ## build, start server and agent in the background, print what to type next
	@scripts/install-packages run
	@$(BINARY) up --run-dir "$(RUN_DIR)" --port "$(PORT)"

down: ## stop server and agent; databases go on unless ALL=1
	@$(BINARY) down --run-dir "$(RUN_DIR)" $(if $(ALL),--all)

check: ## every test
	@tests/run

check-quick: ## the tests of a few minutes
	@tests/run --quick

soak: ## simulate years of a large fleet, kill processes at random instants under load, and count what was lost
	@tests/run --only soak

bench: build ## measure against openssl speed, nginx and plain PostgreSQL
	@scripts/install-packages run check bench
	@tests/bench/run

fuzz: ## feed every reader of outside bytes with garbage, SECONDS_EACH=60
	@scripts/install-packages build run check
	@tests/fuzz/run "$(SECONDS_EACH)"

install: build ## install the program and the web console under PREFIX
	@meson configure build --prefix "$(PREFIX)" && meson install -C build
	@[ ! -d console/dist ] || { mkdir -p "$(DESTDIR)$(PREFIX)/share/sealwright/console" && \
		cp -r console/dist/. "$(DESTDIR)$(PREFIX)/share/sealwright/console"; }

clean: ## remove what was built; run folders stay
	@rm -rf build build-asan build-tsan build-fuzz console/dist
