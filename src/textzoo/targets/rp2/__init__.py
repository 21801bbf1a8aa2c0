"""Raspberry Pi's microcontrollers."""
