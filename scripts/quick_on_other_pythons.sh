#!/usr/bin/env bash
# Runs `make quick` on each other Python that TextZoo supports and that is installed here, in clones under build/.
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

here=$(version_of .venv/bin/python)
for version in 3.11 3.12 3.13; do
    python=$(find_python "$version")
    [ "$version" = "$here" ] && continue
    if [ -z "$python" ]; then
        echo "Python $version: not installed here"
        continue
    fi
    clone=build/python$version
    rm -rf "$clone"
    git clone --quiet . "$clone"
    make -C "$clone" quick PYTHON="$python"
    rm -rf "$clone"
done
