"""Thousands of random graphs against LiteRT, by hand:

    python tests/compiler/fuzz_graphs.py --seconds 3600 --seed 1 --jobs 2
    python tests/compiler/fuzz_graphs.py --seed 1234 --count 1 --profile views --bench m4 rv32

Prints how far it is, what it finds, and at the end the counts as JSON. Graphs that fail are made smaller and kept.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

from graph_benches import BENCHES
from graph_fuzzer import PROFILES, random_trial
from graph_judge import COMPILES, Outcome, Trial, Verdict, judge
from graph_minimizer import minimized

from textzoo.compiler.operators.registry import OPERATORS
from textzoo.compiler.passes.registry import TABLE
from textzoo.targets.toolchains import missing_tools

BATCH = 16
FORK = multiprocessing.get_context("fork")  # the libraries are imported once
USUAL = ["generic", "host", "two_cores", "mul32"]


@dataclass(frozen=True)
class Job:
    """Graphs that one process judges, or one graph that it makes smaller.

    Attributes:
        seeds: Of the graphs.
        bench: Where they run.
        profile: What kind of graphs; empty for any.
        outcome: Of a graph that is to be made smaller.
    """

    seeds: tuple[int, ...]
    bench: str
    profile: str
    outcome: Outcome | None = None


@dataclass
class Running:
    """A process at work, and what it has said so far."""

    job: Job
    process: multiprocessing.Process
    connection: Connection
    stage: tuple[int, str] = (0, "")
    is_done: bool = False


@dataclass
class Totals:
    """What has come of all graphs so far."""

    graphs: int = 0
    nodes: int = 0
    integers: int = 0
    verdicts: Counter = field(default_factory=Counter)
    benches: Counter = field(default_factory=Counter)
    operators: Counter = field(default_factory=Counter)
    reasons: dict[str, Counter] = field(default_factory=dict)
    faults: list[dict] = field(default_factory=list)
    smallest: Counter = field(default_factory=Counter)

    def line(self, seconds: float) -> str:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.most_common())
        return f"{seconds:6.0f} s: {self.graphs:,} graphs, {self.nodes:,} nodes, {self.integers:,} integers; {counts}"

    def as_json(self, seconds: float) -> str:
        content = {
            "seconds": round(seconds, 1),
            "graphs": self.graphs,
            "nodes": self.nodes,
            "integers": self.integers,
            "verdicts": dict(self.verdicts),
            "benches": dict(self.benches),
            "operators": dict(self.operators.most_common()),
            "reasons": {verdict: dict(counts.most_common()) for verdict, counts in self.reasons.items()},
            "smallest": dict(self.smallest.most_common()),
            "faults": self.faults,
        }
        return json.dumps(content, indent=1)


def work(job: Job, objects: Path, connection: Connection) -> None:
    """Judge a job's graphs, or make one smaller, and send what came of it."""
    trials = [random_trial(seed, job.profile) for seed in job.seeds]
    with tempfile.TemporaryDirectory(prefix="textzoo-graphs-") as folder:
        if job.outcome:
            connection.send(minimized(trials[0], job.outcome, BENCHES[job.bench], Path(folder), objects))
            return

        def begins(number: int, stage: str) -> None:
            connection.send((number, stage))

        outcomes = judge(trials, BENCHES[job.bench], Path(folder), objects, begins)
        connection.send([(trial.case, outcome) for trial, outcome in zip(trials, outcomes, strict=True)])


class Fuzzer:
    """Keeps some processes busy, and counts.

    Args:
        options: Of the command.
        objects: For what is the same in every program.
    """

    def __init__(self, options: argparse.Namespace, objects: Path) -> None:
        self.options, self.objects = options, objects
        self.totals = Totals()
        self.running: list[Running] = []
        self.waiting: list[Job] = []
        self.started = self.told = time.monotonic()

    def seconds(self) -> float:
        return time.monotonic() - self.started

    def run(self) -> None:
        fresh = self.fresh_jobs()
        while True:
            while len(self.running) < self.options.jobs and (job := self.next_job(fresh)):
                self.start(job)
            if not self.running:
                return
            for ready in wait([running.connection for running in self.running]):
                self.hear(next(running for running in self.running if running.connection is ready))
            if time.monotonic() - self.told > self.options.every:
                self.told = time.monotonic()
                print(self.totals.line(self.seconds()), flush=True)

    def next_job(self, fresh: Iterator[Job]) -> Job | None:
        return self.waiting.pop() if self.waiting else next(fresh, None)

    def fresh_jobs(self) -> Iterator[Job]:
        """Batches of seeds, on one bench after the other, until the time or the seeds are used up."""
        first, last = self.options.seed, self.options.seed + self.options.count
        for number, start in enumerate(range(first, last, BATCH)):
            if self.seconds() > self.options.seconds:
                return
            bench = self.options.bench[number % len(self.options.bench)]
            yield Job(tuple(range(start, min(start + BATCH, last))), bench, self.options.profile)

    def start(self, job: Job) -> None:
        receiver, sender = FORK.Pipe(duplex=False)
        process = FORK.Process(target=work, args=(job, self.objects, sender))
        process.start()
        sender.close()
        self.running.append(Running(job, process, receiver))

    def hear(self, running: Running) -> None:
        """Take what a process says, or its end."""
        try:
            message = running.connection.recv()
        except EOFError:
            self.end(running)
            return
        if isinstance(message, tuple):
            running.stage = message
            return
        running.is_done = True
        if isinstance(message, Trial):
            self.keep_smaller(running.job, message)
        else:
            for seed, (case, outcome) in zip(running.job.seeds, message, strict=True):
                self.count(running.job, seed, case, outcome)

    def end(self, running: Running) -> None:
        """Of a process. One that LiteRT has ended leaves the other graphs of its batch to be judged again."""
        running.process.join()
        self.running.remove(running)
        if running.is_done:
            return
        number, stage = running.stage
        verdict = Verdict.CRASH if stage == COMPILES else Verdict.NOT_IN_LITERT
        if running.job.outcome:
            print(f"making seed {running.job.seeds[0]} smaller ended the process", flush=True)
            return
        seed, seeds = running.job.seeds[number], running.job.seeds
        outcome = Outcome(verdict, f"{stage} ends the process with {running.process.exitcode}")
        self.count(running.job, seed, random_trial(seed, running.job.profile).case, outcome)
        rest = tuple(other for other in seeds if other != seed)
        if rest:
            self.waiting.append(Job(rest, running.job.bench, running.job.profile))

    def count(self, job: Job, seed: int, case, outcome: Outcome) -> None:
        totals = self.totals
        totals.graphs += 1
        totals.nodes += len(case.operations)
        totals.integers += outcome.compared
        totals.verdicts[outcome.verdict] += 1
        totals.benches[job.bench] += 1
        totals.operators.update(operation.name for operation in case.operations)
        if outcome.verdict is Verdict.EQUAL:
            return
        reasons = totals.reasons.setdefault(outcome.verdict, Counter())
        kind = "" if outcome.verdict is Verdict.MISMATCH else outcome.reason
        reasons[kind] += 1
        if outcome.is_fault:
            self.keep(job, seed, outcome, reasons[kind])

    def keep(self, job: Job, seed: int, outcome: Outcome, times: int) -> None:
        """Write a graph that fails, and have it made smaller unless there are enough that fail like this."""
        trial = random_trial(seed, job.profile)
        self.write(job, seed, trial, outcome, "")
        self.totals.faults.append({"seed": seed, "bench": job.bench, "verdict": outcome.verdict, "why": outcome.detail})
        if times <= self.options.minimize and "ends the process" not in outcome.detail:
            self.waiting.append(Job((seed,), job.bench, job.profile, outcome))

    def keep_smaller(self, job: Job, trial: Trial) -> None:
        seed, outcome = job.seeds[0], job.outcome
        self.totals.smallest[kind_of(trial, outcome)] += 1
        lines = self.write(job, seed, trial, outcome, "-small")
        print("\n".join([f"---- seed {seed} on {job.bench}", *lines]), flush=True)

    def write(self, job: Job, seed: int, trial: Trial, outcome: Outcome, ending: str) -> list[str]:
        folder = self.options.folder
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{outcome.verdict}: {outcome.detail}", f"without {' '.join(sorted(trial.without)) or 'no pass'}"]
        lines += [f"weights {trial.weights}", *trial.case.describe()]
        stem = folder / f"{seed}-{job.bench}{ending}"
        stem.with_suffix(".tflite").write_bytes(trial.case.content())
        stem.with_suffix(".txt").write_text("\n".join([*lines, ""]), encoding="utf-8")
        return lines


def kind_of(trial: Trial, outcome: Outcome) -> str:
    """`mismatch: ADD, SPLIT with views`: what is left of a graph that was made smaller."""
    operators = sorted({operation.name for operation in trial.case.operations})
    left = [entry.name for entry in TABLE if entry.name not in trial.without]
    return f"{outcome.verdict}: {', '.join(operators)} with {', '.join(left) or 'no pass'}"


def installed(names: Sequence[str]) -> list[str]:
    """The benches whose tools there are; the others are named."""
    found = []
    for name in names:
        if errors := missing_tools(BENCHES[name].needs()):
            print(f"without {name}: {errors[0]}")
        else:
            found.append(name)
    return found


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="after which no more graphs begin")
    parser.add_argument("--count", type=int, default=10**9, help="of graphs")
    parser.add_argument("--seed", type=int, default=1, help="of the first graph; the next one has the next seed")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--profile", choices=["", *PROFILES], default="", help="kind of graphs; any if none is given")
    parser.add_argument("--bench", nargs="+", choices=BENCHES, default=USUAL, help="where they run, in turn")
    parser.add_argument("--minimize", type=int, default=5, help="graphs of each kind of fault that are made smaller")
    parser.add_argument("--folder", type=Path, default=Path("failing_graphs"), help="for graphs that fail")
    parser.add_argument("--every", type=float, default=30.0, help="seconds between lines that say how far it is")
    return parser.parse_args()


def import_all() -> None:
    """Everything that is imported at its first use: processes that are forked have it then."""
    for name in OPERATORS.names():
        OPERATORS.get(name)
    for entry in TABLE:
        entry.function()


def main() -> int:
    options = parse_options()
    import_all()
    options.bench = installed(options.bench)
    with tempfile.TemporaryDirectory(prefix="textzoo-objects-") as objects:
        fuzzer = Fuzzer(options, Path(objects))
        fuzzer.run()
        print(fuzzer.totals.as_json(fuzzer.seconds()))
    return 1 if fuzzer.totals.faults else 0


if __name__ == "__main__":
    sys.exit(main())
