"""The table of all faults, docs/faults.md, and a page for every fault, docs/faults/: Markdown made from the catalogue.

python -m conformance.report.fault_pages docs
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.faults import CATALOGUE, Fault
from conformance.faults.catalogue_backward import BACKWARD
from conformance.faults.catalogue_carry import CARRY
from conformance.faults.catalogue_forward import FORWARD
from conformance.faults.catalogue_gradients import GRADIENTS
from conformance.faults.catalogue_head import HEAD
from conformance.faults.catalogue_scale import SCALE
from conformance.faults.catalogue_stack import STACK
from conformance.faults.cell_mutants import CELL_FAULTS, CELL_NETWORKS

CHAPTERS: tuple[tuple[str, Sequence[Fault]], ...] = (
    ("Forward pass", FORWARD),
    ("Output head and loss", HEAD),
    ("Backward loop: derivatives and output gradients", BACKWARD),
    ("Backward loop: what is carried", CARRY),
    ("Gradients of parameters", GRADIENTS),
    ("Constants, clipping, repeated calls", SCALE),
    ("Layers, directions, batches", STACK),
)

TABLE, FOLDER = "faults.md", "faults"
"""The table that is part of the documentation, and the folder of the pages beside it."""


def pages() -> dict[str, str]:
    """Return the text of every page by its file name."""
    return {f"{fault.id}.md": page(fault) for fault in CATALOGUE.values()}


def page(fault: Fault) -> str:
    """Return the page of one fault."""
    return "\n".join(_lines(fault)) + "\n"


def _lines(fault: Fault) -> Iterator[str]:
    yield from (f"# {fault.id}", "", fault.name, "", "## What it does to the maths", "", fault.effect, "")
    yield from ("## How it looks", "", "```python", *_code(fault.idiom), "```", "")
    yield from ("## How to mend it", "", "```python", *_code(fault.mend), "```", "")
    yield from ("## How it is simulated", "")
    chosen = "; ".join(f"`{seam} = {choice!r}`" for seam, choice in fault.choices.items())
    yield f"[`Choices`](../../conformance/faults/seams.py): {chosen}."
    if fault.perhaps:
        others = "; ".join(f"`{seam} = {choice!r}`" for seam, choice in fault.perhaps)
        yield f"Depending on how the code is written, it shows at another seam as well: {others}."
    yield from ("", f"`conformance explain {fault.id}` prints this; [all faults](../{TABLE}).")


def _code(text: str) -> list[str]:
    return text.split("; ")


def table() -> str:
    """Return the page that lists all faults."""
    lines = [
        "# Faults of hand-written networks",
        "",
        f"{len(CATALOGUE)} mistakes, each of which can be simulated by itself or with others. What `conformance check`",
        "names is a set of them whose simulated gradients are those of the network to rounding.",
        "",
        "`conformance explain FAULT` tells what one does to the maths, how it looks in code, and how to mend it;",
        f"`make faults` writes a page for each into docs/{FOLDER}. Those of an LSTM or GRU, at the end, are a sentence",
        "each: a patch that was proved tells their line.",
    ]
    for title, faults in CHAPTERS:
        lines += ["", f"## {title}", "", "| fault | what it is |", "|---|---|"]
        lines += [f"| `{fault.id}` | {fault.name.replace('|', '&#124;')} |" for fault in faults]
    for cell, sentences in CELL_FAULTS.items():
        lines += ["", f"## {CELL_NETWORKS[cell]}", ""]
        lines += [f"- `{name}`: {sentence}" for name, sentence in sentences.items()]
    return "\n".join(lines) + "\n"


def write(docs: Path) -> None:
    """Write the table and all pages into the folder `docs`, and remove pages of faults that there are no longer."""
    folder = docs / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for path in folder.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    (docs / TABLE).write_text(table(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
