"""From a target, by name or as a live object, to its check: find out how it is called, judge it."""

from collections.abc import Iterable

from conformance.cases import parse_id
from conformance.checking.adapter import adapted
from conformance.checking.checkup import Progress, checked
from conformance.checking.compose import Asked, failed_record, not_called_record
from conformance.checking.running import told
from conformance.errors import Unsupported
from conformance.handwritten import Bound
from conformance.record.check import CheckRecord
from conformance.subjects.written_module import is_module, module_bounds


def checked_target(target: str, case: str, asked: Asked, progress: Progress) -> CheckRecord:
    """Check what `target` names, on `case` where it isn't empty; whatever happens, the answer is a record."""
    progress("loading it")
    try:
        network = loaded(target)
    except Exception as error:  # noqa: BLE001 - loading runs foreign code, which may raise anything
        return failed_record(asked, f"{target} can't be loaded: {told(error)}")
    return checked_object(network, case, asked, progress)


def checked_object(
    network: object, case: str, asked: Asked, progress: Progress = lambda _: None
) -> CheckRecord:
    """Check a live object, on `case` where it isn't empty."""
    try:
        return checked(ways_to_call(network, case), asked, progress)
    except Unsupported as reason:
        return not_called_record(asked, f"Nobody found out how to call it: {reason}.")


def ways_to_call(network: object, case: str) -> Iterable[Bound]:
    """Return the ways of calling a live object, the likely ones first."""
    if is_module(network):
        return module_bounds(network)
    return [adapted(network, parse_id(case) if case else None)]


def loaded(target: str) -> object:
    """Return what `target` (`file.py:Name`) names."""
    import importlib.util
    import sys
    from pathlib import Path

    path, _, name = target.partition(":")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return getattr(module, name)
