"""Names of a .tflite may be anything: they end no comment and no string of the generated C, and no symbol is lost."""

import re

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from operator_cases import Case
from running import Model, differences

from textzoo.common.paths import PLATFORM_SOURCES
from textzoo.compiler.ir.graph import Symbols
from textzoo.compiler.tflite.single_operator import Operation, Tensor, constant

# What layer after layer is called.
NAMES = {
    "parts of another layer": [
        f"dense{part}" for part in ("", "_bias", "_weights", "_multipliers", "_shifts", "_row_sums")
    ],
    "fields": ["weights", "bias", "rows", "columns", "minimum", "output_zero_point"],
    "words of C and of the file": ["int", "int8_t", "memset", "main", "arena", "model_run", "step_0", "value_0", "i"],
    "functions": ["log", "read", "write", "exit", "tz_fully_connected_s8", "tz_clamp", "crc32_update"],
    "other characters": ["a*/ b", 'a"b', "a\\", "a??/", "a\n#error", "é\u202e", "", "/*", "//", "0", "x" * 5000],
}


def renamed(content, names):
    """The tensors that layers compute get other names; the constant of the sum is called like a function."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    tensors = [tensor for tensor in model.subgraphs[0].tensors if tensor.name.startswith(b"inner")]
    for tensor, name in zip(tensors, names, strict=True):
        tensor.name = name.encode()
    [tensor for tensor in model.subgraphs[0].tensors if tensor.name.startswith(b"constant")][-1].name = b"time"
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def layers(count, random):
    """FULLY_CONNECTED after FULLY_CONNECTED, and a sum of a constant, which becomes a loop."""
    source, cases = Tensor((1, 8), "int8", 0.5, zero_point=4), []
    for _ in range(count):
        weights = constant(random.integers(-127, 128, (8, 8)).astype(np.int8), 0.01)
        bias = constant(random.integers(-500, 500, 8).astype(np.int32), 0.01 * source.scale)
        output = Tensor((1, 8), "int8", 0.5, zero_point=-3)
        cases.append(Case(Operation("FULLY_CONNECTED", [source, weights, bias], [output])))
        source = output
    added = constant(np.arange(8, dtype=np.int8).reshape(1, 8), 0.25)
    return [*cases, Case(Operation("ADD", [source, added], [Tensor((1, 8), "int8", 0.5)]))]


@pytest.mark.quick(2)
@pytest.mark.parametrize("without", [["folded_biases"], []], ids=["no_passes", "all_passes"])
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES.keys())
def test_names_change_nothing(names, without, tmp_path):
    random = np.random.default_rng(1)
    model = Model(layers(len(names), random), random)
    model.content = renamed(model.content, names)
    assert not differences(model, tmp_path, without)


# Jinja's parts, comments, texts and includes of a template.
NO_WORDS = re.compile(r"{{.*?}}|{%.*?%}|/\*.*?\*/|\"[^\"\n]*\"|#include[^\n]*", re.DOTALL)


@pytest.mark.parametrize("template", ["common/model.c.j2", "library/model.c.j2"])
def test_a_tensor_is_not_called_as_something_that_the_generated_file_uses(template):
    source = NO_WORDS.sub(" ", (PLATFORM_SOURCES / template).read_text())
    words = {word for word in re.findall(r"\b[a-z][a-z0-9_]*\b", source) if len(word) > 1}
    assert {"memset", "textzoo_profile_mark"} & words
    assert [word for word in sorted(words) if Symbols().unique(word) == word] == []


class Counted(set):
    """A set that counts how often it is asked."""

    asked = 0

    def __contains__(self, entry):
        self.asked += 1
        return super().__contains__(entry)


def test_many_equal_names_are_numbered_without_trying_all_numbers():
    symbols = Symbols()
    symbols.taken = Counted(symbols.taken)
    found = [symbols.take(name) for name in ("b", "b_2", "b", "b", "b_2")]
    assert found == ["b", "b_2", "b_3", "b_4", "b_2_2"]
    symbols.taken.asked = 0
    assert len({symbols.take("layer") for _ in range(1000)}) == 1000
    assert symbols.taken.asked <= 2 * 1000
