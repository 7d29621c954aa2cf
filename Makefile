# `make demo` and `make test` set up all they need by themselves; the rest is for people who change the code.

VENV := .venv
BIN := $(VENV)/bin
# The first Python on this computer that the rig runs on.
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
# Beside Debian's picamera2, which an environment on a Raspberry Pi sees, the rig needs a JPEG codec of its own.
PI = $(shell $(BIN)/python -c 'from importlib.util import find_spec; print(",pi" if find_spec("picamera2") else "")')

.PHONY: demo test bench clean

demo: $(VENV)/.demo
	$(BIN)/rig demo

test: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

bench: $(VENV)/.dev
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks $(ONLY)

# Debian keeps `venv` in a package of its own; where it is missing, this installs it (as root, or through sudo).
$(VENV)/bin/python:
	@set -e; python="$(PYTHON)"; \
	if [ -z "$$python" ] || ! $$python -c 'import ensurepip' 2>/dev/null; then \
		command -v apt-get >/dev/null || { echo "The rig needs Python 3.11, 3.12 or 3.13 with its venv module: install it, then run make again."; exit 1; }; \
		echo "Installing Debian's python3-venv"; \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -q; $$sudo apt-get install -q -y --no-install-recommends python3 python3-venv; \
		python=$${python:-python3}; \
	fi; \
	options=; if $$python -c 'import picamera2' 2>/dev/null; then options=--system-site-packages; fi; \
	$$python -m venv $$options $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	@echo "Installing the rig and TensorFlow (once, about 600 MB)"
	$(BIN)/python -m pip install -e '.[train$(PI)]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	@echo "Installing the rig with its development tools (once)"
	$(BIN)/python -m pip install -e '.[dev$(PI)]'
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache demo
