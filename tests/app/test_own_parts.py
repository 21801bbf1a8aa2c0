"""Adding a thing is few files: each is added to a copy of the project from docs/templates, counted, and used there."""

import filecmp
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from warm_process import WarmProcess

from compilers import need
from textzoo.common.errors import UserError
from textzoo.compiler.compile import compile_bytes
from textzoo.compiler.operators.base import Target
from textzoo.compiler.tflite.single_operator import Operation, Tensor, build_all

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]
TEMPLATES = PROJECT / "docs/templates"
HELPER = Path(__file__).with_name("own_part.py")
COPIED = ("src", "conf", "deployment")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")


class Copy:
    """A copy of the project, and a folder to work in.

    Attributes:
        root: The copy.
        folder: Where programs run.
    """

    def __init__(self, folder: Path) -> None:
        self.root, self.folder = folder / "project", folder
        for name in COPIED:
            shutil.copytree(PROJECT / name, self.root / name, ignore=NOT_COPIED)

    def add(self, part: "Part") -> None:
        """Copy the part's files, and put its rows below the lines that begin their tables."""
        for template, place in part.files.items():
            assert not (self.root / place).exists()
            shutil.copy(TEMPLATES / template, self.root / place)
        for template, (place, head) in part.rows.items():
            path = self.root / place
            text = path.read_text(encoding="utf-8")
            assert text.count(head) == 1
            path.write_text(text.replace(head, head + (TEMPLATES / "rows" / template).read_text(encoding="utf-8")))

    def touched(self) -> list[str]:
        """The files that differ from the project's, or that the project does not have."""
        places = [path.relative_to(self.root) for path in sorted(self.root.rglob("*")) if path.is_file()]
        return [str(place) for place in places if "__pycache__" not in place.parts and not self.is_same(place)]

    def is_same(self, place: Path) -> bool:
        return (PROJECT / place).is_file() and filecmp.cmp(PROJECT / place, self.root / place, shallow=False)

    def start(self, *arguments: str):
        """Run own_part.py on the copy; the finished process."""
        environment = {**os.environ, "COLUMNS": "200"}
        process = WarmProcess(HELPER, [str(self.root), *map(str, arguments)], self.folder, environment, self.folder)
        return process.wait(600)

    def run(self, *arguments: str) -> str:
        """The same where it must end well; what it writes."""
        answer = self.start(*arguments)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def report(self, *arguments: str) -> dict:
        """Run the program and return report.json."""
        run = self.folder / "run"
        self.run("program", *arguments, f"hydra.run.dir={run}")
        return json.loads((run / "report.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Part:
    """A kind of thing that can be added.

    Attributes:
        name: Of the one that is added, as users write it.
        most: Files that this may take.
        use: Uses it in a copy, at toy size, given the options and models of `Toy`.
        files: Template -> its place.
        rows: Template of a row -> file of its table, and the line that begins the table.
        wrong: An override whose mistake lists what there is.
    """

    name: str
    most: int
    use: Callable[[Copy, "Toy"], None]
    files: dict[str, str]
    rows: dict[str, tuple[str, str]]
    wrong: str = ""


@dataclass(frozen=True)
class Toy:
    """Overrides for small runs, and a model that one of them has trained and quantized."""

    options: list[str]
    models: Path

    @property
    def float_model(self) -> str:
        return f"model.float_model_path={self.models / 'float.keras'}"

    @property
    def quantized_model(self) -> str:
        return f"model.quantized_model_path={self.models / 'decode_static_wi8_ai8.tflite'}"


@pytest.fixture(scope="module")
def toy(sweep_of, toy_options, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    answer = sweep_of(folder, "operation_mode=chain_tqe", f"hydra.run.dir={folder / 'run'}")
    assert answer.returncode == 0, answer.stderr
    return Toy(toy_options, folder / "run/models")


def use_chain(copy, toy):
    report = copy.report("operation_mode=chain_te", *toy.options)
    assert report["training"]["steps"] == 20
    assert [row["model"] for row in report["evaluation"]] == ["float"]


def use_board(copy, toy):
    need("arm", "qemu")
    report = copy.report("operation_mode=benchmarking", "board=MY_BOARD", toy.quantized_model, *toy.options)
    assert (report["benchmark"]["board"], report["benchmark"]["mismatching_logits"]) == ("MY_BOARD", 0)
    assert report["benchmark"]["instructions_per_token"] > 0


def use_recipe(copy, toy):
    options = ["quantization=static_wi4_ai16", "evaluation.engine=native", toy.float_model]
    report = copy.report("operation_mode=chain_eqe", *options, *toy.options)
    rows = {row["model"]: row for row in report["evaluation"]}
    assert rows["int4x16"]["engine"] == "native"
    assert abs(rows["int4x16"]["loss_nats"] - rows["float"]["loss_nats"]) < 0.1
    users_file = "defaults: [config, _self_]\nquantization: {recipe: static_wi8_ai16}\n"
    (copy.folder / "mine.yaml").write_text(users_file, encoding="utf-8")
    chosen = ["--config-path=.", "--config-name=mine", "quantization=static_wi4_ai16", "--cfg=job"]
    assert "recipe: static_wi4_ai16" in copy.run("program", *chosen)


def use_texts(copy, toy):
    (copy.folder / "my_texts").mkdir()
    (copy.folder / "my_texts/one.txt").write_text("A text of one's own.\n" * 50)
    prepared(copy, "my_corpus", toy, sources=1, characters=21 * 50)


def use_download(copy, toy):
    """What was downloaded once is taken from the cache."""
    cache = copy.folder / "datasets/cache"
    cache.mkdir(parents=True)
    shutil.copy(PROJECT / "LICENSE", cache / "apache_license.txt")
    prepared(copy, "apache_license", toy, sources=1, characters=(PROJECT / "LICENSE").stat().st_size)


def prepared(copy, name, toy, sources, characters):
    """Prepare a corpus in a run, and compare what came out."""
    own = [option for option in toy.options if not option.startswith("dataset")]
    copy.report("operation_mode=statistics", f"dataset={name}", *own)
    record = json.loads((copy.folder / "run/dataset/dataset.json").read_text(encoding="utf-8"))
    assert len(record["sources"]) == sources
    assert sum(record["statistics"]["tokens"].values()) == characters


def use_tokenizer(copy, toy):
    assert "texts are the same" in copy.run("tokenizer", "textzoo.text.tokenizers.my_tokenizer:MyTokenizer")
    report = copy.report("operation_mode=training", "tokenizer=my_tokenizer", *toy.options)
    assert report["model"]["vocabulary_size"] == 96


def use_operator(copy, toy):
    need("host")
    inputs = [Tensor((4,), "int8"), Tensor((4,), "int8")]
    content = build_all([Operation("BITWISE_XOR", inputs, [Tensor((4,), "int8")])])
    with pytest.raises(UserError, match=r"BITWISE_XOR .*not in the table"):
        compile_bytes(content, Target())
    assert "3 types are exact" in copy.run("operator", "BITWISE_XOR", "int8", "int16", "int32")


def use_service(copy, toy):
    copy.report("operation_mode=my_service", toy.quantized_model, *toy.options)
    tokens = json.loads((toy.models / "tokenizer.json").read_text(encoding="utf-8"))["tokens"]
    lines = (copy.folder / "run/vocabulary.txt").read_text(encoding="utf-8").splitlines()
    assert lines == [f"{number}\t{text!a}" for number, text in enumerate(tokens)]


CHAINS, SERVICES = "CHAINS: dict[str, tuple[str, ...]] = {\n", "SERVICES: dict[str, Service] = {\n"
CORPORA, KINDS = "CORPORA: dict[str, CorpusKind] = {\n", "KINDS: dict[str, TokenizerKind] = {\n"
CONFIG, TEXT, COMPILER = "src/textzoo/config", "src/textzoo/text", "src/textzoo/compiler"
PARTS = {
    "chain": Part(
        "chain_te",
        1,
        use_chain,
        {},
        {"chain.txt": (f"{CONFIG}/chains.py", CHAINS)},
        "operation_mode=chain_",
    ),
    "board": Part("MY_BOARD", 1, use_board, {"my_board.yaml": "conf/board/MY_BOARD.yaml"}, {}, "board=MY"),
    "recipe": Part(
        "static_wi4_ai16",
        1,
        use_recipe,
        {},
        {"recipe.txt": ("src/textzoo/quantizers/recipes.py", "    for recipe in (\n")},
        "quantization=int4",
    ),
    "corpus of own texts": Part(
        "my_corpus", 1, use_texts, {"my_corpus.yaml": "conf/dataset/my_corpus.yaml"}, {}, "dataset=mine"
    ),
    "corpus of the web": Part(
        "apache_license",
        1,
        use_download,
        {},
        {"corpus.txt": (f"{TEXT}/corpora/registry.py", CORPORA)},
        "dataset=license",
    ),
    "tokenizer": Part(
        "my_tokenizer",
        4,
        use_tokenizer,
        {
            "my_tokenizer.py": f"{TEXT}/tokenizers/my_tokenizer.py",
            "tokenizer_my_tokenizer.c.j2": "deployment/platforms/common/tokenizer_my_tokenizer.c.j2",
        },
        {"tokenizer.txt": (f"{TEXT}/tokenizers/registry.py", KINDS)},
        "tokenizer=mine",
    ),
    "operator": Part(
        "BITWISE_XOR",
        3,
        use_operator,
        {
            "my_operator.py": f"{COMPILER}/operators/bitwise_xor.py",
            "my_operator.h": "deployment/runtime/include/textzoo/bitwise_xor.h",
        },
        {"operator.txt": (f"{COMPILER}/operators/registry.py", "        for module, names in {\n")},
    ),
    "service": Part(
        "my_service",
        3,
        use_service,
        {"my_service.py": "src/textzoo/services/my_service.py"},
        {
            "service.txt": (f"{CONFIG}/chains.py", SERVICES),
            "service_chain.txt": (f"{CONFIG}/chains.py", CHAINS),
            "service_role.txt": ("src/textzoo/records/workspace.py", "ROLES = {\n"),
            "service_file.txt": ("src/textzoo/records/workspace.py", "WRITTEN = (\n"),
        },
        "operation_mode=service",
    ),
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_part_of_ones_own_is_few_files_and_works(part, toy, tmp_path):
    copy = Copy(tmp_path)
    assert copy.touched() == []
    copy.add(part)
    assert {*part.files.values(), *(place for place, _ in part.rows.values())} == {*copy.touched()}
    assert len(copy.touched()) <= part.most
    part.use(copy, toy)
    assert part.name in copy.run("house")
    if part.wrong:
        answer = copy.start("program", part.wrong)
        assert answer.returncode == 2
        assert part.name in answer.stderr
