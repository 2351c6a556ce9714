"""From a target, by name or as a live object, to its check: load it, find out how it is called, judge it."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from conformance.cases import parse_id
from conformance.errors import NoSuchTarget, Unsupported, UsageError
from conformance.hand_written.by_example import checked_as_used, denied_as_used
from conformance.hand_written.calling import Binding, Bound, Loaded, Unbound, bindings, load, loaded_from
from conformance.hand_written.calling.other_options import Option
from conformance.hand_written.calling.running.numpys_own import NumpysOwn
from conformance.hand_written.calling.running.program import describe_error
from conformance.hand_written.calling.running.unwritten import unwritten_is_nan
from conformance.hand_written.checking.adapter import adapted
from conformance.hand_written.checking.checkup import Progress, checked
from conformance.hand_written.checking.not_called import not_called
from conformance.hand_written.checking.other_options import (
    effort_for,
    with_other_options,
    with_the_same_lines,
)
from conformance.hand_written.request import Request, failed_record, not_called_record
from conformance.hand_written.target import parts_of
from conformance.hand_written.torch_modules.search import module_bounds
from conformance.hand_written.torch_modules.written_module import is_module
from conformance.record.check import EXIT_CONFORMS, EXIT_INCONCLUSIVE, CheckRecord


def checked_target(
    target: str, case: str, request: Request, progress: Progress, *, execute: bool = False
) -> CheckRecord:
    """Check what `target` names, on `case` where it isn't empty; whatever its code does, the answer is a record.

    With `execute` all of its script is run first, as it stands.

    Raises
    ------
    NoSuchTarget
        If there is no such file or module, or no such name in it.
    """
    with unwritten_is_nan():
        return _with_numpys_own(
            lambda: _loaded_and_checked(target, case, request, progress, execute=execute), request
        )


def _loaded_and_checked(
    target: str, case: str, request: Request, progress: Progress, *, execute: bool
) -> CheckRecord:
    record = _called_and_judged(target, case, request, progress, execute=execute)
    if case or len(parts_of(target)) > 1:
        return record
    if record.exit_code == EXIT_CONFORMS:
        return denied_as_used(request, record, progress)
    if record.exit_code != EXIT_INCONCLUSIVE:
        return record
    used, told = checked_as_used(request, progress)
    if used is None:
        return msgspec.structs.replace(record, notes=[*record.notes, *told])
    if record.denied and used.exit_code == EXIT_CONFORMS:
        return msgspec.structs.replace(record, notes=[*record.notes, used.headline])
    return used


def _called_and_judged(
    target: str, case: str, request: Request, progress: Progress, *, execute: bool
) -> CheckRecord:
    progress("running all of it" if execute else "loading it")
    try:
        loaded = load(target, execute=execute)
    except NoSuchTarget:
        raise
    except UsageError as refusal:
        return failed_record(request, str(refusal))
    except Exception as error:  # noqa: BLE001 - loading runs foreign code, which may raise anything
        return failed_record(request, f"{target} can't be loaded: {describe_error(error)}")
    return _checked(loaded, case, request, progress)


def checked_object(
    network: object, case: str, request: Request, progress: Progress = lambda _: None
) -> CheckRecord:
    """Check a live object, on `case` where it isn't empty."""
    objects = network if isinstance(network, tuple) else (network,)
    loaded = loaded_from(*objects, target=request.target)
    return _with_numpys_own(lambda: _checked(loaded, case, request, progress), request)


def _with_numpys_own(check: Callable[[], CheckRecord], request: Request) -> CheckRecord:
    """Return the record of a check, unless foreign code had replaced what the check itself computes with."""
    own = NumpysOwn.now()
    try:
        record = check()
    except Exception:
        replaced = own.put_back()
        if not replaced:
            raise
        return failed_record(request, _cannot_judge(request, replaced))
    replaced = own.put_back()
    return failed_record(request, _cannot_judge(request, replaced)) if replaced else record


def _cannot_judge(request: Request, replaced: Sequence[str]) -> str:
    return (
        f"{request.target} replaces {', '.join(replaced)}, which the check itself uses, so nothing can be judged. "
        "Define that function under another name."
    )


def _checked(loaded: Loaded, case: str, request: Request, progress: Progress) -> CheckRecord:
    ways = Ways(loaded=loaded, case=case, progress=progress)
    record = with_other_options(
        _called_and_checked(ways, request),
        () if ways.found is None else ways.found.options,
        lambda option: _checked_with(option, ways, request),
    )
    return msgspec.structs.replace(record, not_run=list(loaded.not_run))


def _called_and_checked(ways: "Ways", request: Request, *, may_be_another: bool = False) -> CheckRecord:
    try:
        record = checked(ways.bounds(), request, ways.progress, may_be_another=may_be_another)
    except Unsupported as reason:
        return not_called_record(request, f"It can't be called: {reason}.")
    return not_called(ways.loaded, ways.unbound, request) if record is None else record


def _checked_with(option: Option, ways: "Ways", request: Request) -> CheckRecord:
    """Return the record of the same target with another value of an argument that was left at its default."""
    with option.chosen(ways.loaded):
        known = ways.found and with_the_same_lines(ways.found, option)
        others = Ways(
            loaded=ways.loaded, case=ways.case, progress=ways.progress, effort=effort_for(option), known=known
        )
        return _called_and_checked(others, request, may_be_another=True)


class Ways(Struct, kw_only=True):
    """The ways of calling a target, and what is known where there are none."""

    loaded: Loaded
    case: str
    progress: Progress
    effort: float = 1.0  # the share of the usual calls in which a way may be looked for
    known: Binding | None = None  # the way to call it, where no other is to be looked for
    found: Binding | None = None
    unbound: Unbound | None = None

    def bounds(self) -> Iterator[Bound]:
        """Yield the ways of calling it, likely ones first: as it says, as a torch module, or found out by trying."""
        network = self._wanted()
        if isinstance(network, Binding):
            yield network
        elif is_adapter(network):
            yield adapted(network, parse_id(self.case) if self.case else None, self.loaded.notes)
        elif is_module(network):
            yield from module_bounds(network)
        elif self.known is not None:
            yield self.known
        else:
            for bound in bindings(self.loaded, self.progress, self.effort):
                if isinstance(bound, Unbound):
                    self.unbound = bound
                else:
                    self.found = bound
                    yield bound

    def _wanted(self) -> Any:  # noqa: ANN401 - whatever the target names
        """Return the one thing that is named, or where none is the one adapter or module that there is; else None."""
        code = vars(self.loaded.code)
        if len(self.loaded.wanted) == 1:
            return code.get(self.loaded.wanted[0])
        own = self.loaded.code.__name__
        adapters = [
            v for v in code.values() if isinstance(v, Binding) or (is_adapter(v) and v.__module__ == own)
        ]
        found = adapters or [
            v for v in code.values() if isinstance(v, type) and is_module(v) and v.__module__ == own
        ]
        return found[0] if len(found) == 1 and not self.loaded.wanted else None


def is_adapter(network: object) -> bool:
    """Return whether `network` says how it is called itself: an object or a class with `run(problem)`."""
    run = getattr(network, "run", None)
    if not callable(run):
        return False
    try:
        names = list(inspect.signature(run).parameters)
    except (TypeError, ValueError):
        return False
    return names in (["problem"], ["self", "problem"])
