"""Images for Raspberry Pi's boards: the format UF2, and what the boot ROMs look for in them."""

import struct
import subprocess

import pytest
from toy_projects import render_toy

from compilers import need
from textzoo.config.boards import load_board
from textzoo.targets.emulators import build_image

# Board -> family in UF2 files (github.com/microsoft/uf2, utils/uf2families.json).
FAMILIES = {"PICO": 0xE48BFF56, "PICO2": 0xE48BFF59}
FLASH = 0x10000000


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    need("make", "arm", "host")
    folder = tmp_path_factory.mktemp("uf2")
    return {name: build_image(render_toy(name, folder / name), load_board(name)) for name in FAMILIES}


def uf2_contents(data, family):
    """Address of the first byte, and all bytes, of a UF2 file; asserts what the specification asks for."""
    assert len(data) % 512 == 0
    payloads = []
    for number in range(len(data) // 512):
        block = data[512 * number : 512 * (number + 1)]
        start, second, flags, address, size, index, count, chip = struct.unpack_from("<8I", block)
        assert (start, second, struct.unpack_from("<I", block, 508)[0]) == (0x0A324655, 0x9E5D5157, 0x0AB16F30)
        assert (flags, chip) == (0x2000, family)  # a family is given; for the main flash
        assert (index, count) == (number, len(data) // 512)
        assert size == 256  # a page of the flash, all that the boot ROMs take
        payloads.append((address, block[32 : 32 + size]))
    first = payloads[0][0]
    assert [address for address, _ in payloads] == [first + 256 * number for number in range(len(payloads))]
    return first, b"".join(payload for _, payload in payloads)


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", FAMILIES)
def test_a_uf2_file_holds_the_image(images, name):
    address, contents = uf2_contents(images[name].with_suffix(".uf2").read_bytes(), FAMILIES[name])
    image = images[name].with_suffix(".bin").read_bytes()
    assert address == FLASH
    assert contents == image.ljust(-(-len(image) // 256) * 256, b"\0")


def crc32_mpeg2(data):
    """By long division of polynomials over GF(2): all bits of the message, its first 32 inverted, then 32 zeros."""
    number = int.from_bytes(data + bytes(4), "big") ^ (0xFFFFFFFF << (8 * len(data)))
    divisor = 0x104C11DB7
    while number.bit_length() > 32:
        number ^= divisor << (number.bit_length() - 33)
    return number


def test_the_checksum_is_that_of_the_catalogue():
    assert crc32_mpeg2(b"123456789") == 0x0376E6E7  # CRC-32/MPEG-2, the check value of its definition


@pytest.mark.quick(1)
def test_the_second_stage_of_an_rp2040_has_its_checksum(images):
    image = images["PICO"].with_suffix(".bin").read_bytes()
    assert struct.unpack_from("<I", image, 252)[0] == crc32_mpeg2(image[:252])
    assert image[:2] != b"\0\0"
    (handler,) = (value for name, value in symbols(images["PICO"]).items() if name == "reset_handler")
    literals = struct.unpack_from("<63I", image)
    assert handler | 1 in literals  # the program, where the stage jumps to
    assert handler > FLASH + 256


def symbols(program):
    """Symbol -> address."""
    command = ["arm-none-eabi-nm", str(program)]
    rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    return {row.split()[2]: int(row.split()[0], 16) for row in rows if len(row.split()) == 3}


def blocks_of(image):
    """Items of the chain of metadata blocks that begins in the first 4 KB (RP2350 datasheet, 5.9.1)."""
    start = first = image.index(struct.pack("<I", 0xFFFFDED3), 0, 4096)
    while True:
        items, at = [], start + 4
        while image[at] != 0xFF:
            words = image[at + 1] if image[at] < 0x80 else struct.unpack_from("<H", image, at + 1)[0]
            items.append((image[at], image[at + 1 : at + 4 * words]))
            at += 4 * words
        assert struct.unpack_from("<H", image, at + 1)[0] == (at - start - 4) // 4
        link, end = struct.unpack_from("<iI", image, at + 4)
        assert end == 0xAB123579
        yield items
        start += link
        if start == first:
            return


@pytest.mark.quick(1)
def test_an_rp2350_finds_an_arm_program_in_secure_state(images):
    image = images["PICO2"].with_suffix(".bin").read_bytes()
    ((item,),) = blocks_of(image)
    assert item == (0x42, bytes([1, 0x21, 0x10]))  # IMAGE_TYPE: executable, secure, Arm, RP2350
    stack, reset = struct.unpack_from("<2I", image)  # without further items the vectors are the first bytes
    assert 0x20000000 < stack <= 0x20082000
    assert reset == symbols(images["PICO2"])["reset_handler"] | 1


# arguments, content of the file, what is said
REFUSED = [
    (["boot", "FILE"], bytes(255), "252 bytes of program and 4 zeros"),
    (["boot", "FILE"], bytes(257), "252 bytes of program and 4 zeros"),
    (["boot", "FILE"], b"\1" * 256, "252 bytes of program and 4 zeros"),
    (["boot", "MISSING"], b"", "cannot be read"),
    (["image", "FILE", "0", "0", "OUT"], b"", "is empty"),
    (["image", "MISSING", "0", "0", "OUT"], b"", "cannot be read"),
    (["image", "FILE", "0", "0", "FOLDER/x"], b"1", "cannot be written"),
    (["image", "FILE"], b"1", "uf2 boot FILE"),
]


@pytest.mark.parametrize(("arguments", "content", "message"), REFUSED)
def test_the_writer_refuses_what_it_cannot_do(images, tmp_path, arguments, content, message):
    writer = images["PICO"].parents[1] / "uf2"
    (tmp_path / "FILE").write_bytes(content)
    done = subprocess.run([writer, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert message in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"FILE"}
    assert (tmp_path / "FILE").read_bytes() == content
