"""Adapters and torch modules compute with the real torch; code in NumPy that only mentions it doesn't wait for it."""

import sys

import pytest
import torch

from conformance.hand_written.calling.loading.frameworks import kind_of
from conformance.hand_written.calling.loading.load import load
from conformance.hand_written.calling.loading.source import pieces_of
from conformance.hand_written.calling.loading.stubs import is_stub

USES = "import torch\n"
ADAPTER = "class A:\n    def run(self, problem): ...\n"
MODULE = "class N(nn.Module): ...\n"
NUMPY = "class R:\n    def forward(self, x): ...\n"


@pytest.fixture
def written(tmp_path):
    """Return what writes files into one folder and says what a target in the first of them is."""

    def write(first, wanted=(), **others):
        for name, text in {"target": first, **others}.items():
            (tmp_path / f"{name}.py").write_text(text)
        return kind_of(pieces_of(tmp_path / "target.py")[0], wanted, (tmp_path,))

    return write


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (NUMPY, "numpy"),
        (USES + NUMPY, "numpy"),
        (USES + "class R:\n    def run(self, x, h): ...\n", "numpy"),
        (USES + "reference = torch.nn.RNN(3, 4)\n" + NUMPY, "numpy"),
        (USES + ADAPTER, "adapter"),
        (
            "from conformance import handwritten as h, check\nimport conformance\nconformance.handwritten('a.py')",
            "adapter",
        ),
        ("from torch import nn\n" + MODULE, "module"),
        ("import torch.nn as nn\n" + MODULE, "module"),
        ("from torch.nn import RNNCell as Cell\nclass N(Cell): ...", "module"),
        ("import torch\nclass B(torch.nn.Module): ...\nclass N(B): ...", "module"),
        ("from torch.nn import *\nclass N(Module): ...", "module"),
        ("import lightning as pl\nclass N(pl.LightningModule): ...", "module"),
        ("class N(N): ...", "numpy"),
    ],
)
def test_what_a_target_is_stands_in_its_source(source, kind, written):
    assert written(source) == kind


def test_a_class_of_a_file_next_to_it_counts_where_it_is_inherited_or_wanted(written):
    base = "from torch import nn\nclass Base(nn.Module): ...\n"
    assert written("from base import Base\nclass N(Base): ...", base=base) == "module"
    assert written("import base\nclass N(base.Base): ...", base=base) == "module"
    assert written("from base import Base\n" + NUMPY, base=base) == "numpy"
    assert written("from base import Base\n" + NUMPY, ["Base"], base=base) == "module"
    assert written("from base import A\nclass Mine(A): ...", base=ADAPTER) == "adapter"
    assert (
        written("from base import N\nclass Mine(N): ...", base="from target import Mine\nclass N(Mine): ...")
        == "numpy"
    )
    assert written("from base import N\nclass Mine(N): ...", base="class N(:") == "numpy"


def test_an_instance_counts_where_it_is_wanted(written):
    source = "from torch import nn\nnet = nn.Sequential(nn.Linear(2, 3))"
    assert written(source, ["net"]) == "module"
    assert written(source) == "numpy"


def test_torch_is_real_in_an_adapter_and_in_what_it_imports(tmp_path):
    (tmp_path / "helper_of_this_test.py").write_text(USES)
    (tmp_path / "adapter.py").write_text("import helper_of_this_test, torch\n" + ADAPTER)
    code = load(f"{tmp_path / 'adapter.py'}:A").code
    assert code.torch is torch is code.helper_of_this_test.torch


def test_torch_is_made_up_for_numpy_unless_someone_says_how_it_is_called(tmp_path):
    (tmp_path / "net.py").write_text(USES + NUMPY)
    loaded = load(f"{tmp_path / 'net.py'}:R")
    assert is_stub(loaded.code.torch)
    assert any("torch: not installed or not needed" in note for note in loaded.notes)
    assert sys.modules["torch"] is torch
    assert load(f"{tmp_path / 'net.py'}:R", as_stated=True).code.torch is torch


def test_an_adapter_gets_no_stand_in_for_what_is_not_installed(tmp_path):
    (tmp_path / "adapter.py").write_text("import nowhere_to_be_found\nimport tqdm\n" + ADAPTER)
    loaded = load(f"{tmp_path / 'adapter.py'}:A")
    assert not hasattr(loaded.code, "nowhere_to_be_found")
    assert "No module named 'nowhere_to_be_found'" in loaded.not_run[1]
    assert is_stub(loaded.code.tqdm)
