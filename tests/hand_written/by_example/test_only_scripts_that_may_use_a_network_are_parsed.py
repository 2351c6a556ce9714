"""A project has many files: those that can't use a network aren't parsed, and none for what agrees in its own file."""

import pytest
from support.small_networks import checked_here

from conformance.hand_written.by_example import drivers
from conformance.hand_written.calling.loading.source import pieces_of
from conformance.hand_written.target import Target

NETWORK = """
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden):
        self.W, self.U = np.zeros((n_hidden, n_in)), np.zeros((n_hidden, n_hidden))

    def forward(self, xs):
        h = np.zeros(len(self.U))
        hs = []
        for x in xs:
            h = np.tanh(self.W @ x + self.U @ h)
            hs.append(h)
        return np.array(hs)
"""

AROUND = {
    "train.py": "from network import Net\nNet(3, 6).forward([])\n",
    "other.py": "print('nothing of it')\n",
    "broken.py": "from network import (\n",
}


@pytest.fixture
def parsed(tmp_path, monkeypatch):
    """The names of the files beside a network that are parsed to find what uses it."""
    for name, text in AROUND.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    names = []
    monkeypatch.setattr(drivers, "pieces_of", lambda path: names.append(path.name) or pieces_of(path))
    return names


def test_what_does_not_speak_of_a_network_is_not_parsed(tmp_path, parsed):
    path = tmp_path / "network.py"
    path.write_text(NETWORK, encoding="utf-8")
    found = list(drivers.drivers_of(Target.parse(f"{path}:Net"), path, pieces_of(path)[0]))
    assert [driver.path.name for driver in found] == ["train.py"]
    assert sorted(parsed) == ["broken.py", "train.py"]


def test_what_agrees_is_watched_in_its_own_file_alone(tmp_path, parsed):
    assert checked_here(tmp_path, NETWORK).verdict == "forward-conforms"
    assert parsed == []
