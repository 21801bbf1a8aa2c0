#!/usr/bin/env bash
# Installs the compilers and emulators that are missing, from Debian's packages, where that is allowed (root, or sudo
# without a password). Elsewhere it says which packages to install, and goes on: what needs them says so itself.
set -euo pipefail

# program:package that brings it
tools=(
    gcc:gcc g++:g++ make:make cmake:cmake clang:clang aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu qemu-aarch64:qemu-user
    arm-none-eabi-gcc:gcc-arm-none-eabi qemu-system-arm:qemu-system-arm
    riscv64-unknown-elf-gcc:gcc-riscv64-unknown-elf xtensa-lx106-elf-gcc:gcc-xtensa-lx106
    qemu-system-riscv32:qemu-system-misc qemu-system-xtensa:qemu-system-misc
)

missing=()
for tool in "${tools[@]}"; do
    command -v "${tool%%:*}" >/dev/null || missing+=("${tool##*:}")
done
# The libraries and headers that come in packages of their own.
if command -v dpkg >/dev/null; then
    # Also a database server and a browser, for the tests of the tracking store and its pages.
    for package in libc6-dev libc6-dev-arm64-cross libnewlib-arm-none-eabi picolibc-riscv64-unknown-elf \
        picolibc-xtensa-lx106-elf postgresql chromium chromium-driver; do
        dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
    done
fi
# Clang's sanitizers, which its own package only recommends: asked for in the same run as clang itself.
if command -v dpkg >/dev/null &&
    ! echo 'int main(void) { return 0; }' | clang -fsanitize=address -x c - -o /dev/null 2>/dev/null; then
    missing+=(libclang-rt-dev)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

run=()
if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null && run=(sudo -n)
fi
if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || [ ${#run[@]} -gt 0 ]; }; then
    echo "Installing ${missing[*]} (two or three minutes, 5 GB)"
    "${run[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
else
    echo "Not installed, and not allowed to install here: ${missing[*]}" >&2
    echo "Debian and Ubuntu: sudo apt-get install ${missing[*]}; macOS: brew install cmake qemu, and Arm's toolchain" >&2
fi
