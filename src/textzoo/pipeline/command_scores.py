"""How well a model understands commands that it was not trained on, as typed and with typing mistakes."""

import time
from collections.abc import Iterator, Sequence
from random import Random

from textzoo.common.progress import progress_bar
from textzoo.engines.base import Engine
from textzoo.engines.generate import generate
from textzoo.grammars.grammar import Grammar
from textzoo.records.report import CommandReport
from textzoo.text.commands.command import END, Command, compact
from textzoo.text.commands.command_set import CommandSet
from textzoo.text.commands.scores import CommandScores, scores
from textzoo.text.commands.variation import with_typos
from textzoo.text.tokenizers.base import Tokenizer

TYPOS = (0, 1, 2)
SEED = 0


class CommandScorer:
    """Lets a model answer commands and compares.

    Args:
        engine: Of the model; it answers with the most probable text.
        tokenizer: The model's own.
        grammar: What answers have to be; None for anything.
    """

    def __init__(self, engine: Engine, tokenizer: Tokenizer, grammar: Grammar | None) -> None:
        self.engine, self.tokenizer, self.grammar = engine, tokenizer, grammar

    def answer(self, command: Command) -> str:
        """Return what the model writes to a sentence; its prompt and answer have room for one context."""
        pieces = generate(
            self.engine,
            self.tokenizer,
            command.prompt,
            max_tokens=self.engine.context_length,
            temperature=0.0,
            stop=END,
            unknown="unk" if self.tokenizer.unknown_token is not None else "error",
            grammar=self.grammar,
            input_text=command.sentence,
        )
        return "".join(pieces)

    def scores(self, commands: Sequence[Command], description: str) -> CommandScores:
        with progress_bar(description, len(commands), unit="commands") as advance:
            answers = []
            for command in commands:
                answers.append(self.answer(command))
                advance()
        return scores(commands, answers)


def grammar_of(commands: CommandSet) -> Grammar:
    return Grammar("json_schema", compact(commands.schema))


def tested(commands: CommandSet, typos: int, most: int) -> list[Command]:
    """Return at most so many commands to test with, evenly from all, with typos; those with too few words have none."""
    step = max(1, -(-len(commands.test) // most))
    chooser = Random(SEED + typos)
    varied = (with_typos(command, commands.copied, typos, chooser) for command in commands.test[::step])
    return [command for command in varied if command is not None]


def command_reports(label: str, scorer: CommandScorer, commands: CommandSet, most: int) -> Iterator[CommandReport]:
    """Yield the measures of a model for each number of typos."""
    for typos in TYPOS:
        sentences = tested(commands, typos, most)
        if not sentences:
            continue
        start = time.perf_counter()
        found = scorer.scores(sentences, f"{label} understands {len(sentences):,} commands")
        yield CommandReport(
            model=label,
            engine=scorer.engine.name,
            typos=typos,
            sentences=found.commands,
            intent_accuracy=found.intent_accuracy,
            exact_match=found.exact_match,
            slot_f1=found.slot_f1,
            valid_json=found.valid_json,
            false_accepts=found.false_accepts,
            seconds=time.perf_counter() - start,
        )
