"""The environment of a run: versions, processor, BLAS and its threads, treatment of subnormals."""

import os
import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from conformance.record import Environment, Library

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What BLAS libraries read when they are loaded."""

WATCHED = (
    *THREAD_VARIABLES,
    "OPENBLAS_CORETYPE",
    "MKL_CBWR",
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "NPY_DISABLE_CPU_FEATURES",
    "KERAS_BACKEND",
)
"""Variables that change how the same program rounds."""

FRAMEWORKS = ("flax", "jax", "jaxlib", "keras", "onnx", "onnxruntime", "onnxscript", "tensorflow")
"""Distributions of other frameworks that can be subjects."""


def one_thread() -> None:
    """Compute in one thread from now on: BLAS libraries loaded or not, and torch.

    More threads than cores make a run many times slower, and another number of threads rounds differently.
    """
    for name in THREAD_VARIABLES:
        os.environ[name] = "1"
    import numpy as np  # noqa: F401 - its BLAS must be loaded to be limited
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    if torch := installed_torch():
        torch.set_num_threads(1)


def installed_torch() -> ModuleType | None:
    """Return torch, and None where it isn't installed: cases on other subjects run without it."""
    if find_spec("torch") is None:
        return None
    import torch

    return torch


@contextmanager
def in_one_thread() -> Iterator[None]:
    """Do as `one_thread` for as long as the context lasts, in a process that has other things to do."""
    variables = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    with _in_threads(1):
        one_thread()
        try:
            yield
        finally:
            for name, value in variables.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


@contextmanager
def other_threads() -> Iterator[None]:
    """Compute in two threads where it was one, and in one where it was more, for as long as the context lasts."""
    from threadpoolctl import threadpool_info

    torch = installed_torch()
    pools = [torch.get_num_threads()] if torch else [int(pool["num_threads"]) for pool in threadpool_info()]
    with _in_threads(2 if max(pools, default=1) == 1 else 1):
        yield


@contextmanager
def _in_threads(count: int) -> Iterator[None]:
    """Compute in so many threads for as long as the context lasts, in libraries that are loaded already."""
    import numpy as np  # noqa: F401 - its BLAS must be loaded to be limited
    from threadpoolctl import threadpool_limits

    torch = installed_torch()
    before = torch.get_num_threads() if torch else count  # OpenMP's, until somebody sets torch's own
    with threadpool_limits(count):
        if torch:
            torch.set_num_threads(count)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)


def environment() -> Environment:
    """Describe the running process."""
    import numpy as np

    torch = installed_torch()
    return Environment(
        refrnn=version("refrnn"),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=platform.platform(),
        machine=platform.machine(),
        processor=_processor(),
        cores=os.cpu_count() or 0,
        numpy=np.__version__,
        torch=str(torch.__version__) if torch else "",
        torch_threads=torch.get_num_threads() if torch else 0,
        torch_capability=torch.backends.cpu.get_cpu_capability() if torch else "",
        libraries=_libraries(),
        flushes_subnormals=_flushes_subnormals(),
        variables={name: os.environ[name] for name in WATCHED if name in os.environ},
        frameworks=_frameworks(),
    )


def _frameworks() -> dict[str, str]:
    """Return the versions of other frameworks that are installed, which isn't to say that they were run."""
    found: dict[str, str] = {}
    for name in FRAMEWORKS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """Return the processor's model name where the system tells it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _libraries() -> list[Library]:
    from threadpoolctl import threadpool_info

    found = [
        Library(
            name=str(info["internal_api"]),
            version=str(info.get("version") or "unknown"),
            threads=int(info["num_threads"]),
            architecture=str(info.get("architecture") or "unknown"),
        )
        for info in threadpool_info()
    ]
    return sorted(found, key=lambda library: (library.name, library.version))


def _flushes_subnormals() -> dict[str, bool]:
    """Return which side turns subnormal results into 0 (float32), which breaks the bounds' small print."""
    import numpy as np

    torch = installed_torch()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        products = {"numpy": np.full(1, 1e-30, np.float32) * np.float32(1e-10)}
        if torch:
            products["torch"] = torch.full((1,), 1e-30) * 1e-10
    return {side: not bool(product.any()) for side, product in products.items()}
