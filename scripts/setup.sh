#!/usr/bin/env bash
# Makes .venv with exactly the packages of requirements.lock. Uses uv when it is there, else plain pip.
# PYTHON=/path/to/python3.12 chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null && supported "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    echo "TextZoo needs Python 3.11, 3.12 or 3.13; found: $(python3 --version 2>&1 || true)." \
        "Install one (Debian: apt-get install python3) or give PYTHON=/path/to/python." >&2
    exit 2
}

make_environment() {
    rm -rf .venv
    if command -v uv >/dev/null; then
        uv venv --quiet --python "$1" .venv
    elif ! "$1" -m venv .venv 2>/dev/null; then
        # Debian splits venv off; it can be added where we are allowed to.
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -qq && apt-get install -qq -y python3-venv >/dev/null
            "$1" -m venv --clear .venv
        else
            echo "Python's venv module is missing. Debian/Ubuntu: sudo apt-get install python3-venv" >&2
            exit 2
        fi
    fi
}

install_packages() {
    if command -v uv >/dev/null; then
        VIRTUAL_ENV=.venv uv pip install --compile-bytecode --require-hashes -r requirements.lock
        VIRTUAL_ENV=.venv uv pip install --quiet --no-deps --no-build-isolation --editable .
    else
        .venv/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
        .venv/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
    fi
    .venv/bin/python -m compileall -q src stm32ai_main.py || true
}

python=$(find_python)
echo "Setting up .venv with $("$python" --version) (about a minute, 2.4 GB)"
make_environment "$python"
install_packages
touch .venv/ready
