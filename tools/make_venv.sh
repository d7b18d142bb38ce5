#!/usr/bin/env bash
# Makes the development environment: $PYTHON makes $VENV, uv installs what the lock names. It is compiled at once: the tests start
# hundreds of processes, and where PYTHONDONTWRITEBYTECODE is set each would compile what it imports.
set -euo pipefail

make_venv() { "$PYTHON" -m venv --clear "$VENV"; }

# Debian ships Python without venv; it is installed where that is allowed.
if ! "$PYTHON" -c 'import ensurepip' 2>/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install -y -qq python3-venv
fi
make_venv
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "uv>=0.9,<1"
"$VENV/bin/uv" pip install --quiet --compile-bytecode --python "$VENV/bin/python" --require-hashes -r requirements-dev.lock
"$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --no-deps --no-build-isolation --editable .
