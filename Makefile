# Everything a developer types. `make` alone lists it. Needs a Python (3.11 or later) with venv and pip; uv is used when there.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup up down reset status demo test test-browser test-sdks check bench faults fmt lint types imports verify lock

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.made-by-make
BENCH_BIN := .venv-bench/bin
BENCH_STAMP := .venv-bench/.made-by-make
SDK_LISTS := $(wildcard tests/sdks/requirements/*.txt)
SDK_NODE := .venv-sdks/node/app
SDK_STAMPS := $(SDK_LISTS:tests/sdks/requirements/%.txt=.venv-sdks/%/.made-by-make) $(SDK_NODE)/.made-by-make
NO_SDKS = { echo "The SDKs could not be installed (the lines above say why): check the network and the room on the disk." >&2; exit 3; }
DISTRIBUTIONS := shared $(wildcard services/*) deploy/local
PROJECTS := pyproject.toml $(addsuffix /pyproject.toml,$(DISTRIBUTIONS))
# Stopping and looking need nothing new: both work after a pull, and without a network.
AS_IT_IS := $(if $(wildcard $(BIN)/truenorth),,setup)
SOURCES := shared/truenorth $(wildcard services/*/truenorth_*) deploy/local/truenorth_local examples tests

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## Make .venv with the locked, hash-checked requirements and the workspace

$(STAMP): requirements.txt $(PROJECTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "truenorth needs Python 3.11 or later; this is $$($(PYTHON) --version 2>&1): run make with PYTHON=/path/to/python3.11." >&2; exit 3; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || command -v uv >/dev/null || { \
	  echo "This Python has no venv or pip: install them (on Debian and Ubuntu the package python3-venv), or uv." >&2; exit 3; }
	@if command -v uv >/dev/null; then \
	  { [ -x $(BIN)/python ] || uv venv --quiet --python $(PYTHON) .venv; } && \
	  VIRTUAL_ENV=.venv uv pip install --quiet --require-hashes -r requirements.txt && \
	  VIRTUAL_ENV=.venv uv pip install --quiet --no-deps --no-build-isolation $(addprefix -e ./,$(DISTRIBUTIONS)); \
	else \
	  echo "Making .venv (the first time takes a few minutes) ..." && \
	  { $(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv; } && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(addprefix -e ./,$(DISTRIBUTIONS)); \
	fi || { echo "The requirements could not be installed (the lines above say why): check the network and the room on the disk, then run make setup again." >&2; exit 3; }
	@touch $@

up: setup ## Start the whole platform on this machine and wait until it is ready
	@$(BIN)/truenorth up

down: $(AS_IT_IS) ## Stop it; nothing is lost
	@$(BIN)/truenorth down

reset: $(AS_IT_IS) ## Stop it and remove its data (asks; YES=1 does not)
	@$(BIN)/truenorth reset $(if $(YES),--yes)

status: $(AS_IT_IS) ## Every part with its state and address
	@$(BIN)/truenorth status

demo: setup ## up, with a simulated book of business and live traffic
	@$(BIN)/truenorth demo

verify: setup ## Fold all history again and compare it with what is stored
	@$(BIN)/truenorth verify

test: setup ## All tests but those that need a browser or foreign SDKs, on real Kafka and PostgreSQL
	@$(BIN)/pytest $(ARGS)

test-browser: setup ## Tests that need Chromium (from CHROMIUM, or one on the path)
	@[ -n "$$CHROMIUM" ] || command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
	  echo "No Chromium: install one (on Debian the package chromium), or set CHROMIUM to its path." >&2; exit 3; }
	@$(BIN)/pytest -m browser $(ARGS)

test-sdks: setup ## Tests that send with the real Segment, RudderStack and CloudEvents SDKs
	@$(MAKE) --no-print-directory --silent $(SDK_STAMPS) || exit 3
	@$(BIN)/pytest -m sdks $(ARGS)

# Each SDK has an environment of its own: two releases of one exclude each other. Node comes as a Python package.
.venv-sdks/%/.made-by-make: tests/sdks/requirements/%.txt
	@{ $(BIN)/uv venv --quiet --clear --python $(BIN)/python $(@D) && \
	  VIRTUAL_ENV=$(@D) $(BIN)/uv pip install --quiet --require-hashes -r $<; } || $(NO_SDKS)
	@touch $@

$(SDK_NODE)/.made-by-make: tests/sdks/node/package.json .venv-sdks/node/.made-by-make
	@mkdir -p $(@D) && cp $< $(@D)/
	@.venv-sdks/node/bin/npm install --prefix $(@D) --no-package-lock --ignore-scripts --omit=optional \
	  --no-audit --no-fund --no-update-notifier --loglevel=error >/dev/null || $(NO_SDKS)
	@touch $@

check: lint types imports test ## What has to pass before a commit

fmt: setup ## Format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lint: setup ## Formatting and lint rules
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: setup ## mypy --strict over code and tests
	@$(BIN)/mypy $(SOURCES)

imports: setup ## Who may import whom
	@$(BIN)/lint-imports

bench: setup ## Measure throughput and latency; prints JSON
	@case " $(or $(ARGS),engine) " in *" engine "*) $(MAKE) --no-print-directory $(BENCH_STAMP) ;; esac
	@$(BIN)/python -m tests.benchmarks $(ARGS)

# What the engine is measured beside shares no package with the product.
$(BENCH_STAMP): requirements-bench.txt
	@if command -v uv >/dev/null; then \
	  { [ -x $(BENCH_BIN)/python ] || uv venv --quiet --python $(PYTHON) .venv-bench; } && \
	  VIRTUAL_ENV=.venv-bench uv pip install --quiet --require-hashes -r requirements-bench.txt; \
	else \
	  { $(BENCH_BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv-bench; } && \
	  $(BENCH_BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt; \
	fi || { echo "What the bench compares with could not be installed (the lines above say why): check the network and the room on the disk." >&2; exit 3; }
	@touch $@

faults: setup ## Kill, stop and starve workers and broker, then 5,000 made-up histories (about half an hour)
	@done=0; $(BIN)/python -m tests.faults $(ARGS) || done=1; \
	  [ -n "$(ARGS)" ] || $(BIN)/python -m tests.simulation --seeds 0..5000 || done=1; exit $$done

lock: setup ## Write the requirements files again from every pyproject.toml, and the SDKs' from theirs
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-package truenorth \
	  --no-annotate --no-header --group pyproject.toml:dev --all-extras $(addsuffix /pyproject.toml,$(DISTRIBUTIONS)) \
	  -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header --group pyproject.toml:bench -o requirements-bench.txt
	@for list in $(SDK_LISTS); do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header $${list%.txt}.in -o $$list || exit 1; done
