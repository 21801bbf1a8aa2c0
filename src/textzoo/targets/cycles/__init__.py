"""A model of cycles: what an image's instructions cost on a core, with the waits of its memories.

QEMU runs the image and tells a plugin (plugin/, C) every instruction and every access to memory. The plugin knows what
each instruction reads and writes from a table that `thumb` or `riscv` decodes from the ELF, and applies the rules of a
core.

Cores: M0, M0+, M4, M7, M33, M55 and the ESP32-C3's, by the rules that their files in plugin/ name with their sources;
each rule has a row in tests/cycles. benchmarks/cycle_model.py compares all but the M55 with counts that others measured
on silicon. Nothing was fitted to those, but for four numbers of the M7, chosen on seven of them (core_m7.c).

Not modelled: the number of cycles of a division (2 to 12 by its operands, which a plugin does not see; 6 is taken),
store buffers that are full, lines that a cache writes back, buses that DMA or another core use, the MPU, most of what
the FPU of a Cortex-M7 does beyond latencies and pairs, and Helium for floating point. A program's interrupts count
where they occur. The address of PLD, which QEMU does not tell, follows from earlier accesses by the same register
(plugin/track.c).
"""
