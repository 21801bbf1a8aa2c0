"""CIMv3, a compute-in-memory accelerator: C++ projects whose HAL follows its modes."""
