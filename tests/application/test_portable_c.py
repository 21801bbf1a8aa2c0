"""The application's parts in C against their Python originals: sampler, decimals, CRC, stop texts, UTF-8."""

import codecs
import ctypes
import json
import re
import zlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from toy_projects import compile_library

from textzoo.common.paths import APPLICATION
from textzoo.compiler.artifacts.grammar_table import render_grammar
from textzoo.engines.generate import until_stop
from textzoo.engines.sampling import IntegerSampler, Random32, power_table, temperature_q16, unit_multiplier
from textzoo.targets import protocol
from textzoo.targets.protocol import MAX_STOP_BYTES

# dtype, vocabulary size, scale of the logits
SAMPLERS = [("int8", 65, 0.13), ("int8", 2, 1e-4), ("int8", 300, 0.02), ("int16", 65, 0.0007), ("int16", 103, 1.0)]
TEMPERATURES = st.one_of(
    st.just(0.0), st.floats(0.05, 10.0).map(lambda value: round(value, 3)), st.sampled_from([2e-05, 32768.0, 1.0])
)


class Random(ctypes.Structure):
    _fields_ = (("state", ctypes.c_uint32),)


class Sampler(ctypes.Structure):
    """sampler_t."""

    _fields_ = (
        ("random", Random),
        ("temperature", ctypes.c_uint32),
        ("multiplier", ctypes.c_uint32),
        ("top_k", ctypes.c_int32),
    )


@pytest.fixture(scope="module")
def sampler_library(tmp_path_factory):
    """Builds sampler.c for a kind of logits; each only once."""
    made = {}

    def build(dtype, vocabulary_size, scale):
        key = (dtype, vocabulary_size, scale)
        if key not in made:
            folder = tmp_path_factory.mktemp("sampler")
            (folder / "model.h").write_text(
                f"#include <stdint.h>\n#define MODEL_VOCABULARY_SIZE {vocabulary_size}\n"
                f"#define MODEL_LOGIT_UNIT UINT64_C({unit_multiplier(scale)})\ntypedef {dtype}_t model_logit_t;\n"
            )
            header = render_grammar(vocabulary_size)["grammar_table.h"]
            (folder / "grammar_table.h").write_text(header)
            made[key] = compile_library(folder, [APPLICATION / "sampler.c", APPLICATION / "divide.c"], [folder])
        return made[key]

    return build


@pytest.mark.parametrize(("dtype", "vocabulary_size", "scale"), SAMPLERS)
@settings(max_examples=150)
@given(data=st.data(), temperature=TEMPERATURES, seed=st.integers(0, 2**32 - 1))
def test_sampler_chooses_the_same_tokens(sampler_library, dtype, vocabulary_size, scale, data, temperature, seed):
    library = sampler_library(dtype, vocabulary_size, scale)
    top_k = data.draw(st.integers(0, vocabulary_size + 2))
    limits = np.iinfo(dtype)
    spread = data.draw(st.sampled_from([1, 3, 40, limits.max]))
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    logits = random.integers(-spread - 1, spread + 1, (6, vocabulary_size)).astype(dtype)
    expected = IntegerSampler(scale, temperature=temperature, top_k=top_k, seed=seed)
    sampler = Sampler()
    library.sampler_init(ctypes.byref(sampler), temperature_q16(temperature), top_k, ctypes.c_uint32(seed))
    assert sampler.multiplier == expected.multiplier
    for row in logits:
        assert library.sampler_choose(ctypes.byref(sampler), row.ctypes.data_as(ctypes.c_void_p)) == expected.choose(
            row
        )
    assert sampler.random.state == expected.random.state


def test_a_random_number_of_zero_does_not_choose_a_token_of_weight_zero(sampler_library):
    library = sampler_library("int8", 65, 0.13)
    multiplier, increment = 747796405, 2891336453
    # the seed after which the generator's state is 0, whose number is 0
    seed = (-increment * pow(multiplier, -1, 2**32) - increment) % 2**32
    assert Random32(seed).next() == 0
    logits = np.zeros(65, np.int8)
    logits[40] = 1
    sampler = Sampler()
    library.sampler_init(ctypes.byref(sampler), temperature_q16(1.0), 1, ctypes.c_uint32(seed))
    assert library.sampler_choose(ctypes.byref(sampler), logits.ctypes.data_as(ctypes.c_void_p)) == 40
    assert IntegerSampler(0.13, temperature=1.0, top_k=1, seed=seed).choose(logits) == 40


def test_random_numbers_are_those_of_python(sampler_library):
    library = sampler_library(*SAMPLERS[0])
    library.random32_next.restype = ctypes.c_uint32
    state, expected = Random(), Random32(2**32 - 1)
    library.random32_seed(ctypes.byref(state), ctypes.c_uint32(2**32 - 1))
    assert [library.random32_next(ctypes.byref(state)) for _ in range(100)] == [expected.next() for _ in range(100)]


def test_power_table_is_that_of_python():
    rows = (APPLICATION / "sampler.c").read_text().partition("powers[(1 <<")[2].partition("};")[0]
    numbers = [int(text.strip().rstrip("u"), 16) for text in rows.partition("= {")[2].split(",") if text.strip()]
    assert numbers == power_table()


@pytest.fixture(scope="module")
def decimals(tmp_path_factory):
    return compile_library(tmp_path_factory.mktemp("decimal"), [APPLICATION / "decimal.c"], [])


def c_temperature(library, text):
    value = ctypes.c_uint32(12345)
    done = library.decimal_temperature(text.encode(), ctypes.c_size_t(len(text.encode())), ctypes.byref(value))
    return value.value if done & 0xFF else None


def python_temperature(text):
    """What sampling.temperature_q16 would give for exactly this text."""
    value = Fraction(text) * 2**16
    rounded = (2 * value.numerator + value.denominator) // (2 * value.denominator)
    return rounded if Fraction(text) <= 2**15 else None


@given(value=st.floats(0, 32768, allow_subnormal=True))
def test_temperature_from_any_float_of_python(decimals, value):
    assert c_temperature(decimals, str(value)) == temperature_q16(value)


@given(whole=st.integers(0, 40000), places=st.text("0123456789", max_size=30), exponent=st.integers(-25, 6))
def test_temperature_from_decimal_text(decimals, whole, places, exponent):
    for text in (
        f"{whole}",
        f"{whole}e{exponent}",
        *([f"{whole}.{places}", f"{whole}.{places}E{exponent}"] if places else []),
    ):
        expected = python_temperature(text)
        if expected is not None or Fraction(text) > Fraction(32768) + Fraction(1, 10**16):
            assert c_temperature(decimals, text) == expected


@pytest.mark.parametrize("numerator", [1, 3, 65537, 2**17 - 1, 32767 * 2 + 1])
def test_a_temperature_half_way_is_rounded_up_exactly(decimals, numerator):
    tie = Fraction(numerator, 2**17)
    text = f"{tie.numerator * 5**17 * 2**17 // tie.denominator:018d}"
    text = f"{text[:-17]}.{text[-17:]}"
    assert Fraction(text) == tie
    assert c_temperature(decimals, text) == (numerator + 1) // 2
    below = text[:-1] + chr(ord(text[-1]) - 1) + "9999"
    assert c_temperature(decimals, below) == numerator // 2


@pytest.mark.parametrize(
    "text", ["", "-1", "-0.5", ".5", "1.", "1.e2", "e3", "1e", "1e+", "1e1.5", "nan", "inf", "0x1", "1 ", " 1", "1,5",
             "32768.5", "1e5", "99999999999999999999", "1e999", "1e1001", "+1", "1__0", "١"]
)  # fmt: skip
def test_what_is_no_temperature_is_refused(decimals, text):
    assert c_temperature(decimals, text) is None


@pytest.mark.parametrize(
    ("text", "highest", "expected"),
    [("0", 5, 0), ("5", 5, 5), ("6", 5, None), ("", 5, None), ("007", 9, 7), ("4294967295", 2**32 - 1, 2**32 - 1),
     ("4294967296", 2**32 - 1, None), ("99999999999999999999999", 2**32 - 1, None), ("-1", 9, None), ("1.0", 9, None)],
)  # fmt: skip
def test_whole_numbers(decimals, text, highest, expected):
    value = ctypes.c_uint32()
    done = decimals.decimal_whole(
        text.encode(), ctypes.c_size_t(len(text)), ctypes.c_uint32(highest), ctypes.byref(value)
    )
    assert (value.value if done & 0xFF else None) == expected


@given(parts=st.lists(st.binary(max_size=50), max_size=4))
def test_crc_is_that_of_zlib(crc_library, parts):
    crc = 0
    for part in parts:
        crc = crc_library.crc32_update(ctypes.c_uint32(crc), part, ctypes.c_size_t(len(part)))
    assert crc == zlib.crc32(b"".join(parts))


@pytest.fixture(scope="module")
def crc_library(tmp_path_factory):
    library = compile_library(tmp_path_factory.mktemp("crc"), [APPLICATION / "crc32.c"], [])
    library.crc32_update.restype = ctypes.c_uint32
    return library


class Stop(ctypes.Structure):
    """stop_t."""

    _fields_ = (("text", ctypes.c_char_p), ("bytes", ctypes.c_size_t), ("held", ctypes.c_size_t))


MAX_HELD = MAX_STOP_BYTES - 1
CANARY = b"canary"
# Few different bytes, so that beginnings of the stop text come often and overlap.
FEW_BYTES = st.lists(st.sampled_from(b"aab\x00"), max_size=MAX_STOP_BYTES).map(bytes)
PORTIONS = st.lists(st.one_of(FEW_BYTES, st.binary(max_size=70)), max_size=12)
# stop text, portions
STOPS = [
    (b"aab", [b"aaab"]),
    (b"aab", [b"a", b"a", b"a", b"b", b"a"]),
    (b"abab", [b"abaabab", b"ab"]),
    (b"\n<end>", [b"Hello.\n", b"\n<", b"end> and more"]),
    (b"\n<end>", [b"a\n<end", b"\n<end"]),
    (b"a" * MAX_STOP_BYTES, [b"a" * MAX_HELD, b"b", b"a" * 40]),
    (b"", [b"ab", b""]),
]


@pytest.fixture(scope="module")
def stops(tmp_path_factory):
    library = compile_library(tmp_path_factory.mktemp("stop"), [APPLICATION / "stop.c"], [])
    library.stop_feed.restype = library.stop_end.restype = ctypes.c_size_t
    return library


def c_until_stop(library, portions, stop):
    """What comes out with each portion, and at the end. The portion lies as near to the output as the header allows."""
    state, outputs = Stop(), []
    library.stop_init(ctypes.byref(state), stop, ctypes.c_size_t(len(stop)))
    for portion in portions:
        buffer = ctypes.create_string_buffer(bytes(MAX_HELD) + portion + CANARY)
        place = ctypes.cast(ctypes.addressof(buffer) + MAX_HELD, ctypes.c_char_p)
        written = library.stop_feed(ctypes.byref(state), place, ctypes.c_size_t(len(portion)), buffer)
        outputs.append(buffer.raw[:written])
        assert buffer.raw[MAX_HELD + len(portion) :] == CANARY + b"\0"
    buffer = ctypes.create_string_buffer(bytes(MAX_HELD) + CANARY)
    written = library.stop_end(ctypes.byref(state), buffer)
    outputs.append(buffer.raw[:written])
    assert buffer.raw[MAX_HELD:] == CANARY + b"\0"
    return outputs, bool(library.stop_found(ctypes.byref(state)) & 0xFF)


def python_until_stop(portions, stop):
    """The same from Python, where a byte is the character of its value."""
    outputs = []

    def pieces():
        for portion in portions:
            outputs.append("")
            yield portion.decode("latin-1")
        outputs.append("")

    for text in until_stop(pieces(), [stop.decode("latin-1")]):
        outputs[-1] += text
    return [output.encode("latin-1") for output in outputs]


def check_stop(library, portions, stop):
    outputs, found = c_until_stop(library, portions, stop)
    expected = python_until_stop(portions, stop) if stop else [*portions, b""]
    assert outputs == expected + [b""] * (len(outputs) - len(expected))
    assert found == bool(stop and stop in b"".join(portions))


@pytest.mark.parametrize(("stop", "portions"), STOPS)
def test_text_ends_before_the_stop_text(stops, stop, portions):
    check_stop(stops, portions, stop)


@given(portions=PORTIONS, stop=FEW_BYTES)
def test_text_ends_where_python_ends_it_and_every_byte_comes_as_early(stops, portions, stop):
    check_stop(stops, portions, stop)


@given(before=PORTIONS, data=st.data())
def test_a_stop_text_that_stands_in_the_text_is_found(stops, before, data):
    text = b"".join(before)
    start = data.draw(st.integers(0, len(text)))
    check_stop(stops, before, text[start : start + data.draw(st.integers(0, MAX_STOP_BYTES))])


# A name that protocol.h defines -> what the host takes for it.
PROTOCOL = {
    "PROTOCOL_VERSION": protocol.PROTOCOL_VERSION,
    "TEXTZOO_INPUT_BYTES": protocol.INPUT_BYTES,
    "PROTOCOL_INTERRUPT": protocol.INTERRUPT[0],
    "PROTOCOL_ENQUIRY": protocol.ENQUIRY[0],
    "PROTOCOL_INTERRUPTED": protocol.INTERRUPTED,
    "TEXTZOO_LINE_BYTES": protocol.LINE_BYTES,
    "PROTOCOL_STOP_BYTES": protocol.MAX_STOP_BYTES,
    "PROTOCOL_GREETING": protocol.GREETING,
    "PROTOCOL_GRAPH_GREETING": protocol.GRAPH_GREETING,
    "PROTOCOL_OUT_OF_SEQUENCE": protocol.OUT_OF_SEQUENCE,
    "PROTOCOL_CRC_KEY": protocol.CRC_KEY.decode(),
}


def test_console_and_host_agree_upon_the_protocol():
    header = (APPLICATION / "protocol.h").read_text()
    defined = re.findall(r'^#define (\w+) (\d+|"(?:\\.|[^"\\])*")', header, re.MULTILINE)
    assert {name: json.loads(value) for name, value in defined} == PROTOCOL


def test_the_protocol_is_described_with_its_numbers():
    text = (APPLICATION / "README.md").read_text()
    assert f"at most {protocol.LINE_BYTES} bytes" in text
    assert f"at most {protocol.MAX_STOP_BYTES} bytes" in text
    assert f'"protocol":{protocol.PROTOCOL_VERSION}' in text


@pytest.fixture(scope="module")
def utf8_library(tmp_path_factory):
    library = compile_library(tmp_path_factory.mktemp("utf8"), [APPLICATION / "utf8.c"], [])
    library.utf8_incomplete.restype = ctypes.c_size_t
    return library


LEADS_AND_EDGES = [0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF3, 0xF4, 0xF5]


@given(data=st.one_of(st.binary(max_size=8), st.lists(st.sampled_from(LEADS_AND_EDGES), max_size=6).map(bytes)))
@example(data=b"a\xed\xa0")
def test_what_may_become_a_character_is_what_python_waits_for(utf8_library, data):
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(data)
    held = decoder.getstate()[0]
    # Python waits behind the beginning of a surrogate, too, which no byte can make a character of.
    expected = 0 if held[:1] == b"\xed" and held[1:2] >= b"\xa0" else len(held)
    assert utf8_library.utf8_incomplete(data, ctypes.c_size_t(len(data))) == expected
