"""The table of platforms: kinds of projects, for families of boards or for this machine."""

from textzoo.common.registry import Registry

HOST = "host"
# What deployment.target=library makes: for any board, so it is no platform.
LIBRARY = "library"
PLATFORMS = Registry(
    "platform",
    {
        HOST: "textzoo.targets.host:PLATFORM",
        "browser": "textzoo.targets.browser.platform:PLATFORM",
        "cimv3": "textzoo.targets.cimv3.platform:PLATFORM",
        "esp32": "textzoo.targets.esp32.platform:PLATFORM",
        "mpu": "textzoo.targets.mpu:PLATFORM",
        "nrf52": "textzoo.targets.nrf52.platform:PLATFORM",
        "rp2": "textzoo.targets.rp2.platform:PLATFORM",
        "stm32": "textzoo.targets.stm32.platform:PLATFORM",
    },
)
