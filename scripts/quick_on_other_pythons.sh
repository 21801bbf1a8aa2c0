#!/usr/bin/env bash
# Runs `make quick`, or the target that is given, on the last commit with each other Python that TextZoo supports and that
# is installed here, in clones under build/.
set -euo pipefail
cd "$(dirname "$0")/.."

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }

# The interpreter of a version: on the PATH, or of pyenv, whose commands fail for versions that are not chosen.
find_python() {
    local candidate
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        if [ "$(version_of "$candidate")" = "$1" ]; then
            command -v "$candidate"
            return
        fi
    done
}

target=${1:-quick}
here=$(version_of .venv/bin/python)
for version in 3.11 3.12 3.13; do
    python=$(find_python "$version")
    [ "$version" = "$here" ] && continue
    if [ -z "$python" ]; then
        echo "Python $version: not installed here"
        continue
    fi
    # Kept for the next time: its .venv is made anew only where the locked packages have changed.
    clone=build/python$version
    git -C "$clone" rev-parse --git-dir 2>/dev/null | grep -qx .git || { rm -rf "$clone" && git clone --quiet . "$clone"; }
    git -C "$clone" fetch --quiet "$PWD" HEAD
    git -C "$clone" reset --quiet --hard FETCH_HEAD
    git -C "$clone" clean --quiet -fd
    PATH="$PATH:$PWD/.uv/bin" make -C "$clone" "$target" PYTHON="$python"
done
