"""What a target's own script shows of its training, as the record of a check."""

import ast
import inspect
import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import FrameType

from msgspec import Struct, structs

from conformance.errors import UsageError
from conformance.hand_written.by_example.arrays import Reach
from conformance.hand_written.by_example.drivers import Driver, drivers_of
from conformance.hand_written.by_example.findings import (
    BY_ANOTHER_RULE,
    OF_ANOTHER,
    OF_NONE,
    OTHERWISE_ELSEWHERE,
    RATES_OF_THEIR_OWN,
    REMEMBER,
    STAYS,
    UNSURE,
    UP_ITS_LOSS,
    WITH_ANOTHER_NUMBER,
    ByItsLoss,
)
from conformance.hand_written.by_example.own_loss import by_its_loss
from conformance.hand_written.by_example.stage import LONGEST, Stage, played
from conformance.hand_written.by_example.training import Step, Training
from conformance.hand_written.by_example.written import Written, written_in
from conformance.hand_written.calling.adapter import weights_of
from conformance.hand_written.calling.hints.approximations import Said, says_otherwise
from conformance.hand_written.calling.hints.names import CALLED_A_LOSS
from conformance.hand_written.calling.loading.source import Piece, pieces_of
from conformance.hand_written.request import Request
from conformance.hand_written.target import Target, located
from conformance.record.check import (
    CHECK_SCHEMA,
    CheckRecord,
    ConsistencyRecord,
    InterfaceRecord,
)

METHOD = "central differences of its own loss, extrapolated"

SYMMETRIC = "the derivative of its updates is symmetric, as only that of a gradient is"

ONLY_AT_TIMES = "its updates are gradients of the loss that it computes in some steps, and aren't in others"

UNEXPLAINED = (
    OF_ANOTHER,
    REMEMBER,
    STAYS,
    UP_ITS_LOSS,
    OTHERWISE_ELSEWHERE,
    WITH_ANOTHER_NUMBER,
    BY_ANOTHER_RULE,
    RATES_OF_THEIR_OWN,
)
"""How ends what is told of updates that may be mistaken, and speaks against what agrees otherwise."""

Progress = Callable[[str], None]


class Use(Struct, frozen=True, kw_only=True):
    """What a script shows of a target: how it ran, what each training step came to, and which words excuse that."""

    driver: Driver
    stage: Stage
    steps: Sequence[ByItsLoss]
    said: Said | None
    declares: bool  # whether the target defines a loss

    @property
    def contradicted(self) -> bool:
        """Whether the update of one step is the gradient of a loss, and that of another isn't: it is so by chance."""
        denied = {loss for each in self.steps for loss in each.denied}
        return any(each.verdict == "right" and each.loss in denied for each in self.steps)

    @property
    def decided(self) -> ByItsLoss | None:
        """The step that says most, None where none does or they contradict each other."""
        notes = [note for each in self.steps for note in each.notes]
        if self.contradicted or any(note.endswith(WITH_ANOTHER_NUMBER) for note in notes):
            return None
        decided = [
            each
            for each in self.steps
            if (each.verdict == "right" and not (each.by_no_loss and self.declares))
            or (each.verdict == "wrong" and self.said is None)
        ]
        return max(decided, key=lambda each: len(each.right), default=None)


def checked_as_used(request: Request, progress: Progress) -> tuple[CheckRecord | None, list[str]]:
    """Return the check of a target by a training step of the script that uses it; None where that shows none.

    Beside it stands what was run in vain, a sentence each.
    """
    told: list[str] = []
    for use in _uses(request, progress):
        if use.decided is not None:
            return _record(request, use, use.decided), told
        script = use.driver.path.name
        told += [
            f"{script} was run to see how it uses {request.target}: {_in_vain(use)}.",
            *_made_up(use.stage),
        ]
    return None, told


def denied_as_used(request: Request, record: CheckRecord, progress: Progress) -> CheckRecord:
    """Return the record of what agrees, undecided where its own script trains it otherwise than by its loss's gradient.

    That script may hand over a mask, build more layers, or update by a method that nobody else calls.
    """
    for use in itertools.islice(_uses(request, progress, by_its_own_file=True), 1):
        denied = ""
        if use.decided is not None and use.decided.verdict == "wrong":
            denied = f"{_listed(use.decided.wrong)} moves otherwise"
        elif use.contradicted and use.said is None:
            denied = ONLY_AT_TIMES
        elif use.said is None:
            notes = (note for each in use.steps for note in each.notes)
            denied = next((note for note in notes if note.endswith(UNEXPLAINED)), "")
            denied = denied or _left_out(record, use.steps)
        if denied:
            used = f"as {use.driver.path.name} uses it, it doesn't train by the gradient of its own loss: {denied}"
            headline = f"{request.target} can't be judged: it agrees as it is called here, but {used}."
            notes = [*record.notes, *_made_up(use.stage)]
            return structs.replace(record, verdict="undecided", headline=headline, notes=notes)
        if use.decided is None and any(step.denied for step in use.steps):
            script = use.driver.path.name
            note = (
                f"Its gradients alone were judged: as {script} uses it, its updates are no gradients of its loss times "
                "a rate, nor made of those by a rule known here."
            )
            return structs.replace(record, notes=[*record.notes, note])
        if use.decided is None:
            why = _out_of_time(use.stage) if use.stage.out_of_time else "no training step was found whole"
            note = f"Whether {use.driver.path.name} trains it rightly was not seen: {why}."
            return structs.replace(record, notes=[*record.notes, note])
    return record


def _left_out(record: CheckRecord, steps: Sequence[ByItsLoss]) -> str:
    """Return in words which weights that a check judged stay as they are in a step that moves others of them."""
    judged = set() if record.interface is None else set(map(_tail, weights_of(record.interface.adapter)))
    for step in steps:
        moved, still = (
            [path for path in paths if _tail(path) in judged] for paths in (step.moved, step.still)
        )
        if moved and still:
            return f"{_listed(still)} stays as it is while {_listed(moved)} moves"
    return ""


def _tail(path: str) -> str:
    """Return a path without the name that it begins with, which is a caller's to choose.

    >>> _tail("model.par['W']"), _tail("fit: self.par['W']"), _tail("code.W")
    (".par['W']", ".par['W']", '.W')
    """
    return re.sub(r"^(.*: )?\w+(?=[.\[])", "", path)


def _uses(request: Request, progress: Progress, *, by_its_own_file: bool = False) -> Iterator[Use]:
    """Yield what the scripts near a target show of it, or what its own file does."""
    if not hasattr(os, "fork"):
        return  # a system that makes no copies of processes
    asked = Target.parse(request.target)
    path, _, root = located(asked)
    try:
        pieces, _ = pieces_of(path)
    except UsageError:
        return
    for driver in drivers_of(asked, path, pieces, others=not by_its_own_file):
        progress(f"watching how {driver.path.name} uses it")
        sources = (*pieces, *driver.pieces)
        judged = partial(by_its_loss, at_once=by_its_own_file)  # enough for what agrees already
        stage, steps = _watched(driver, root, asked, path, written_in(sources), judged)
        said = next(filter(None, (says_otherwise(piece.text) for piece in sources)), None)
        declares = any(map(_defines_a_loss, pieces))
        yield Use(driver=driver, stage=stage, steps=steps, said=said, declares=declares)


def _in_vain(use: Use) -> str:
    """Return why what was seen decides nothing."""
    if use.said is not None and any(each.verdict == "wrong" for each in use.steps):
        approximation = f"its source calls it an approximation (“{use.said.words}”)"
        return f"its update isn't its loss's gradient, and {approximation}"
    if use.contradicted:
        return ONLY_AT_TIMES
    for note in (note for each in use.steps for note in each.notes):
        if note.endswith((*UNEXPLAINED, OF_NONE, UNSURE)):
            return note
    if any(each.verdict == "right" for each in use.steps):
        return (
            "its update goes by what it takes for the gradient of its loss; whether that is it was not seen"
        )
    if use.steps:
        return "by which loss its update goes could not be told"
    return _out_of_time(use.stage) if use.stage.out_of_time else "no training step was seen"


def _out_of_time(stage: Stage) -> str:
    """Return in words that a statement was ended."""
    return f"{stage.out_of_time} computed for {LONGEST:g} s without a training step"


def _defines_a_loss(piece: Piece) -> bool:
    """Tell whether a source defines a function that is called a loss."""
    functions = (node for node in ast.walk(piece.tree) if isinstance(node, ast.FunctionDef))
    return any(CALLED_A_LOSS.fullmatch(function.name) for function in functions)


def _watched(
    driver: Driver,
    root: Path,
    asked: Target,
    path: Path,
    written: Mapping[tuple[str, str], Sequence[Written]],
    judged: Callable[[Step], ByItsLoss],
) -> tuple[Stage, list[ByItsLoss]]:
    """Run a driver, and hold each training step that is found against its loss."""
    stage = Stage()
    found: list[ByItsLoss] = []

    def is_foreign(frame: FrameType) -> bool:
        return frame.f_code.co_filename in stage.log.files

    def judge(step: Step) -> tuple[bool, int]:
        found.append(judged(step))
        return found[-1].verdict != "open", found[-1].ends

    training = Training(
        is_foreign=is_foreign,
        is_target=_telling(asked, path),
        modules=stage.modules,
        reach=Reach(stage.modules.keys()),
        judge=judge,
        in_loops=not asked.names,
        written=written,
        limits=lambda: sorted(stage.clips.reached),
    )
    played(driver, root, stage, training.trace, training.ended)
    return stage, found


def _telling(asked: Target, path: Path) -> Callable[[FrameType], bool]:
    """Return what tells whether a frame is of the functions or classes that were asked about.

    A method may have been given to its class later: then it is the class of its first argument that tells.
    """
    file = str(path)

    def is_asked(name: str) -> bool:
        return any(name == each or name.startswith(f"{each}.") for each in asked.names)

    def tells(frame: FrameType) -> bool:
        code = frame.f_code
        if code.co_filename.partition("#")[0] != file or code.co_name == "__init__":
            return False
        if not code.co_flags & inspect.CO_NEWLOCALS:  # of a module, or the body of a class
            return code.co_name == "<module>" and not asked.names
        if not asked.names or is_asked(code.co_qualname):
            return True
        owner = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
        return any(is_asked(each.__qualname__) for each in type(owner).__mro__)

    return tells


def _record(request: Request, use: Use, found: ByItsLoss) -> CheckRecord:
    driver, stage = use.driver, use.stage
    used = f"{request.target}, as {driver.path.name} uses it,"
    if found.verdict == "right" and found.loss:
        headline = f"{used} trains by the gradient of its own loss: {_listed(found.right)} agree with it."
    elif found.verdict == "right":
        of_one = "trains by the gradient of one loss, which it doesn't write down"
        headline = f"{used} {of_one}: {_listed(found.right)} agree."
    else:
        headline = (
            f"{used} doesn't train by the gradient of its own loss: {_listed(found.wrong)} moves otherwise."
        )
    numerically = "it was differentiated numerically, with values of our own for the parameters"
    notes = [
        f"The loss is {found.loss}; {numerically}."
        if found.loss
        else "Which loss that is, and so dL/dy, and whether it goes down that loss, was not judged.",
        "What its network computes was not compared with torch.nn.RNN.",
        *found.notes,
    ]
    if found.idle:
        notes.append(f"Not exercised by this step, so not judged: {_listed(found.idle)}.")
    if found.wrong and found.right:
        notes.append(f"{_listed(found.right)} moves as it should.")
    return CheckRecord(
        schema=CHECK_SCHEMA,
        target=request.target,
        verdict="as-used",
        headline=headline,
        reproduce=request.reproduce,
        interface=InterfaceRecord(
            lines=[f"{driver.path.name} was run up to a complete training step"], adapter=""
        ),
        consistency=ConsistencyRecord(
            agrees=found.verdict == "right",
            reason="" if found.loss else SYMMETRIC,
            method=METHOD if found.loss else "",
            factor=1.0,
            quantities=[],
        ),
        notes=[*notes, *_made_up(stage)],
    )


def _made_up(stage: Stage) -> list[str]:
    """Return in one sentence each what was made up, and what raised."""
    told = [f"Made up: {'; '.join(dict.fromkeys(stage.made_up))}."] if stage.made_up else []
    if stage.log.failed:
        place, what = next(iter(stage.log.failed.items()))
        told.append(f"Raised when it was run, and left out: {place}: {what}")
    return [*told, *stage.log.notes]


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(paths)
