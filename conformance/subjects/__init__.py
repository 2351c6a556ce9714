"""Subjects: the implementations under test, one file each, loaded when they are asked for."""

from importlib import import_module

from conformance.errors import UsageError
from conformance.subjects.observation import Subject

MODULES = {
    "torch-steps": "conformance.subjects.torch_steps",
    "torch": "conformance.subjects.torch_fused",
    "reference": "conformance.subjects.reference",
    "torch-results": "conformance.subjects.torch_results",
    "torch-cells": "conformance.subjects.torch_cells",
    "torch-native": "conformance.subjects.torch_native",
    "torch-packed": "conformance.subjects.torch_packed",
    "torch-functional": "conformance.subjects.torch_functional",
    "torch-double": "conformance.subjects.torch_double",
    "torch-compiled": "conformance.subjects.torch_compiled",
    "torch-cuda": "conformance.subjects.torch_cuda",
}
"""Where every subject lives."""

DEFAULT = ("torch-steps", "torch", "reference")
"""What is run where nothing else is asked for: those that show every step, so that everything can be decided."""


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


__all__ = ["DEFAULT", "MODULES", "load_subject"]
