"""Networks whose constructor was given sizes under the wrong letters: built again under the right ones."""

import re

from msgspec.structs import replace

from conformance.hand_written.calling.asking import Asked
from conformance.hand_written.calling.building.construct import Built, candidates
from conformance.hand_written.calling.loading.load import SIZES, Loaded
from conformance.hand_written.calling.running.program import run
from conformance.hand_written.calling.values.slots import Sizes

LETTER = re.compile(r"\bp\.([TBIHO])\b")


def relabelled(loaded: Loaded, built: Built, sizes: Sizes, p: Asked) -> Built | None:
    """Return a network built so that the sizes found in it are called what they are; None where they are already.

    A network built with six inputs and four units, since its arguments' names said so, has six where four were meant.
    """
    text = "\n".join(built.setup.lines)
    found = {"I": sizes.I, "H": sizes.H, "O": sizes.O}
    right = {
        letter: next((name for name, size in found.items() if size == SIZES[letter]), "")
        for letter in set(LETTER.findall(text))
    }
    if not all(right.values()) or all(letter == name for letter, name in right.items()):
        return None

    def put(line: str) -> str:
        return LETTER.sub(lambda match: f"p.{right[match[1]]}", line)

    lines = tuple(put(line) for line in built.setup.lines)
    ran = run(loaded, p, lines)
    if not ran.ok:
        return None
    says = re.sub(r"\b([TBIHO])\b", lambda match: right.get(match[1], match[1]), built.setup.says)
    setup = replace(built.setup, lines=lines, says=says)
    return Built(setup=setup, ran=ran, arrays=tuple(candidates(ran, setup.roots)))
