#!/usr/bin/env bash
# Creates .venv with exactly the packages of requirements.lock, with checked hashes: by uv, which is fetched into .uv if
# it is missing, or by pip if uv cannot be fetched or cannot reach an index. An interrupted set-up is started again.
# PYTHON=/path/to/python3.12 selects the interpreter, INSTALLER=pip avoids uv.
set -euo pipefail
cd "$(dirname "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore UV_PYTHON_DOWNLOADS=never

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

# Debian has a separate package for venv, which root can install.
make_venv() {
    local python=$1 folder=$2
    rm -rf "$folder"
    "$python" -m venv "$folder" >/dev/null 2>&1 && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -qq -y python3-venv >/dev/null
        "$python" -m venv --clear "$folder" && return
    fi
    echo "Python's venv module is missing. Debian/Ubuntu: sudo apt-get install python3-venv" >&2
    exit 2
}

# Fetches uv into .uv: by the interpreter's own pip, or by that of a venv.
fetch_uv() {
    local lock=scripts/uv.lock
    rm -rf .uv
    echo "Fetching uv into .uv"
    if "$1" -m pip --version >/dev/null 2>&1; then
        PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 "$1" -m pip install --quiet --require-hashes --target .uv -r "$lock"
    else
        make_venv "$1" .uv
        .uv/bin/python -m pip install --quiet --require-hashes -r "$lock"
    fi
}

# Sets `uv` to the user's own installation, or to the project's.
find_uv() {
    [ "${INSTALLER:-uv}" = uv ] || return
    if command -v uv >/dev/null; then
        uv=$(command -v uv)
    else
        uv=.uv/bin/uv
        "$uv" --version >/dev/null 2>&1 || fetch_uv "$1" && "$uv" --version >/dev/null
    fi
}

# Called as a condition, where `set -e` is off.
install_with_uv() {
    "$uv" venv --quiet --no-project --python "$1" .venv &&
        uv_pip install --compile-bytecode --require-hashes -r requirements.lock &&
        uv_pip install --quiet --no-deps --no-build-isolation --editable .
}

# Runs `uv pip` in .venv, with pip's settings.
uv_pip() { VIRTUAL_ENV=.venv "$python" scripts/uv_pip.py "$uv" "$@"; }

install_with_pip() {
    make_venv "$1" .venv
    .venv/bin/python -m pip install --require-hashes -r requirements.lock
    .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
}

# What it points to may serve another checkout, whose packages these would become.
if [ -L .venv ]; then
    echo ".venv is a link to $(readlink .venv), which is left as it is." \
        "Remove the link (rm .venv) for a .venv of this folder's own, or run .venv/bin/python directly." >&2
    exit 2
fi
python=$(find_python)
echo "Setting up .venv with $("$python" --version) (about a minute, 2.4 GB)"
rm -f .venv/ready # first: a partly removed .venv is not ready
rm -rf .venv
if ! find_uv "$python"; then
    [ "${INSTALLER:-uv}" = uv ] && echo "uv cannot be fetched: continuing with pip, which takes minutes" >&2
    install_with_pip "$python"
elif ! install_with_uv "$python"; then
    echo "uv could not install the packages: continuing with pip, which takes minutes" >&2
    rm -rf .venv
    install_with_pip "$python"
fi
.venv/bin/python -m compileall -q src stm32ai_main.py || true
pwd -P >.venv/ready # last: without it, or after the folder was moved, the next call starts again
