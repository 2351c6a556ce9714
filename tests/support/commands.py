"""The command line in tests: the program, what it answers, and a subject that it finds wrong."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from click.testing import CliRunner
from support import planting
from support.planting import Shows

from conformance import parse_id
from conformance.cli import cli

CASE = "rnn-tanh-T4-B3-I5-H6-f64-s0"
CHAOTIC = "rnn-tanh-T300-B2-I4-H16-f64-gain10-s0"
PROGRAM = (sys.executable, "-m", "conformance")
PATIENCE = 120
"""Seconds after which a program that should have ended counts as hanging."""


@dataclass(frozen=True)
class Answer:
    """What the command line did."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]


def wrong() -> Shows:
    """Return a subject with one wrong state."""
    run = planting.judged(parse_id(CASE), "torch-steps")
    return Shows(planting.planted(run, run.finding("h"), (1, 2, 3), 0.25))


def conformance(*arguments: object) -> tuple[int, str]:
    """Run the command line in this process; return its exit code and what it printed on standard output."""
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout
