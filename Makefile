# Holdfast's commands. `make help` lists them. Everything is installed into .venv and nowhere else.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
VENDOR := src/holdfast/dashboard/static/vendor/.lock

.DEFAULT_GOAL := help
.PHONY: help setup assets browser screenshots wheel run test check format lint types imports docs matrix bench lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) $(VENDOR) ## create .venv with everything the project needs

# Without them Holdfast works, with pages that do not move: a machine without a package registry is set up all the same.
$(VENDOR): web/package-lock.json web/assets.py | $(STAMP)
	@$(BIN)/python web/assets.py || true

assets: $(STAMP) ## fetch the dashboard's JavaScript packages
	$(BIN)/python web/assets.py

browser: setup ## make sure that there is a Chromium for the dashboard's tests
	$(BIN)/python -m tests.dashboard.browser

screenshots: setup browser ## make docs/images anew from a demonstration fleet
	$(BIN)/python -m tests.dashboard.screenshots

$(STAMP): requirements/dev.txt requirements/uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Holdfast needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip sync --quiet --require-hashes requirements/dev.txt
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

wheel: setup ## build what hosts of agents install (dist/*.whl)
	$(BIN)/uv build --wheel --no-build-isolation --quiet --out-dir dist
	@ls dist/*.whl

run: setup ## start the control plane with one local agent (gateway 8080, API 8083)
	$(BIN)/holdfast up --with-agent

test: setup browser ## the whole suite, with real PostgreSQL and a real browser
	$(BIN)/pytest

check: format lint types imports docs ## format, lint, strict types, import contracts, documentation

format: setup
	$(BIN)/ruff format --check .

lint: setup
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

matrix: setup ## inject every fault that this machine can, and judge what is named
	$(BIN)/pytest -n 0 tests/matrix/every_fault.py tests/matrix/healthy_fleet.py

docs: setup
	$(BIN)/python -m holdfast.faults.pages --check
	$(BIN)/pytest -n 0 tests/docs/test_links.py tests/cli/test_offline.py -k "index or link or reference"

bench: setup ## compare with a minimal gateway of the same protocol
	$(BIN)/python -m bench

lock: setup ## resolve the dependencies again (writes requirements/*.txt)
	$(BIN)/uv pip compile -q pyproject.toml --all-extras --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url -o requirements/dev.txt
	$(BIN)/uv pip compile -q pyproject.toml --extra server --universal --python-version 3.11 --generate-hashes --no-emit-index-url -o requirements/server.txt

clean: ## remove .venv and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
