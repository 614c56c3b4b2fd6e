PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock

.PHONY: help run test check bench load load-desk pictures lock clean
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: $(VENV)/.serving ## install what serving needs, start everything, submit demo reports
	@$(BIN)/triage serve --demo

test: $(VENV)/.dev check ## install what the tests need, check style, types and imports, run every test
	@$(BIN)/pytest --cov --cov-report=term

check: $(VENV)/.dev
	@$(BIN)/ruff check && $(BIN)/ruff format --check --quiet && $(BIN)/mypy && $(BIN)/lint-imports --no-logo

bench: $(VENV)/.dev ## post real reports over HTTP, kill the server five times, show nothing is lost
	@$(BIN)/python benchmarks/survive.py

load: $(VENV)/.dev ## measure capacity and latency, ours and the peers' (an hour)
	@$(BIN)/python -m benchmarks.load --seconds 10 --probe-seconds 4 --out docs/performance

load-desk: $(VENV)/.dev ## let 50 reviewers work on 100,000 cases, time each page, look for double claims (3 min)
	@$(BIN)/python -m benchmarks.desk --out docs/performance

pictures: $(VENV)/.dev ## take pictures of every page of the console (needs Chromium)
	@$(BIN)/python -m tests.browser.pictures --out docs/console

lock: $(VENV)/.dev ## write requirements.lock from what is installed
	@$(BIN)/pip list --format=freeze --exclude-editable --exclude torch --exclude pip --exclude setuptools | sort --ignore-case > requirements.lock

clean: ## remove the environment and caches; data under var/ stays
	@rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage

$(VENV)/.serving: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed: make run PYTHON=python3.11'; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { echo 'venv is missing: apt-get install python3-venv'; exit 1; }
	@echo 'installing what serving needs (about a minute)' && $(PIP) --editable .
	@touch $@

# torch first and pinned: an open version range would bring several GB of GPU libraries.
$(VENV)/.dev: $(VENV)/.serving
	@echo 'installing what training and the tests need (a few minutes)' && $(PIP) torch==2.13.0
	@$(PIP) --editable '.[training,dev,reports]'
	@touch $@
