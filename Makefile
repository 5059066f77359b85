# The two commands: `make reproduce` and `make test`. Both do all set-up: they need Python >= 3.11, git and make.
# Name another interpreter with: make PYTHON=python3.13 reproduce

OLD_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
	if $$name -c "$(OLD_ENOUGH)" 2>/dev/null; then echo $$name; break; fi; done)
BIN := .venv/bin
JOBS ?= 2

.PHONY: help reproduce test check data lab site setup setup-generate setup-dev lock matrix mutation repeat fuzz faults defences clean

help:
	@echo "make reproduce  run every notebook; write tables, figures and the report to runs/"
	@echo "make test       style, types, tests with coverage"
	@echo "make lab        open JupyterLab on the first notebook"
	@echo "make site       build a site that is read without installing, in runs/site"
	@echo "make data       build data/ again from the evidence"
	@echo "make fuzz       damaged input for every reader, 100,000 a format (about an hour)"
	@echo "make faults     kill, fill and close what commands need, at many moments (about an hour)"
	@echo "make repeat     everything twice in opposite surroundings, compared byte for byte"
	@echo "make mutation   put small faults into the statistics; the tests must notice (about half an hour)"
	@echo "make defences   take out what protects from harm, a line at a time; the tests must notice (a quarter of an hour)"
	@echo "make matrix     the oldest dependencies, and other versions of Python"
	@echo "make lock       pin the newest versions again (needs uv)"
	@echo "make clean      remove .venv, runs and caches"

setup:
	@test -n "$(PYTHON)" || { echo "no Python >= 3.11 was found; install one, or: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) tools/setup.py

setup-generate: setup
	@$(PYTHON) tools/setup.py --generate

setup-dev: setup
	@$(PYTHON) tools/setup.py --dev

reproduce: setup-generate
	$(BIN)/review reproduce --jobs $(JOBS)

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: check
	$(BIN)/coverage erase
	$(BIN)/pytest -n $(JOBS) --cov --cov-report=term

data: setup
	$(BIN)/python data/build/build.py

lab: setup-generate
	$(BIN)/review lab

site: setup
	$(BIN)/review site

lock:
	$(PYTHON) tools/lock.py

# The long forms of what the tests do in a short form; docs/reliability.md tells what they found.
fuzz: setup-dev
	$(BIN)/python tests/fuzzing all

faults: setup-dev
	$(BIN)/python tests/faults/commands.py

repeat: setup-dev
	$(BIN)/python tools/repeat.py --out runs/repeat

mutation: setup-dev
	$(BIN)/python tools/mutation.py --record .mutation

defences: setup-dev
	$(BIN)/python tools/defences.py

matrix:
	$(PYTHON) tools/matrix.py oldest 3.12 3.13

clean:
	rm -rf .venv runs figures/html .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
