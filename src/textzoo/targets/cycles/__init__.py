"""A model of cycles: what an image's instructions cost on a Cortex-M core, with the waits of its memories.

QEMU runs the image and tells a plugin (plugin/, C) every instruction and every access to memory. The plugin knows what
each instruction reads and writes from a table that `thumb` decodes from the ELF, and applies the rules of a core.
"""
