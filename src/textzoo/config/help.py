"""The table of keys and the help page, generated from the schema and the table of chains."""

import dataclasses

from textzoo.common.paths import CONFIGURATION, PROGRAM
from textzoo.common.settings import default_of, range_text, type_name
from textzoo.config.chains import CHAINS, SERVICES
from textzoo.config.primary import PrimaryConfig
from textzoo.config.schema import Config, walk

HELP = """TextZoo: from one YAML to a tiny language model that talks on a microcontroller.

Usage:   {program} operation_mode=MODE [key=value ...] [group=option ...]
         {program} --config-path . --config-name user_config.yaml
         {program} -m model.n_layers=2,3          (a sweep)

Modes:
{modes}

Groups (group=option chooses a file of conf/):
{groups}

Keys:    operation_mode=describe prints every key with type, range, default and meaning; --cfg job prints the
         configuration that would run; --hydra-help tells about Hydra's own flags.

Example: {program} operation_mode=chain_tqe dataset=text dataset.training_path=my_text.txt
"""


def help_text() -> str:
    """Return the page of --help."""
    modes = "\n".join(f"  {mode:13} {mode_text(mode)}" for mode in CHAINS)
    names, primary = sorted(path.name for path in CONFIGURATION.iterdir() if path.is_dir()), PrimaryConfig()
    groups = "\n".join(f"  {name:13} {', '.join(primary.options(name))}" for name in names)
    return HELP.format(program=PROGRAM, modes=modes, groups=groups).rstrip()


def mode_text(mode: str) -> str:
    """Return what a mode does: a service in words, a chain as its services."""
    services = CHAINS[mode]
    return SERVICES[mode].text if mode in SERVICES else " -> ".join(services)


def key_rows() -> list[tuple[str, str, str, str, str]]:
    """Return per key: name, type with unit, range or choices, default, meaning."""
    return [
        (name, type_name(entry), limits_text(entry), default_text(entry), entry.metadata["text"])
        for name, entry in walk()
    ]


def limits_text(entry: dataclasses.Field) -> str:
    """Return the choices or the range of a key."""
    return ", ".join(entry.metadata["choices"]) or range_text(entry)


def default_text(entry: dataclasses.Field) -> str:
    """Return the default of a key as YAML spells it."""
    if entry.metadata["required"]:
        return "the board's"
    value = default_of(entry)
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def key_table() -> str:
    """Return all keys as text: a line per section, then per key its default, type, range and meaning."""
    lines: list[str] = []
    section = None
    for name, kind, limits, default, text in key_rows():
        head = name.partition(".")[0]
        if head != section and head in {entry.name for entry in dataclasses.fields(Config)}:
            section = head
            lines.append(f"\n[{section}]")
        lines.append(f"{name} = {default}")
        lines.append(f"    {text} ({kind}{'; ' + limits if limits else ''})")
    return "\n".join(lines).strip()


def operator_table() -> str:
    """Return the operators that the compiler knows, with the types that each takes."""
    from textzoo.compiler.operators.registry import operator_rows

    rows = [f"{name}\n    {types}" for name, types in operator_rows()]
    return "\n".join(["", "[operators of a .tflite that compile to C]", *rows])


def key_table_markdown() -> str:
    """Return the same table in Markdown, for the documentation."""
    head = "| key | default | type | range | meaning |\n|---|---|---|---|---|\n"
    rows = (
        f"| `{name}` | `{default or ' '}` | {kind} | {limits} | {text} |"
        for name, kind, limits, default, text in key_rows()
    )
    return head + "\n".join(rows)
