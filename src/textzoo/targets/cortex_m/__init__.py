"""What platforms with Cortex-M cores and without an operating system share."""
