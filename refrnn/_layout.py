"""The three layouts of callers, and the way to and from the time-major batched one inside."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from refrnn._types import Array


@dataclass(frozen=True, slots=True)
class Layout:
    """How one call lays out sequences: (T, B, ·), (B, T, ·) or, for one sample, (T, ·)."""

    kind: Literal["time first", "batch first", "unbatched"]

    @staticmethod
    def of(x: Array, *, batch_first: bool) -> "Layout":
        """Tell the layout of `x` from its rank; as in torch, batch_first says nothing of 2-D input."""
        rank = x.ndim
        if rank == 2:
            return UNBATCHED
        if rank == 3:
            return BATCH_FIRST if batch_first else TIME_FIRST
        wanted = "(B, T, I)" if batch_first else "(T, B, I)"
        message = (
            f"x must have the shape {wanted}, or (T, I) for one unbatched sample; got {rank} dimensions. "
            "Add the missing axis or remove the extra one."
        )
        raise ValueError(message)

    def shape(self, steps: int | str, batch: int | str, width: int) -> tuple[int | str, ...]:
        """Return the shape of a sequence in this layout."""
        if self.kind == "unbatched":
            return (steps, width)
        return (batch, steps, width) if self.kind == "batch first" else (steps, batch, width)

    def state_shape(self, count: int, batch: int, width: int) -> tuple[int, ...]:
        """Return the shape of h_0 and h_n: (L·D, B, H), never batch-first."""
        return (count, width) if self.kind == "unbatched" else (count, batch, width)

    def time_major(self, sequence: Array) -> Array:
        """Return a sequence of this layout as a view (T, B, ·)."""
        if self.kind == "unbatched":
            return sequence[:, np.newaxis]
        return sequence.swapaxes(0, 1) if self.kind == "batch first" else sequence

    def restored(self, sequence: Array) -> Array:
        """Return a time-major sequence (T, B, ·) as a view in this layout."""
        if self.kind == "unbatched":
            return sequence[:, 0]
        return sequence.swapaxes(0, 1) if self.kind == "batch first" else sequence

    def batched_state(self, state: Array) -> Array:
        """Return h_0 or dL/dh_n of this layout as a view (L·D, B, H)."""
        return state[:, np.newaxis] if self.kind == "unbatched" else state

    def restored_state(self, state: Array) -> Array:
        """Return a state (L·D, B, H) as a view in this layout."""
        return state[:, 0] if self.kind == "unbatched" else state

    def refuse_lengths(self) -> None:
        """Refuse lengths for one unbatched sample, which has just the steps it has."""
        if self.kind == "unbatched":
            message = (
                "lengths describe the padding of a batch; got them with one unbatched sample. Cut x to its "
                "length instead."
            )
            raise ValueError(message)


TIME_FIRST, BATCH_FIRST, UNBATCHED = Layout("time first"), Layout("batch first"), Layout("unbatched")
