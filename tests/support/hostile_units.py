"""Units of work that end their worker, or never end, in cases of certain seeds; for tests of runs."""

import os
import signal
import time
from collections.abc import Sequence

from conformance import parse_id
from conformance.runs.unit import Examined, examine_unit

DEADLY, ENDLESS = 7, 11


def unit(case_id: str, subjects: Sequence[str]) -> Examined:
    """Examine a case; with the seed DEADLY kill this process first, with ENDLESS hang."""
    seed = parse_id(case_id).seed
    if seed == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    if seed == ENDLESS:
        time.sleep(3600)
    return examine_unit(case_id, subjects)
