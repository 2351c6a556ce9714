"""Subjects: the implementations under test, one file each, loaded when they are asked for."""

from importlib import import_module

from conformance import extras
from conformance.errors import UsageError
from conformance.subjects.observation import Subject
from conformance.subjects.own import defined_at, is_own, load_own

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
    "onnxruntime": "conformance.subjects.frameworks.onnx_runtime",
    "onnx-reference": "conformance.subjects.frameworks.onnx_reference",
    "torch-onnx": "conformance.subjects.frameworks.torch_onnx",
    "jax": "conformance.subjects.frameworks.jax_scan",
    "flax": "conformance.subjects.frameworks.flax_rnn",
    "keras": "conformance.subjects.frameworks.keras_rnn",
}
"""Where every subject lives."""

NEEDED = {
    **dict.fromkeys((name for name in MODULES if name.startswith("torch")), ("torch",)),
    "onnxruntime": ("onnx", "onnxruntime"),
    "onnx-reference": ("onnx",),
    "torch-onnx": ("torch", "onnx", "onnxruntime", "onnxscript"),
    "jax": ("jax",),
    "flax": ("jax", "flax"),
    "keras": ("keras",),
}
"""The packages that subjects need and that aren't always installed."""

LIBRARIES = {
    "reference": "numpy",
    **dict.fromkeys((name for name in MODULES if name.startswith("torch") and name != "torch-cuda"), "torch"),
    "onnxruntime": "onnxruntime",
    "onnx-reference": "numpy",
    "torch-onnx": "onnxruntime",
    "jax": "jax",
    "flax": "jax",
}
"""Whose tanh a subject computes with; where that depends on the machine, it is none of them."""

DEFAULT = ("torch-steps", "torch", "reference")
"""What is run where nothing else is asked for: those that show every step, so that everything can be decided."""


def load_subject(name: str) -> Subject:
    """Return the subject called `name`, or one of somebody's own by its place, such as `my_rnn.py:Mine`.

    Raises
    ------
    UsageError
        If there is none of that name or at that place, or what it needs isn't installed.
    """
    if is_own(name):
        return load_own(name)
    if name not in MODULES:
        known = ", ".join(MODULES)
        message = f"There is no subject {name!r}; choose from {known}, or write file.py:Name for your own."
        raise UsageError(message)
    extras.demand(f"The subject {name!r}", *NEEDED.get(name, ()))
    return import_module(MODULES[name]).SUBJECT


def library_of(subject: Subject) -> str:
    """Return the library whose functions a subject computes with: what it declares as `library`, or ""."""
    return getattr(subject, "library", "") or LIBRARIES.get(subject.name, "")


def can_be_named(name: str) -> bool:
    """Return whether a subject can be asked for on the command line."""
    return name in MODULES or is_own(name)


def lacking(name: str) -> list[str]:
    """Return the packages that a subject needs and that aren't installed."""
    return extras.lacking(NEEDED.get(name, ()))


__all__ = [
    "DEFAULT",
    "MODULES",
    "NEEDED",
    "can_be_named",
    "defined_at",
    "is_own",
    "lacking",
    "library_of",
    "load_subject",
]
