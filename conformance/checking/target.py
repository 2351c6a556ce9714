"""From a target, by name or as a live object, to its check: find out how it is called, judge it."""

from conformance.cases import parse_id
from conformance.checking.adapter import adapted
from conformance.checking.checkup import Progress, checked
from conformance.checking.compose import Asked, failed_record
from conformance.checking.running import told
from conformance.record.check import CheckRecord


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
    return checked([adapted(network, parse_id(case) if case else None)], asked, progress)


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
