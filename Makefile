# Everything starts here: `make demo` and `make test` need only git, make and Python 3.11 or later.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
E2E_VLLM_VENV ?= .venv-vllm
E2E_VLLM_TORCH ?= torch==2.13.0+cpu
UV_COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header \
	--python-version 3.11

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY)  ## Show round robin against Pointsman on simulated model servers, with a report
	$(BIN)/pointsman demo

test: $(READY)  ## Run all tests, with a real Envoy (about 5 minutes)
	$(BIN)/pytest -q

unit: $(READY)  ## Run the tests that start no other process (about 1 minute)
	$(BIN)/pytest -q -m "not integration"

e2e-vllm: $(READY)  ## Compare with round robin on three real vLLM servers (3 GB, not in CI)
	$(BIN)/python tests/e2e_vllm/install.py "$(E2E_VLLM_VENV)" "$(E2E_VLLM_TORCH)"
	$(BIN)/pytest -q -m e2e_vllm tests/e2e_vllm --vllm-venv "$(E2E_VLLM_VENV)"

check: $(READY)  ## Format, lint, types, import contracts, style rules (under 1 minute)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --cache-dir .import_linter_cache
	$(BIN)/pytest -q tests/test_tidy.py tests/test_imports.py

format: $(READY)  ## Format the code and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: $(READY)  ## Renew the parts of docs/ that are taken from the code
	$(BIN)/python -m pointsman.apps.generate docs

bench: $(READY)  ## Measure the picker's CPU per request beside the floor
	$(BIN)/pointsman bench picker

lock: $(READY)  ## Choose newer versions of the dependencies
	sed -n 's/^requires = \["\(.*\)"\]$$/\1/p' pyproject.toml \
		| $(UV_COMPILE) --upgrade - -o requirements-build.lock
	$(UV_COMPILE) --upgrade pyproject.toml -o requirements.lock
	$(UV_COMPILE) --upgrade --extra demo --group dev pyproject.toml -o requirements-dev.lock

docker:  ## Build the image (needs docker)
	docker build -t pointsman .

clean:  ## Remove everything that was made here, the virtual environment too
	rm -rf $(VENV) .venv-vllm build dist pointsman-demo.html .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# The stamp is written last, so an interrupted installation starts over.
$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Pointsman needs Python 3.11 or later; $(PYTHON) is not. Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "$(PYTHON) cannot make virtual environments. On Debian: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

.PHONY: help demo test unit e2e-vllm check format generate bench lock docker clean
