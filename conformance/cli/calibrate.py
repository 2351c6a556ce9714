"""`conformance calibrate`: by how much the functions of libraries are off on this machine."""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--function", default="tanh", show_default=True, type=click.Choice(["tanh"]), help="Which to measure."
)
@click.option(
    "--arguments",
    "count",
    default=4_000_000,
    show_default=True,
    type=click.IntRange(min=1000),
    help="How many random arguments in each precision.",
)
@click.pass_context
def calibrate(context: click.Context, function: str, count: int) -> None:
    """Measure the greatest error of a function in the libraries that are installed, in units of roundoff.

    Exits with 1 if it is beyond what the bounds allow that library.
    """
    import numpy as np

    from conformance.cases import FORMATS
    from conformance.judge import measured_tanh, units_of_tanh
    from conformance.record.environment import one_thread
    from conformance.subjects.functions import tanhs

    one_thread()
    beyond = False
    click.echo(
        f"greatest error of {function} in u |{function}|, {count:,} arguments each: float32, float64 (allowed)"
    )
    for library, version, tanh in tanhs():
        found = [measured_tanh(tanh, dtype, count) for dtype in (np.float32, np.float64)]
        allowed = [units_of_tanh(library, FORMATS[dtype]) for dtype in ("f32", "f64")]
        beyond |= any(one > limit for one, limit in zip(found, allowed, strict=True))
        said = ", ".join(f"{one:.2f} ({limit:g})" for one, limit in zip(found, allowed, strict=True))
        click.echo(f"{library} {version}\t{said}")
    context.exit(1 if beyond else 0)
