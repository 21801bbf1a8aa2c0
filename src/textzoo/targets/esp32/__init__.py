"""ESP32 microcontrollers: projects for Espressif's framework ESP-IDF."""
