"""Notebooks put together wrongly, with cells of right and broken code: refused in words, or loaded definitions."""

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from conformance.errors import ConformanceError
from conformance.hand_written.calling.loading.load import load
from fuzz.choices import Choices, Outcome, refused

CODE = (
    *(
        "import numpy as np",
        "class RNN:\n    def forward(self, x):\n        return x",
        "def forward(x):\n    return x",
    ),
    *(
        "%matplotlib inline",
        "!ls",
        "%%bash\nls",
        "x = !ls",
        "RNN?",
        "W = np.zeros((H, I))",
        "print 'old'",
        "x =",
    ),
    *(
        "for i in range(3):\n    pass",
        "raise ValueError",
        "import nowhere",
        "from .base import Layer",
        "1 / 0",
    ),
    *("(" * 300, "-" * 20_000 + "1", "a" + ".b" * 5000, "\x00", "\tx = 1\n  y = 2", "exit()", "await f()"),
    *(
        "class A(A): pass",
        "class B(Missing): pass",
        "@missing\ndef f(): pass",
        "def f(x=missing): pass",
        "lambda: (yield)",
    ),
    *(
        "x = open('nowhere').read()",
        "'''",
        "del np",
        "__name__ = 3",
        "from __future__ import annotations",
        "assert False",
    ),
)
ODD = (None, 5, "cells", [], {}, [1], [[]], {"a": 1}, True, 1.5, [None], ["x = 1", 2])


def loaded_notebook(data: bytes) -> Outcome:
    """Load the notebook that `data` makes."""
    path = _folder() / "book.ipynb"
    path.write_bytes(made(Choices(data)))
    try:
        loaded = load(str(path))
    except ConformanceError as refusal:
        return refused(refusal)
    assert loaded.wanted == ()
    return Outcome.RIGHT


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-"))


def made(choices: Choices) -> bytes:
    if choices.now_and_then(8):
        return choices.rest()
    cells: Any = [_cell(choices) for _ in range(choices.below(5))]
    notebook: Any = {"cells": choices.one_of(ODD) if choices.now_and_then(8) else cells}
    if choices.now_and_then(8):
        notebook = choices.one_of((*ODD, {"worksheets": [{"cells": cells}]}, {"worksheets": []}))
    content = json.dumps(notebook).encode("utf-8", "surrogatepass")
    return content[: choices.below(len(content) + 1)] if choices.now_and_then(8) else content


def _cell(choices: Choices) -> Any:
    if choices.now_and_then(12):
        return choices.one_of(ODD)
    code: Any = "\n".join(choices.one_of(CODE) for _ in range(choices.below(3)))
    if choices.now_and_then(6):
        code = choices.text(40)
    elif choices.now_and_then(3):
        code = code.splitlines(keepends=True)
    elif choices.now_and_then(8):
        code = choices.one_of(ODD)
    cell = {"cell_type": choices.one_of(("code", "code", "code", "markdown", None, [])), "source": code}
    if choices.now_and_then(8):
        cell["input"] = cell.pop("source")
    return cell
