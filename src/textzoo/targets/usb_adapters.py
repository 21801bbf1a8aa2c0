"""What carries a board's serial line over USB: a table of vendor and product ids, and the kinds that boards name."""

from dataclasses import dataclass

ST_LINK, J_LINK, DAPLINK, RASPBERRY_PI = "st-link", "j-link", "daplink", "raspberry-pi"
USB_SERIAL, ESPRESSIF = "usb-serial", "espressif"
# Kinds of adapters that a board's `serial_adapters` can name -> what they are.
KINDS = {
    ST_LINK: "ST's debug probe",
    J_LINK: "SEGGER's debug probe",
    DAPLINK: "Arm's debug probe, on the micro:bit",
    RASPBERRY_PI: "a Pico, or the Debug Probe",
    USB_SERIAL: "a bridge from USB to a serial line",
    ESPRESSIF: "an ESP32's own USB",
}


@dataclass(frozen=True)
class Adapter:
    """An adapter as its USB ids tell it.

    Attributes:
        kind: A key of KINDS; "" for one that is not known.
        name: For people.
        is_probe: Whether it is a debug probe: a tool that writes images can be told its serial number.
    """

    kind: str
    name: str
    is_probe: bool = False


UNKNOWN = Adapter("", "")
# Vendor and product of USB -> the adapter; None for every other product of the vendor. Vendor 0483 is also that of
# what people make with an STM32, so only the ST-LINKs are told. Sources: interface/stlink.cfg of OpenOCD (ST-LINK);
# Espressif's and Raspberry Pi's lists of their product ids (github.com/espressif/usb-pids, raspberrypi/usb-pid); the
# data sheets of CP2102N, CH340 and FT232R; github.com/ARMmbed/DAPLink; SEGGER's UM08001 (J-Link).
USB_IDS: dict[tuple[int, int | None], Adapter] = {
    **{(0x0483, product): Adapter(ST_LINK, "ST-LINK", True) for product in (0x3744, 0x3748)},
    **{(0x0483, product): Adapter(ST_LINK, "ST-LINK/V2-1", True) for product in (0x374A, 0x374B, 0x3752)},
    **{
        (0x0483, product): Adapter(ST_LINK, "ST-LINK/V3", True)
        for product in (0x374D, 0x374E, 0x374F, 0x3753, 0x3754, 0x3755, 0x3757)
    },
    (0x303A, 0x1001): Adapter(ESPRESSIF, "ESP32's own USB"),
    (0x303A, 0x1002): Adapter(ESPRESSIF, "ESP-USB-Bridge"),
    (0x303A, None): Adapter(ESPRESSIF, "Espressif"),
    (0x10C4, None): Adapter(USB_SERIAL, "CP210x"),
    (0x1A86, 0x7523): Adapter(USB_SERIAL, "CH340"),
    (0x1A86, 0x55D3): Adapter(USB_SERIAL, "CH343"),
    (0x1A86, 0x55D4): Adapter(USB_SERIAL, "CH9102"),
    (0x1A86, None): Adapter(USB_SERIAL, "CH34x"),
    (0x0403, None): Adapter(USB_SERIAL, "FTDI"),
    (0x2E8A, 0x0004): Adapter(RASPBERRY_PI, "Raspberry Pi Picoprobe", True),
    (0x2E8A, 0x000C): Adapter(RASPBERRY_PI, "Raspberry Pi Debug Probe", True),
    (0x2E8A, None): Adapter(RASPBERRY_PI, "Raspberry Pi Pico"),
    (0x0D28, None): Adapter(DAPLINK, "DAPLink", True),
    (0x1366, None): Adapter(J_LINK, "J-Link", True),
}


def adapter_of(vendor: int, product: int | None) -> Adapter:
    """Return the adapter with these USB ids; UNKNOWN if there is none in the table."""
    return USB_IDS.get((vendor, product)) or USB_IDS.get((vendor, None), UNKNOWN)


def names_of(kinds: list[str]) -> str:
    """Return the names of the adapters of some kinds, or of all for an empty list, for a message."""
    return ", ".join(dict.fromkeys(row.name for row in USB_IDS.values() if not kinds or row.kind in kinds))
