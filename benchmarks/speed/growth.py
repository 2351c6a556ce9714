"""One process: forward + BPTT over one sample of T steps, plain or in segments; prints seconds and the greatest memory.

python benchmarks/speed/growth.py --steps 100000 --way segments
"""

import json
import resource
import sys
import time
from pathlib import Path

import click
import numpy as np

import refrnn

INPUTS, HIDDEN = 1, 32


def plain(rnn: refrnn.RNN, x: np.ndarray) -> None:
    """Take the loss ½·Σ output² over all steps at once."""
    trace = rnn.forward(x)
    rnn.backward(trace, trace.output)


def segments(rnn: refrnn.RNN, x: np.ndarray) -> None:
    """Take the same loss segment by segment, with states computed again."""
    rnn.backward_in_segments(rnn.forward_in_segments(x), lambda _, output: output)


def peak_bytes() -> int:
    """Return the most memory that this process had resident."""
    status = Path("/proc/self/status")
    if status.exists():  # of this program alone: what getrusage tells begins before exec on Linux
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@click.command()
@click.option("--steps", type=int, required=True)
@click.option("--way", type=click.Choice(["plain", "segments"]), required=True)
def main(*, steps: int, way: str) -> None:
    """Measure one length."""
    rng = np.random.default_rng(0)
    rnn = refrnn.RNN(INPUTS, HIDDEN, generator=rng)
    run = plain if way == "plain" else segments
    run(rnn, rng.standard_normal((2, 1, INPUTS)))  # what is loaded on first use isn't counted
    x = rng.standard_normal((steps, 1, INPUTS))
    before, started = peak_bytes(), time.process_time()
    run(rnn, x)
    seconds = time.process_time() - started
    print(json.dumps({"steps": steps, "way": way, "cpu_seconds": seconds, "bytes": peak_bytes() - before}))


if __name__ == "__main__":
    main()
