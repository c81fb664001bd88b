# Every target installs what it needs; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP = $(BIN)/python -m pip
CANVAS := ui/canvas

# A stamp carries its lock's checksum: only another lock, not another date, installs again.
lock_sum = $(shell cksum < $(1) | tr ' ' '-')
TOOL := $(VENV)/.pip-$(call lock_sum,requirements-pip.lock)
RUN := $(VENV)/.run-$(call lock_sum,requirements.lock)
DEV := $(VENV)/.dev-$(call lock_sum,requirements-dev.lock)

# The lock is the whole set: pip fetches what it lists, resolves nothing and builds nothing. It does
# not compile either: it would on one core, when all are there to be used.
FROM_LOCK := --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
  --no-compile

# Without bytecode every start of the server takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help up install test lint types unit soak bench canvas canvas-check canvas-test lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

up: $(RUN) ## install, migrate, start and print the address
	@$(BIN)/heddle up

install: $(RUN) ## install what Heddle needs into .venv, exactly as locked

test: lint types unit ## lint, types and every test, browser tests included

lint: $(DEV) ## ruff: rules and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(DEV) ## pyright, strict on graphs/ and backend/
	@$(BIN)/pyright

# More workers than cores: many tests wait, for a server or a process of their own.
unit: $(DEV) ## pytest, four tests at a time
	@$(BIN)/pytest -q -n 4 --dist loadgroup

soak: $(DEV) ## the long tests: chaos, thousands of generated files
	@$(BIN)/pytest -q -m soak

bench: $(DEV) ## measure the bars of the README's table
	@$(BIN)/python -m tests.bench

canvas: $(CANVAS)/node_modules ## rebuild the canvas bundle (needs Node 20)
	@cd $(CANVAS) && npm run --silent build

canvas-test: $(CANVAS)/node_modules ## unit tests of the canvas (needs Node 20)
	@cd $(CANVAS) && npm test --silent

canvas-check: canvas ## fail when the committed bundle is not what the sources give
	@test -z "$$(git status --porcelain -- $(CANVAS)/dist)" \
	  || { echo "ui/canvas/dist differs from its sources: run 'make canvas' and commit it"; \
	       git status --short -- $(CANVAS)/dist; exit 1; }

lock: ## resolve the dependencies anew into the lock files
# the old lock lacks what pyproject.toml newly asks for, and would not pass its check
	@test -x $(BIN)/uv || $(MAKE) --no-print-directory $(DEV)
	@$(BIN)/uv pip compile pyproject.toml $(LOCK_FLAGS) -o requirements.lock >/dev/null
	@$(BIN)/uv pip compile pyproject.toml --extra dev -c requirements.lock $(LOCK_FLAGS) \
	  -o requirements-dev.lock >/dev/null
	@echo pip | $(BIN)/uv pip compile - -c requirements-dev.lock $(LOCK_FLAGS) \
	  -o requirements-pip.lock >/dev/null
LOCK_FLAGS := --universal -p 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
  --no-annotate --no-header --quiet

clean: ## remove what was installed, never any data
	@rm -rf $(VENV) $(CANVAS)/node_modules

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Heddle needs Python 3.11 or newer: make up PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# The pip of Python 3.11 takes twice as long; whatever Python brings, the same one installs.
$(TOOL): | requirements-pip.lock $(BIN)/python
	@rm -f $(VENV)/.pip-*
	@$(install_pip)
	@touch $@
install_pip = $(PIP) install $(FROM_LOCK) -r requirements-pip.lock

$(RUN): | requirements.lock $(TOOL)
	@echo "Installing into $(VENV) (once, a minute or two) ..."
	@rm -f $(VENV)/.run-* $(VENV)/.dev-*
	@$(call install_exactly,requirements.lock)
	@touch $@

$(DEV): | requirements-dev.lock $(RUN)
	@echo "Installing the development tools ..."
	@rm -f $(VENV)/.dev-*
	@$(call install_exactly,requirements-dev.lock)
	@touch $(RUN) $@

# What an earlier lock left behind may contradict this one; then an empty environment takes it.
install_exactly = $(call install_lock,$(1)) && { $(PIP) check >/dev/null || { \
  echo "Starting over with an empty $(VENV) ..." \
  && $(PYTHON) -m venv --clear $(VENV) && $(install_pip) && touch $(TOOL) \
  && $(call install_lock,$(1)) && $(PIP) check; }; }
install_lock = $(PIP) install $(FROM_LOCK) -r $(1) \
  && { $(BIN)/python -m compileall -q -j 0 -x '/(pip|setuptools)/' $(VENV)/lib >/dev/null 2>&1 \
  || true; } \
  && $(PIP) install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .

$(CANVAS)/node_modules: $(CANVAS)/package-lock.json
	@command -v npm >/dev/null || { echo "The canvas is built with Node 20 or newer"; exit 1; }
	@cd $(CANVAS) && npm ci --silent --no-audit --no-fund
	@touch $@
