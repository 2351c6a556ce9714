"""Which way imports point, read from the sources; and what `refrnn` shows to the outside."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import refrnn

ROOT = Path(__file__).parents[2]
PACKAGES = ("refrnn", "conformance")
ROOMS = (
    "errors",
    "extras",
    "lazy",
    "cases",
    "record",
    "subjects",
    "judge",
    "examination",
    "faults",
    "runs",
    "report",
    "hand_written",
)
"""The rooms of `conformance` from the bottom up: each may use those before it, and knows none after it."""
FRONT_ENDS = ("conformance.cli", "conformance.pytest_plugin")
STARTERS = {"conformance/__main__.py": ("conformance.cli",)}
"""Files whose one purpose is to start a front end."""
MAY_MEET_TORCH = (
    "conformance/subjects/",
    "conformance/hand_written/torch_modules/",
    "conformance/cases/masks.py",
    "conformance/record/environment.py",
)


@dataclass(frozen=True)
class Import:
    """One module that a file imports, and whether only when some function runs, or for types alone."""

    module: str
    deferred: bool
    line: int


def imports_of(source: str, module: str, *, package: bool = False) -> Iterator[Import]:
    """Find every module that a source may import, `import_module("…")` included.

    `from a import b` may mean the module `a.b`, so both are named.
    """
    tree = ast.parse(source)
    deferred = {id(inner) for node in ast.walk(tree) if runs_later(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        for name in names_in(node, module, package=package):
            yield Import(name, id(node) in deferred, getattr(node, "lineno", 0))


def runs_later(node: ast.AST) -> bool:
    """Tell functions, whose bodies run when called, and `if TYPE_CHECKING`, which never runs."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" and not node.orelse
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))


def names_in(node: ast.AST, module: str, *, package: bool) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parents = module.split(".")
            parents = parents[: len(parents) - node.level + package]
            base = ".".join([*parents, base]) if base else ".".join(parents)
        return [base] + [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("import_module", "__import__", "find_spec") and isinstance(node.args[0].value, str):
            return [node.args[0].value]
    return []


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _room(module: str) -> str:
    return module.split(".")[1] if module.startswith("conformance.") else ""


def offences(path: str, source: str) -> list[str]:
    """Return every import of a file that points the wrong way, as sentences."""
    parts = path.removesuffix(".py").split("/")
    package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if package else parts)
    found = []
    for item in imports_of(source, module, package=package):
        top = item.module.split(".")[0]
        problems = {
            "refrnn imports numpy and the standard library alone": path.startswith("refrnn/")
            and top not in {"refrnn", "numpy", *sys.stdlib_module_names},
            "rooms know none above them": _room(module) in ROOMS
            and _room(item.module) in ROOMS
            and ROOMS.index(_room(item.module)) > ROOMS.index(_room(module)),
            "judge knows no subjects": path.startswith("conformance/judge/")
            and within(item.module, "conformance.subjects")
            and not within(item.module, "conformance.subjects.observation"),
            "report knows no judge": path.startswith("conformance/report/")
            and within(item.module, "conformance.judge"),
            "torch is met by subjects and modules alone": top == "torch"
            and not path.startswith(MAY_MEET_TORCH),
            "torch is imported inside functions": top == "torch" and not item.deferred,
            "nobody knows the front ends": within(item.module, *FRONT_ENDS)
            and not within(module, *FRONT_ENDS)
            and not within(item.module, *STARTERS.get(path, ())),
            "tests stay outside": top in {"tests", "oracles", "pytest", "_pytest", "hypothesis", "flint"}
            and not within(module, "conformance.pytest_plugin", "conformance.suite"),
        }
        found += [
            f"{path}:{item.line} imports {item.module}: {law}" for law, broken in problems.items() if broken
        ]
    return found


def sources() -> list[str]:
    return sorted(
        path.relative_to(ROOT).as_posix() for name in PACKAGES for path in (ROOT / name).rglob("*.py")
    )


@pytest.mark.parametrize("path", sources())
def test_a_file_imports_only_what_it_may(path: str) -> None:
    assert offences(path, (ROOT / path).read_text(encoding="utf-8")) == []


def test_there_are_files_to_read() -> None:
    assert {"refrnn/__init__.py", "refrnn/_rnn.py", "refrnn/_elman.py"} <= set(sources())


PLANTED = [
    ("refrnn/_a.py", "import torch", "numpy and the standard library alone"),
    ("refrnn/_a.py", "def f():\n    import torch.nn as nn", "modules alone"),
    ("refrnn/_a.py", "from scipy import linalg", "standard library alone"),
    ("refrnn/_a.py", "from conformance import cases", "standard library alone"),
    ("refrnn/_a.py", "if TYPE_CHECKING:\n    import click", "standard library alone"),
    ("refrnn/_a.py", "import importlib\nimportlib.import_module('torch')", "standard library alone"),
    ("refrnn/_a.py", "torch = __import__('torch')", "inside functions"),
    ("refrnn/_a.py", "from .. import conformance", "standard library alone"),
    ("conformance/judge/a.py", "from conformance.subjects import torch_steps", "judge knows no subjects"),
    ("conformance/judge/a.py", "from conformance import subjects", "judge knows no subjects"),
    ("conformance/judge/a.py", "from ..subjects import reference", "judge knows no subjects"),
    ("conformance/judge/__init__.py", "from ..subjects import reference", "judge knows no subjects"),
    ("conformance/judge/a.py", "def f():\n    import conformance.subjects.reference", "no subjects"),
    ("conformance/report/a.py", "from conformance.judge.local import local_check", "report knows no judge"),
    ("conformance/report/__init__.py", "from ..judge import local", "report knows no judge"),
    ("conformance/subjects/a.py", "import torch", "inside functions"),
    ("conformance/subjects/a.py", "class A:\n    import torch", "inside functions"),
    ("conformance/subjects/a.py", "try:\n    from torch import nn\nexcept ImportError: pass", "inside"),
    ("conformance/subjects/a.py", "if not TYPE_CHECKING:\n    import torch", "inside functions"),
    ("conformance/subjects/a.py", "if TYPE_CHECKING:\n    pass\nelse:\n    import torch", "inside"),
    ("conformance/record/environment.py", "import torch", "inside functions"),
    ("conformance/cases/a.py", "def f():\n    import torch", "modules alone"),
    ("conformance/examination/engine.py", "import conformance.cli", "front ends"),
    ("conformance/examination/engine.py", "from conformance import pytest_plugin", "front ends"),
    ("conformance/report/a.py", "from conformance.cli import main", "front ends"),
    ("conformance/__main__.py", "from conformance.pytest_plugin import pytest_configure", "front ends"),
    ("conformance/subjects/a.py", "from conformance.hand_written import calling", "none above them"),
    (
        "conformance/report/a.py",
        "def f():\n    from conformance.hand_written.report import view",
        "none above",
    ),
    ("conformance/cases/a.py", "from conformance import record", "none above them"),
    (
        "conformance/record/a.py",
        "if TYPE_CHECKING:\n    from conformance.runs import gate",
        "none above them",
    ),
    ("conformance/judge/a.py", "from hypothesis import given", "tests stay outside"),
]


@pytest.mark.parametrize(("path", "source", "law"), PLANTED)
def test_an_import_that_points_the_wrong_way_is_seen(path: str, source: str, law: str) -> None:
    found = offences(path, source)
    assert any(law in sentence for sentence in found), found


ALLOWED = [
    ("refrnn/_a.py", "import math\nimport numpy.typing as npt\nfrom refrnn._types import Array"),
    ("refrnn/_a.py", "from . import _types\nfrom ._types import Array"),
    ("conformance/judge/a.py", "from conformance.cases import Problem\nfrom refrnn import RNN"),
    ("conformance/judge/a.py", "from conformance.subjects.observation import Observation"),
    ("conformance/hand_written/a.py", "from conformance.report.words import legal\nimport conformance.judge"),
    ("conformance/judge/subjects.py", "from conformance.judge import rounding"),
    ("conformance/subjects/a.py", "def f():\n    import torch\n    from torch import nn"),
    ("conformance/subjects/a.py", "if TYPE_CHECKING:\n    import torch"),
    ("conformance/record/environment.py", "def f():\n    import torch"),
    ("conformance/__main__.py", "from conformance.cli import main"),
    ("conformance/cli/run.py", "from conformance.judge import local_check\nimport click"),
    ("conformance/examination/engine.py", "from conformance.climate import weather"),
    ("conformance/report/a.py", "TORCH = 'torch'  # import torch"),
]


@pytest.mark.parametrize(("path", "source"), ALLOWED)
def test_an_import_that_points_the_right_way_is_left_alone(path: str, source: str) -> None:
    assert offences(path, source) == []


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after a statement."""
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in run.stdout.split()}


def test_importing_refrnn_loads_numpy_and_nothing_heavier() -> None:
    added = loaded_by("import refrnn") - loaded_by("import numpy, numpy.random, numpy.typing")
    assert added - {"refrnn"} <= set(sys.stdlib_module_names)
    assert not {"torch", "conformance"} & added


def test_the_look_at_loaded_modules_can_fail() -> None:
    assert "flint" in loaded_by("import flint")


def test_refrnn_shows_exactly_these_names() -> None:
    assert sorted(refrnn.__all__) == sorted(PUBLIC)
    assert sorted(name for name in vars(refrnn) if not name.startswith("_")) == sorted(PUBLIC)


def test_every_public_class_and_function_is_documented() -> None:
    for name in PUBLIC:
        value = getattr(refrnn, name)
        if callable(value) and getattr(value, "__module__", "").startswith("refrnn"):
            assert value.__doc__, name


PUBLIC = [
    "GRU",
    "LSTM",
    "RNN",
    "Array",
    "CellGradients",
    "CellTrace",
    "Convention",
    "ElmanCell",
    "GRUCell",
    "Gradients",
    "LSTMCell",
    "Layout",
    "Linear",
    "LinearGradients",
    "LinearTrace",
    "LossGradients",
    "Network",
    "RNNCell",
    "SegmentedGradients",
    "SegmentedTrace",
    "SequenceModel",
    "Trace",
    "Weights",
    "cross_entropy",
    "sgd",
    "softmax",
    "squared_error",
]
