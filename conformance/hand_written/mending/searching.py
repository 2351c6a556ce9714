"""The search for the edits after which a backward pass gives the right gradients: from its first wrong value on."""

from collections.abc import Callable, Iterator

from conformance.hand_written.mending.candidates import Candidates, Step, order
from conformance.hand_written.mending.state import Files, Question, State

DEEPEST = 7
"""The most edits of one mend."""

FIRST_BRANCHES, BRANCHES = 3, 2
"""How many edits are followed up, among the first edits and later."""


class Search:
    """Depth first, the best edits first, until all gradients are right."""

    def __init__(self, question: Question, tell: Callable[[str], None] = lambda _: None) -> None:
        self.question = question
        self.tell = tell
        self.met: set[tuple[str, ...]] = set()
        self.led_on: list[Files] = []  # where the first edits led that were followed up
        self.furthest: State | None = None  # that sound edits alone led to
        self.ties: list[
            Files
        ] = []  # what is right after the last edit, or after another one that costs no more

    def mended(self, files: Files, depth: int = 0, *, sound: bool = True) -> Iterator[Files]:
        """Yield sources whose gradients are right, nearest first."""
        state = State(self.question, files)
        key = tuple(files.values())
        if state.recorded is None or self.question.budget.over or key in self.met:
            return
        self.met.add(key)
        if sound and (self.furthest is None or state.first_wrong > self.furthest.first_wrong):
            self.furthest = state
        if state.score.complete:
            yield files
            return
        if depth >= DEEPEST:
            return
        self.tell(f"{'  ' * depth}first wrong event {state.first_wrong}: {state.score}")
        for step in self._steps(state, FIRST_BRANCHES if depth < 2 else BRANCHES):
            self.tell(f"{'  ' * depth}{step.cost:.1f} {step.score} {shown(files, step.files)}")
            if not depth:
                self.led_on.append(step.files)
            yield from self.mended(step.files, depth + 1, sound=sound and step.is_sound)
            if self.question.budget.over:
                return

    def _steps(self, state: State, branches: int) -> Iterator[Step]:
        """Yield where edits lead: small ones first, then those that put something new in; last what may lead astray.

        What makes the first wrong value right leads on; all else is followed only where nothing does.
        """
        astray: list[Step] = []
        for rich in (False, True):
            candidates = Candidates(self.question, state, rich=rich)
            for found in (candidates.by_value(), candidates.by_running()):
                with state.live:  # what an edit calls is mended as far as the rest is
                    steps = sorted(found, key=order)
                onward = [step for step in steps if step.is_sound]
                astray += [step for step in steps if step not in onward]
                if onward and onward[0].score.complete:
                    equal = [s for s in onward if s.score.complete and s.cost <= onward[0].cost]
                    self.ties = [step.files for step in equal]
                yield from onward[:branches]
        yield from sorted(astray, key=order)[:branches]


def shown(before: Files, after: Files) -> list[str]:
    """Return the lines that an edit changed."""
    return [
        f"{n}: {new.strip()}"
        for file in after
        for n, (old, new) in enumerate(
            zip(before[file].split("\n"), after[file].split("\n"), strict=False), 1
        )
        if old != new
    ][:3]
