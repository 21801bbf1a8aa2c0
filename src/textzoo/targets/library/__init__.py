"""Libraries: a model as two files of C, and a folder that Arduino, PlatformIO, ESP-IDF and Zephyr take as theirs."""
