"""The report as one HTML file that asks nothing of the network and trusts nothing in the record."""

import base64
import hashlib
import json
from types import SimpleNamespace

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from conformance.record import ContractRecord
from conformance.record.numbers import shown
from conformance.record.summary import VERDICTS
from conformance.report import pictures, plots
from conformance.report.templates import template
from conformance.report.views.grid import Grid
from conformance.report.views.page import Page
from conformance.report.words import environment_rows, tell


def html(page: Page) -> str:
    """Return the page: styles, script, data and plots inside, allowed by their hashes and nothing else."""
    script, source = template("page.js"), template("page.html.jinja")
    style = template("page.css") + template("pictures.css")
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=DictLoader({"page": source, "pictures": template("pictures.html.jinja")}),
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "all_hold": _all_hold,
        "beyond": lambda share: "" if float(share) <= 1 else " beyond",
        "bar": lambda share: f"{float(share):.4g}" if 0 <= float(share) <= 1 else "1",
        "count": lambda number: f"{number:,}",
        "count_or_dot": lambda number: f"{number:,}" if number else "·",
        "environment_rows": environment_rows,
        "plain": lambda number: f"{number:g}",
        "shown": shown,
        "tell": tell,
        **pictures.FILTERS,
    }
    environment.globals |= pictures.GLOBALS
    drawings = SimpleNamespace(
        shares=plots.shares(page.shares),
        noise=plots.noise(page.noise, page.record.scales),
        profiles=plots.profiles(page.record.profiles),
    )
    return environment.get_template("page").render(
        page=page,
        verdicts=VERDICTS,
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704 - ours, and it must reach the page byte by byte
        script=Markup(script),  # noqa: S704
        plots=drawings,
        grids=SimpleNamespace(groups=_json(page.by_group), cases=_json(page.cases)),
    )


def _policy(style: str, script: str) -> str:
    """Return a policy that allows this very style and script, and no request at all."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _json(grid: Grid) -> str:
    """Return the data of a grid as JSON that can't end its element or open another."""
    text = json.dumps(grid.payload(), separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _all_hold(contracts: list[ContractRecord]) -> bool:
    return all(row.holds for row in contracts)
