"""The machine and the libraries that a measurement ran on, and the threads they have."""

import ctypes
import os
import platform
from pathlib import Path

import numpy as np
import threadpoolctl
import torch

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # the names and numbers of glibc's malloc.h


def on_one_thread(*, default_malloc: bool) -> dict[str, str]:
    """Put torch on one thread, refuse to go on if any library has more, and describe them."""
    torch.set_num_threads(1)
    pools = threadpoolctl.threadpool_info()
    several = [pool["filepath"] for pool in pools if pool["num_threads"] != 1]
    if several or torch.get_num_threads() != 1:
        message = f"More than one thread in {', '.join(several) or 'torch'}: the times can't be compared."
        raise SystemExit(message)
    return described() | {
        "memory": "freed as malloc does by default" if default_malloc else keep_freed_memory(),
    }


def described() -> dict[str, str]:
    """Return the machine, the libraries and their threads in words."""
    pools = [pool for pool in threadpoolctl.threadpool_info() if "numpy" in pool["filepath"]]
    blas = [f"{pool['internal_api']} {pool['version']}, {counted(pool['num_threads'])}" for pool in pools]
    mkl = "MKL" if torch.backends.mkl.is_available() else "no MKL"
    return {
        "machine": f"{processor()}, {os.cpu_count()} processors, {platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "refrnn": f"NumPy {np.__version__}, {' '.join(blas) or 'BLAS unknown'}",
        "torch": f"{torch.__version__}, {mkl}, {counted(torch.get_num_threads())}",
    }


def counted(threads: int) -> str:
    """Return "1 thread", "2 threads" and so on."""
    return f"{threads} thread{'' if threads == 1 else 's'}"


def keep_freed_memory() -> str:
    """Let freed memory stay in the process where glibc can, and say what was done.

    Large arrays otherwise go back to the system and come anew with every call. In a virtual machine that
    returns free pages to its host this took up to a third of a call's time, on either side by chance.
    """
    if platform.libc_ver()[0] != "glibc":
        return "freed as the system's allocator does"
    libc = ctypes.CDLL(None)
    done = libc.mallopt(M_MMAP_MAX, 0) and libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    return "freed arrays stay in the process, for both sides" if done else "freed as malloc does by default"


def processor() -> str:
    """Return the processor's name as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [text.split(":")[1].strip() for text in lines if text.startswith("model name")]
    return names[0] if names else platform.processor()
