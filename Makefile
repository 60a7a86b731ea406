# What a developer types. `make` lists the targets; every target sets up what it needs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test lint fmt bench mutation storm browser guide screenshots broker chromium

BIN := .venv/bin
ARGS ?=

# Where it is set, each of the hundreds of processes of a test run compiles every module anew.
export PYTHONDONTWRITEBYTECODE :=

help:  ## this list
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

# The stamps go stale when the project's requirements change, and only then: the installation is editable.
.venv/run.stamp: pyproject.toml
	@.ci/setup run && touch $@

.venv/dev.stamp: pyproject.toml
	@.ci/setup dev && touch .venv/run.stamp $@

broker chromium:
	@.ci/setup $@

# Ctrl-C is how a person ends it: no failure, so nothing for make to report.
run: .venv/run.stamp broker  ## treats on the simulator, then stays up until Ctrl-C; ARGS="--once --json" for scripts
	@trap ended=yes INT; $(BIN)/coilward try $(ARGS) || { code=$$?; [ "$${ended-}" = yes ] || exit $$code; }

# Coverage traces what was written for it, not what asks the whole gate at length: tracing would treble its time.
# Tests that start real processes mostly wait: four at a time keep two cores busy and every deadline. A room with an arm
# keeps half a core busy, and so does one that starts anew: two at most run at a time, of "arm" and "another arm"; on a
# slow machine, and with WORKERS=3, one. They are read from the files that hold some: to collect all in each takes 20 s.
ALONE := not system and not storm and not browser
OTHERS := $(filter-out tests/safety/ tests/system/ tests/browser/,$(wildcard tests/[a-z]*/)) $(wildcard tests/test_*.py)
test: .venv/dev.stamp broker  ## all tests but the storms and the browser's, with full branch coverage of safety/
	@$(BIN)/pytest -q -n 2 -m "$(ALONE) and not untraced" tests/safety --cov=safety --cov-branch --cov-fail-under=100 \
	  --cov-report=term-missing:skip-covered
	@$(BIN)/pytest -q -n 3 -m "$(ALONE)" $(OTHERS) $$(grep -rl "mark\.untraced" tests/safety --include="test_*.py")
	@$(BIN)/pytest -q -n $${WORKERS:-$$($(BIN)/python -m tests.system.at_once)} --dist loadgroup -m "system and not storm" \
	  $$(grep -rl "mark\.system" tests --include="test_*.py")

# A browser that draws takes a core; a page that takes in eight hours within two minutes takes one throughout.
browser: .venv/dev.stamp broker chromium  ## the operator's panel, clicked through in a real Chromium
	@$(BIN)/pytest -q -m browser tests/browser/test_long_day.py
	@$(BIN)/pytest -q -n 2 -m browser --ignore=tests/browser/test_long_day.py tests/browser

lint: .venv/dev.stamp  ## style, types, direction of imports, unit files
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache
	@systemd/verify

fmt: .venv/dev.stamp  ## formats, and mends what can be mended by itself
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format .

bench: .venv/dev.stamp broker chromium  ## every benchmark into one Markdown table; ARGS="guard" for one of them
	@.ci/setup cyclictest
	@$(BIN)/python -m benchmarks $(ARGS)

mutation: .venv/dev.stamp  ## mutates what decides in safety/ and fails on a survivor nobody explained
	@$(BIN)/python -m tests.mutation $(ARGS)

storm: .venv/dev.stamp broker  ## thousands of kills against real processes; takes long
	@$(BIN)/pytest -q -m storm $(ARGS)

guide: .venv/dev.stamp  ## the operator's guide and card as PDF files in build/guide/
	@$(BIN)/python docs/print.py

screenshots: .venv/dev.stamp broker chromium  ## every state of the panel as a sheet of pictures in build/screenshots/
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)
