# Two commands on a fresh machine: `make demo` and `make test`. Python 3.11+ and make are all they need.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
STAMP := $(VENV)/.made
FRAMEWORK_VENVS := .venv-framework
FRAMEWORK_STAMP := $(FRAMEWORK_VENVS)/.made
FRAMEWORK_LOCK := --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate

# As for a user, what a process has compiled the next one finds compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: venv demo test lint types boundaries unit chromium framework-venvs wheel bench test-clients test-dev-container lock clean

venv: $(STAMP)

# uv, itself from the lock's index, installs the locked set in seconds; every file is checked against its hash.
$(STAMP): requirements-dev.lock pyproject.toml tools/make_venv.sh
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed"; exit 1; }
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash tools/make_venv.sh
	@touch $@

demo: venv
	@$(BIN)/python tools/demo.py

test: lint types boundaries unit wheel

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: venv
	$(BIN)/mypy

boundaries: venv
	$(BIN)/lint-imports

unit: venv chromium framework-venvs
	$(BIN)/pytest -q -n 2 --dist worksteal

chromium:
	@bash tools/install_chromium.sh

# What the framework's own tests need; kept until its locks change. None of it is in the program's environment.
framework-venvs: venv $(FRAMEWORK_STAMP)

$(FRAMEWORK_STAMP): framework/requirements-dev.lock framework/requirements-spark.lock tools/make_framework_venvs.sh \
		dbxwizard/dev/data/requirements-15.4.txt dbxwizard/dev/data/requirements-17.3.txt | $(STAMP)
	@mkdir -p $(FRAMEWORK_VENVS)
	@UV="$(BIN)/uv" VENVS="$(FRAMEWORK_VENVS)" bash tools/make_framework_venvs.sh
	@touch $@

wheel: venv
	$(BIN)/python tools/try_wheel.py

bench: venv
	$(BIN)/python -m tools.bench
	$(BIN)/python -m tools.bench_program

# The unmodified az and gh against a sandbox; installs them first, so it is no part of `test`.
test-clients: venv
	@$(BIN)/python tools/test_clients.py

# The dev container's files, as far as they can be tried without Docker; installs much, so it is no part of `test`.
test-dev-container: venv
	@$(BIN)/python tools/test_dev_container.py

lock: venv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --group dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --only-binary :all: --generate-hashes --no-emit-index-url --no-header \
		--no-annotate --group checks --constraint requirements-dev.lock pyproject.toml -o workflows/requirements.txt
	cd framework && ../$(BIN)/uv pip compile $(FRAMEWORK_LOCK) --extra telemetry --extra secrets --extra models --group dev \
		pyproject.toml -o requirements-dev.lock
	cd framework && ../$(BIN)/uv pip compile $(FRAMEWORK_LOCK) --group spark pyproject.toml -o requirements-spark.lock
	@# Of 17.3 LTS the framework knows what the runtime has: it is tested with it.
	for of in 15.4:3.11:dbxwizard/dev/data/runtime-15.4.in 16.4:3.12:dbxwizard/dev/data/runtime-16.4.in \
		18:3.12:dbxwizard/dev/data/runtime-18.in \
		"17.3:3.12:--group framework/pyproject.toml:runtime"; do \
		IFS=: read -r runtime python more <<< "$$of"; \
		echo "databricks-connect==$$runtime.*" | $(BIN)/uv pip compile $(FRAMEWORK_LOCK) --python-version "$$python" $$more \
			--extra telemetry --extra secrets --extra models framework/pyproject.toml dbxwizard/dev/data/tools.in - \
			-o "dbxwizard/dev/data/requirements-$$runtime.txt" || exit 1; \
	done

clean:
	rm -rf $(VENV) $(FRAMEWORK_VENVS) .venv-clients build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
