"""Which ways of mending a source suit which seam, the likeliest first."""

import re
from collections.abc import Iterator, Mapping

from conformance.hand_written.diagnosis import operators as op
from conformance.hand_written.diagnosis.edits import Edit, spots

READING = (op.at_another_step, op.another_name, op.of_a_sequence)

BY_SEAM: Mapping[str, tuple[op.Operator, ...]] = {
    "activation": (op.unwrapped, op.one_operand),
    "recurrence": (op.transposed, op.another_name, op.at_another_step),
    "start": (op.another_name, op.unwrapped),
    "biases": (op.another_name, op.with_more),
    "inputs": READING,
    "kept": READING,
    "head_input": READING,
}
"""The operators that may mend a wrong choice at each seam of a forward pass; backward passes are mended by value."""


BACKWARD = re.compile(r"back|grad|bptt|deriv|prime|^d_?[a-z]+$|train|update", re.IGNORECASE)
"""Names of functions in which a mistake of the forward pass is looked for last."""


INTO_ITSELF = re.compile(r"\b([\w.]+)(\.(append|insert|extend)\((\d+, *)?\1\)|\[[^\]]*\] = \1$)")
"""What puts a container into itself, of which no array can be made."""


def edits(seam: str, files: Mapping[str, str]) -> Iterator[Edit]:
    """Yield the edits that may mend a wrong choice at `seam` of a forward pass, in all files, the likeliest first."""
    places = [spot for file, text in files.items() for spot in spots(file, text)]
    places.sort(key=lambda spot: bool(BACKWARD.search(spot.function)))
    seen: set[Edit] = set()
    for operator in BY_SEAM.get(seam, ()):
        for spot in places:
            for edit in operator(spot):
                if edit not in seen and not INTO_ITSELF.search(edit.shown(files[edit.file])[1]):
                    seen.add(edit)
                    yield edit
