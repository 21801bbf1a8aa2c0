"""CIMv3, a compute-in-memory accelerator: C++ projects whose HAL has a function per mode."""
