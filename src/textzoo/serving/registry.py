"""The engines that a conversation can use: those of this machine, and devices."""

from textzoo.engines.registry import ENGINES

EMULATOR, SERIAL = "emulator", "serial"
DEVICES = (EMULATOR, SERIAL)
SOURCES = (*ENGINES, *DEVICES)
