"""One page for every fault of the catalogue, and an index of them: Markdown made from the entries alone.

python -m conformance.report.fault_pages docs/faults
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

CHAPTERS: tuple[tuple[str, Sequence[Fault]], ...] = (
    ("Forward pass", FORWARD),
    ("Output head and loss", HEAD),
    ("Backward loop: derivatives and output gradients", BACKWARD),
    ("Backward loop: what is carried", CARRY),
    ("Gradients of parameters", GRADIENTS),
    ("Constants, clipping, repeated calls", SCALE),
    ("Layers, directions, batches", STACK),
)

INDEX = "README.md"


def pages() -> dict[str, str]:
    """Return the text of every page by its file name."""
    found = {f"{fault.id}.md": page(fault) for fault in CATALOGUE.values()}
    return {INDEX: index(), **found}


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
    yield from ("", f"`conformance explain {fault.id}` prints this; [all faults]({INDEX}).")


def _code(text: str) -> list[str]:
    return text.split("; ")


def index() -> str:
    """Return the page that lists all faults."""
    lines = [
        "# Faults of hand-written networks",
        "",
        f"{len(CATALOGUE)} mistakes, each of which can be simulated by itself or with others. What `conformance check`",
        "names is a set of them whose simulated gradients are those of the network to rounding.",
    ]
    for title, faults in CHAPTERS:
        lines += ["", f"## {title}", ""]
        lines += [f"- [{fault.id}]({fault.id}.md): {fault.name}" for fault in faults]
    return "\n".join(lines) + "\n"


def write(folder: Path) -> None:
    """Write all pages into `folder`, and remove pages of faults that there are no longer."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for path in folder.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
