"""Nordic's nRF52 microcontrollers."""
