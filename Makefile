# Every command of the house. `make` alone lists them.

PYTHON  ?= python3
WORKERS ?= 2
TESTS   ?= tests
UPGRADE ?=
SOAK    ?=
BENCH   ?=

BIN    := .venv/bin
CODE   := $(wildcard service tests bench)
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input
LOCKER := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe \
	--strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host $(UPGRADE)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run check format lint types imports test bench soak generate states openapi schema lock image clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(BIN)/remit ## build .venv from the lock; .venv/bin/remit is the command

run: setup ## serve the hotel's policies with demo keys on this machine, port 8000, database in var/
	@mkdir -p var
	$(BIN)/remit serve --demo --policies policies/hotel --database sqlite:///var/remit.db --port 8000

check: setup ## the whole gate: format, lint, types, import contracts, tests
	$(BIN)/ruff format --check --quiet $(CODE) || { echo "Run: make format"; exit 1; }
	$(BIN)/ruff check --quiet $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

format: setup ## write the house format and the fixes that are safe
	$(BIN)/ruff check --fix-only --quiet $(CODE)
	$(BIN)/ruff format $(CODE)

lint: setup ## lint alone
	$(BIN)/ruff check $(CODE)

types: setup ## types alone
	$(BIN)/mypy $(CODE)

imports: setup ## import contracts alone
	$(BIN)/lint-imports --no-logo

test: setup ## the tests, or some: make test TESTS=tests/core
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(TESTS)

bench: setup ## measure, each figure beside what it is measured against; or one: make bench BENCH="http --rounds 1"
	$(BIN)/python -m bench $(BENCH)

soak: setup ## a million contended decisions with kill -9 in between, or less: make soak SOAK="--decisions 50000"
	$(BIN)/python -m bench.soak $(SOAK)

generate: openapi schema commands states ## write every generated file anew; the tests compare them

commands: setup ## write docs/cli.md
	$(BIN)/python -m service.cli.helppages > docs/cli.md.new
	mv docs/cli.md.new docs/cli.md

states: setup ## draw the states of an escalation into docs/escalation.md
	$(BIN)/python -m service.cli.statediagram docs/escalation.md

openapi: setup ## write openapi/openapi.json
	@mkdir -p openapi
	$(BIN)/python -m service.api.openapi > openapi/openapi.json.new
	mv openapi/openapi.json.new openapi/openapi.json

schema: setup ## write policies/schema
	$(BIN)/remit policy schema --out policies/schema

lock: setup ## resolve the dependencies anew; make lock UPGRADE=--upgrade takes newer ones
	$(LOCKER) --only-build-deps --build-deps-for wheel --output-file lock/build.txt pyproject.toml
	$(LOCKER) --output-file lock/run.txt pyproject.toml
	$(LOCKER) --extra dev --constraint lock/run.txt --constraint lock/build.txt \
		--output-file lock/dev.txt pyproject.toml

image: ## build the container image
	docker build --tag remit .

clean: ## remove what can be built again; var/ stays, it holds a database
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find service tests $(wildcard bench) -name __pycache__ -type d -prune -exec rm -rf {} +

# The three steps of setup. Each runs again only when what it depends on has changed.

$(BIN)/remit: $(BIN)/.locked pyproject.toml
		PYTHONWARNINGS=ignore $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/.locked: lock/dev.txt | $(BIN)/python
	$(PIP) install --quiet --require-hashes --requirement lock/dev.txt
	@touch $@

$(BIN)/python:
	@PYTHON="$(PYTHON)" sh .ci/venv
