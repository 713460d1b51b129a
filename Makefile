# certwright's one-word commands; `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Each has a control plane and servers of its own. A file of tests is never divided.
E2E_PROCESSES ?= 2
# Tests and demo start real servers; nothing of them outlives the command.
export PYTHONPATH := .

.DEFAULT_GOAL := help
.PHONY: help venv demo test unit e2e lint manifests image bench clean

help: ## Show this list
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

venv: $(VENV)/ready ## Make the virtual environment

$(VENV)/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "certwright needs Python 3.11 or newer: set PYTHON=python3.12, say"; exit 1; }
	@echo "making the virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(VENV)/ready ## From nothing to certificates over all four protocols (PROTOCOL=est: over one, KEEP=1 leaves it running, CONTEXT=name uses your cluster)
	@$(BIN)/python -m e2e.demo $(if $(PROTOCOL),--protocol '$(PROTOCOL)') $(if $(KEEP),--keep) $(if $(CONTEXT),--context '$(CONTEXT)')

test: lint unit e2e ## Everything: lint, unit tests, and end to end on a real control plane with real servers

unit: $(VENV)/ready ## Unit tests, offline
	@$(BIN)/pytest tests --disable-socket --allow-unix-socket

e2e: $(VENV)/ready ## End to end, in two processes (E2E_PROCESSES=0: in one, for a debugger)
	@$(BIN)/python -m e2e.tools
	@$(BIN)/pytest e2e --durations=25 --numprocesses=$(E2E_PROCESSES) --dist=loadfile --no-loadscope-reorder

lint: $(VENV)/ready ## Format, style, types, import rules, generated files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/certwright manifests --check
	@$(BIN)/python -m e2e.conformance.matrix --check

manifests: $(VENV)/ready ## Write the generated files: CRDs, roles, reference pages
	@$(BIN)/certwright manifests
	@$(BIN)/python -m e2e.conformance.matrix

image: $(VENV)/ready ## The container image as an OCI archive in build/, with its bill of materials; needs Debian 12, no Docker
	@$(BIN)/python -m image

bench: $(VENV)/ready ## Figures: certificates per second, writes, CPU, memory (200 at once over each protocol)
	@$(BIN)/python -m e2e.bench

clean: ## Remove what the commands above made here
	@rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
