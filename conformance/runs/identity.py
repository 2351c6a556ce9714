"""Which run it is: what must be the same for results of two sessions to belong to one record."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import conformance
import refrnn
from conformance.cases import Case
from conformance.record.environment import environment
from conformance.runs.lines import Identity
from conformance.subjects import is_own
from conformance.subjects.own import source_digest

STABLE = ("refrnn", "python", "platform", "machine", "processor", "numpy", "torch", "torch_capability")
"""What of the environment decides how the same program rounds, and what it runs on."""


def identity_of(suite: str, seed: int | None, subjects: Sequence[str], cases: Sequence[Case]) -> Identity:
    """Return the identity of a run of `cases` on `subjects`, here and now."""
    here = environment()
    ids = "\n".join(case.id for case in cases)
    return Identity(
        suite=suite,
        seed=seed,
        subjects=list(subjects),
        cases=hashlib.sha256(ids.encode()).hexdigest(),
        code=_digest_of_sources(subjects),
        environment={name: str(getattr(here, name)) for name in STABLE} | here.frameworks,
    )


def _digest_of_sources(subjects: Sequence[str]) -> str:
    """Return a digest of every source file of both packages, and of subjects of somebody's own."""
    digest = hashlib.sha256("".join(source_digest(name) for name in subjects if is_own(name)).encode())
    for package in (refrnn, conformance):
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
