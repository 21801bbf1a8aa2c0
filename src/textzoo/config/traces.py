"""What an invocation leaves: a run has a folder, a report and usually a run in the tracking store."""

from operator import attrgetter

from textzoo.config.chains import TALKING
from textzoo.config.schema import Config


def is_run(config: Config) -> bool:
    """Return whether an invocation is a run; a mode that talks is one only if its key in TALKING says so."""
    if config.operation_mode not in TALKING:
        return True
    key = TALKING[config.operation_mode]
    return key is not None and bool(attrgetter(key)(config))
