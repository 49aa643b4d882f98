# Two commands: `make run` and `make test`. `make help` lists the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS  :=

# What is pure is tested completely: every line and every branch.
PURE := router/vendors/*,router/routing/*,router/event.py,router/record.py,router/ingress/receive.py,router/ingress/nonces.py,router/publish/lane.py,router/spool/segment.py,router/spool/marks.py,router/publish/behind.py,router/publish/topics.py,router/consume/offsets.py,router/consume/lanes.py,router/consume/settle.py,router/consume/inbox.py,router/consume/dead.py,router/consume/context.py,router/live_api/answers.py,router/live_api/api.py,router/live_api/backfill.py,router/live_api/describe.py,router/live_api/errors.py,router/live_api/register.py,router/live_api/sign.py,router/live_api/wanted.py,handlers/*

# Python as the caller's shell has set it up is not the project's.
unexport PYTHONHOME PYTHONPATH PYTHONSTARTUP
# Tests start from the same environment everywhere.
TEST_ENV := env -u CALLBACK_ROUTER_CONFIG -u COVERAGE_FILE -u COVERAGE_PROCESS_START \
	-u KAFKA_BOOTSTRAP_SERVERS -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u PYTEST_ADDOPTS \
	-u PYTEST_PLUGINS -u PYTHONOPTIMIZE -u PYTHONWARNINGS

# A tree that was copied or moved brings a .venv that belongs to the old place.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /make \1	/p' Makefile | expand -t 16

.PHONY: install
install: $(STAMP) ## .venv with the locked dependencies and the command (nothing to do: at once)

$(STAMP): requirements.lock pyproject.toml
	@for python in $(PYTHON) python3.14 python3.13 python3.12 python3.11 python3; do \
	    $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    echo "install: $$($$python --version) into $(VENV)"; \
	    rm -f $@ && $$python -m venv --clear $(VENV) || exit; \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
	        --require-hashes -r requirements.lock || exit; \
	    PYTHONWARNINGS='ignore:Editable installation' \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
	        --no-deps --no-build-isolation -e . || exit; \
	    echo '$(CURDIR)' > $@; exit; \
	done; \
	echo 'install: needs Python 3.11 or newer with venv and ensurepip; on Debian and Ubuntu: apt-get install python3 python3-venv' >&2; \
	echo "install: found $$(python3 --version 2>/dev/null || echo no python3); another one: make install PYTHON=/path/to/python3" >&2; \
	exit 1

.PHONY: run
run: install ## everything in one go, nothing to set up; ARGS="--rate 5" are those of `callback-router dev`
	@exec $(BIN)/callback-router dev $(ARGS)

# Two parts beside each other, for two processors, each with brokers of its own; about equally long.
FIRST := tests/chaos $(filter-out tests/integration/test_s%,$(wildcard tests/integration/test_*.py))
COVERED := $(TEST_ENV) $(BIN)/python -m coverage run

.PHONY: test
test: lint ## lint, types, import contracts, all tests, coverage; ARGS="tests/unit -k spool" runs a part
ifneq ($(strip $(ARGS)),)
	@$(COVERED) -m pytest $(ARGS)
else
	@log=$$(mktemp); status=0; set -m; \
	$(COVERED) --data-file=.coverage.second -m pytest $(FIRST:%=--ignore=%) \
	    >"$$log" 2>&1 </dev/null & second=$$!; \
	trap 'kill -- -$$second 2>/dev/null; rm -f "$$log"' EXIT; \
	$(COVERED) --data-file=.coverage.first -m pytest $(FIRST) || status=1; \
	wait $$second || status=1; cat "$$log"; \
	$(BIN)/python -m coverage combine --quiet .coverage.first .coverage.second || status=1; \
	$(BIN)/python -m coverage report || status=1; \
	echo; echo 'The pure part:'; \
	$(BIN)/python -m coverage report --include='$(PURE)' --fail-under=100 || status=1; \
	exit $$status
endif

.PHONY: lint
lint: install ## ruff, mypy, import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy router handlers tests
	@$(BIN)/lint-imports

.PHONY: format
format: install ## what ruff can mend by itself
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

.PHONY: bench
bench: install ## the benchmarks; ARGS="callbacks --quick", ARGS="handlers --records 60000" or ARGS=routes is one of them
	@exec $(BIN)/python -m tests.bench $(ARGS)

.PHONY: chaos
chaos: install ## faults on the real thing, a quarter of an hour; ARGS="--quick --classes frozen" is a part
	@exec $(BIN)/python -m tests.chaos $(ARGS)

.PHONY: forms
forms: install ## records the forms of the event types after a field came to one; refuses what breaks readers
	@$(BIN)/python -m tests.forms

# On the oldest Python: what only that one needs does no harm to the others.
.PHONY: lock
lock: install ## requirements.lock from pyproject.toml; ARGS=--upgrade for newer versions
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
	    || { echo 'lock: made on Python 3.11: make install PYTHON=python3.11 after removing $(VENV)' >&2; exit 1; }
	@CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --extra dev --generate-hashes \
	    --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links \
	    --no-emit-trusted-host --output-file requirements.lock $(ARGS) pyproject.toml

.PHONY: clean
clean: ## removes .venv and what the tools leave behind
	@rm -rf $(VENV) .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
