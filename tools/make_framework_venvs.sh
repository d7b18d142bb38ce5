#!/usr/bin/env bash
# The environments that the framework's own tests run in: $VENVS/3.11 and $VENVS/3.12, as far as these Pythons are here. $UV is uv.
# They hold what a cluster has (framework/requirements-dev.lock), and Spark where there is a Java to run it. Beside them, what a developer's
# machine has for a runtime: $VENVS/connect-15.4 and $VENVS/connect-17.3. What can't be had is skipped by the tests, with the reason.
set -euo pipefail

have_java() { command -v java >/dev/null || { [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/java" ]; }; }

# A Python of this version: on the path, of pyenv (whose python3.12 may be there and refuse to run), or one that uv knows.
find_python() {
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
        if "$candidate" -c 'import venv' >/dev/null 2>&1; then command -v "$candidate"; return; fi
    done
    "$UV" python find --no-project --no-python-downloads "$1" 2>/dev/null
}

if ! have_java && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless; } >/dev/null 2>&1 || true
fi
locks=(-r framework/requirements-dev.lock)
if have_java; then
    locks+=(-r framework/requirements-spark.lock)
else
    echo "There is no Java here (Debian: openjdk-17-jre-headless). The framework's tests of Spark are skipped."
fi
for version in 3.11 3.12; do
    rm -rf "${VENVS:?}/$version"
    if ! python=$(find_python "$version"); then
        echo "Python $version is not here. The framework's tests on it are skipped."
        continue
    fi
    "$UV" venv --quiet --no-project --python "$python" "$VENVS/$version"
    "$UV" pip install --quiet --compile-bytecode --python "$VENVS/$version/bin/python" --require-hashes "${locks[@]}"
    runtime=$([ "$version" = 3.11 ] && echo 15.4 || echo 17.3)
    developer=$VENVS/connect-$runtime
    rm -rf "$developer"
    "$UV" venv --quiet --no-project --python "$python" "$developer"
    "$UV" pip install --quiet --compile-bytecode --python "$developer/bin/python" --require-hashes \
        -r "dbxwizard/dev/data/requirements-$runtime.txt"
done
