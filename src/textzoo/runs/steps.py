"""One service of a run's plan."""

from dataclasses import dataclass, field

from textzoo.config.chains import SERVICES, Service
from textzoo.records.ledger import FinishedStep


@dataclass
class Step:
    """One service of the plan.

    Attributes:
        number: Its position in the chain, from 1.
        kind: Its name in SERVICES.
        reused: The finished step whose result serves again.
        reasons: Why an earlier result does not, one clause each.
        replaced: Files of earlier results that it writes over, as paths in the run's folder.
        set_aside: Files of earlier results that it moves to earlier/.
    """

    number: int
    kind: str
    reused: FinishedStep | None = None
    reasons: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the ledger and the tracker call it: "1_training"."""
        return f"{self.number}_{self.kind}"

    @property
    def service(self) -> Service:
        """Its row in the table of services."""
        return SERVICES[self.kind]
