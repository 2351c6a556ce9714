"""Subjects: the implementations under test, one file each, loaded when they are asked for."""

from importlib import import_module

from conformance.errors import UsageError
from conformance.observation import Subject

MODULES = {
    "torch-steps": "conformance.subjects.torch_steps",
    "torch": "conformance.subjects.torch_fused",
    "reference": "conformance.subjects.reference",
}
"""Where every subject lives, in the order in which they are run."""


def load_subject(name: str) -> Subject:
    """Return the subject called `name`.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name not in MODULES:
        message = f"There is no subject {name!r}; choose from {', '.join(MODULES)}."
        raise UsageError(message)
    return import_module(MODULES[name]).SUBJECT


__all__ = ["MODULES", "load_subject"]
