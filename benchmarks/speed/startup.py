"""How long programs take to start, in processes of their own, in turns: the processor's seconds and those passed."""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click

NETWORK = """\
import numpy as np


class RNN:
    def __init__(self, inputs, hidden):
        self.Wx = np.random.randn(hidden, inputs) * 0.3
        self.Wh = np.random.randn(hidden, hidden) * 0.3
        self.b = np.random.randn(hidden, 1)

    def forward(self, xs):
        self.xs, self.hs = xs, [np.zeros_like(self.b)]
        for x in xs:
            self.hs.append(np.tanh(self.Wx @ x + self.Wh @ self.hs[-1] + self.b))
        return self.hs[1:]

    def backward(self, dhs):
        dWx, dWh, db = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b)
        carry = np.zeros_like(self.b)
        for t in reversed(range(len(self.xs))):
            da = (dhs[t] + carry) * (1 - self.hs[t + 1] ** 2)
            dWx += da @ self.xs[t].T
            dWh += da @ self.hs[t].T
            db += da
            carry = self.Wh.T @ da
        return dWx, dWh, db
"""
"""A right network, found out, bound and judged in the processes of `conformance check`."""

PROGRAMS = {
    "python alone": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import torch": ["-c", "import torch"],
    "import conformance": ["-c", "import conformance"],
    "conformance --help": ["-m", "conformance", "--help"],
    "conformance check (a right network)": ["-m", "conformance", "check", "{file}:RNN"],
}


def run(arguments: list[str]) -> tuple[float, float]:
    """Return the seconds that passed and the processor's, child processes included."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own programs
    passed, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return passed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def dearest_imports(arguments: list[str], count: int) -> list[tuple[str, float]]:
    """Return the packages whose modules take longest to import in the process that checks, and their own seconds."""
    command = [sys.executable, "-X", "importtime", *arguments]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stderr  # noqa: S603 - as above
    spent: dict[str, float] = {}
    for line in told.splitlines():
        if line.startswith("import time:") and line.split("|")[0].split()[-1].isdigit():
            package = ".".join(line.split("|")[2].strip().split(".")[:1])
            spent[package] = spent.get(package, 0.0) + int(line.split("|")[0].split()[-1]) / 1e6
    return sorted(spent.items(), key=lambda item: -item[1])[:count]


@click.command()
@click.option("--rounds", default=5, show_default=True)
def main(*, rounds: int) -> None:
    """Start every program so many times, and print JSON."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "my_rnn.py"
        file.write_text(NETWORK)
        os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in PROGRAMS}
        for _ in range(rounds):
            for name, arguments in PROGRAMS.items():
                found[name].append(run([part.format(file=file) for part in arguments]))
        imports = dearest_imports(["-c", "import conformance.hand_written.checking.worker"], 6)
    rows = [
        {
            "program": name,
            "seconds": statistics.median(a for a, _ in pairs),
            "cpu_seconds": statistics.median(b for _, b in pairs),
        }
        for name, pairs in found.items()
    ]
    print(json.dumps({"programs": rows, "imports": [{"package": p, "seconds": s} for p, s in imports]}))


if __name__ == "__main__":
    main()
