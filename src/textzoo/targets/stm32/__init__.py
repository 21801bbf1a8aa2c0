"""STM32 microcontrollers."""
