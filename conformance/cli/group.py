"""The program `conformance`: its commands, and the exit code it leaves with."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from conformance.cli.calibrate import calibrate
from conformance.cli.cases import list_
from conformance.cli.check import check
from conformance.cli.completion import completion
from conformance.cli.contracts import contracts
from conformance.cli.diff import diff, merge
from conformance.cli.env import env
from conformance.cli.explain import explain
from conformance.cli.help import Grouped
from conformance.cli.init import init
from conformance.cli.power import power
from conformance.cli.report import report
from conformance.cli.run import run
from conformance.cli.show import show
from conformance.cli.streams import prepare_streams
from conformance.errors import ConformanceError

EXIT_USAGE, EXIT_INTERNAL, EXIT_INTERRUPTED = 2, 3, 130
COMMANDS = (
    check,
    init,
    run,
    report,
    diff,
    merge,
    list_,
    show,
    power,
    explain,
    contracts,
    calibrate,
    env,
    completion,
)

EPILOG = """
Exit codes of check and run: 0 conforms, 1 differs, 2 wrong usage, 3 internal error, 4 nothing was checked,
5 can't be said, 130 interrupted.
"""


@click.group(
    cls=Grouped,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EPILOG,
)
@click.version_option(package_name="refrnn", prog_name="conformance")
def cli() -> None:
    """Find what is wrong in recurrent networks: hand-written ones, and those of torch, step by step."""


for command in COMMANDS:
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with an honest exit code."""
    prepare_streams()
    try:
        code = cli.main(args=arguments, prog_name="conformance", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = EXIT_USAGE
    except ConformanceError as error:
        from conformance.report.words import legal

        click.echo(f"Error: {legal(str(error))}", err=True)
        code = EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        code = EXIT_INTERRUPTED
    except OSError as error:
        click.echo(f"Error: {error}", err=True)  # a full disk, say: not ours to report
        code = EXIT_INTERNAL
    except Exception:  # noqa: BLE001 - the last resort tells what happened and doesn't claim a verdict
        import traceback

        traceback.print_exc()
        click.echo("Internal error: this is a mistake in conformance itself; please report it.", err=True)
        code = EXIT_INTERNAL
    sys.exit(code)
