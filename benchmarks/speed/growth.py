"""One process: forward + BPTT over one sample of T steps, plain, in segments or by torch; prints seconds and memory.

python benchmarks/speed/growth.py --steps 100000 --way segments
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

import refrnn

INPUTS, HIDDEN = 1, 32

Pass = Callable[[np.ndarray], None]
"""Forward and BPTT over x (T, 1, I)."""


def network() -> refrnn.RNN:
    """Return the network of both ways through refrnn."""
    return refrnn.RNN(INPUTS, HIDDEN, generator=np.random.default_rng(1))


def plain() -> Pass:
    """Take the loss ½·Σ output² over all steps at once."""
    rnn = network()

    def run(x: np.ndarray) -> None:
        trace = rnn.forward(x)
        rnn.backward(trace, trace.output)

    return run


def segments() -> Pass:
    """Take the same loss segment by segment, with states computed again."""
    rnn = network()

    def run(x: np.ndarray) -> None:
        rnn.backward_in_segments(rnn.forward_in_segments(x), lambda _, output: output)

    return run


def by_torch() -> Pass:
    """Let torch.nn.RNN take the same loss."""
    import torch  # noqa: PLC0415 - the other ways do without its second

    module = torch.nn.RNN(INPUTS, HIDDEN, dtype=torch.float64)

    def run(x: np.ndarray) -> None:
        module.zero_grad()
        output, _ = module(torch.from_numpy(x))
        output.backward(output.detach())

    return run


WAYS = {"plain": plain, "segments": segments, "torch": by_torch}


def peak_bytes() -> int:
    """Return the most memory that this process had resident."""
    status = Path("/proc/self/status")
    if status.exists():  # of this program alone: what getrusage tells begins before exec on Linux
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@click.command()
@click.option("--steps", type=int, required=True)
@click.option("--way", type=click.Choice(list(WAYS)), required=True)
def main(*, steps: int, way: str) -> None:
    """Measure one length."""
    rng, run = np.random.default_rng(0), WAYS[way]()
    run(rng.standard_normal((2, 1, INPUTS)))  # what is loaded on first use isn't counted
    x = rng.standard_normal((steps, 1, INPUTS))
    before, started = peak_bytes(), time.process_time()
    run(x)
    seconds = time.process_time() - started
    print(json.dumps({"steps": steps, "way": way, "cpu_seconds": seconds, "bytes": peak_bytes() - before}))


if __name__ == "__main__":
    main()
