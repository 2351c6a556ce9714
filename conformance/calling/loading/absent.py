"""Modules that stay out of reach in a block, so that stand-ins are found in their place."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from conformance.calling.loading import stubs


@contextmanager
def absent(name: str) -> Iterator[None]:
    """Let imports of `name` in the block find a stand-in, even where the module is installed or already loaded."""
    hidden = {key: sys.modules.pop(key) for key in list(sys.modules) if key.partition(".")[0] == name}
    finder = stubs.StubFinder(last=False, used=set(), names=frozenset({name}))
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for key in [key for key in sys.modules if key.partition(".")[0] == name]:
            del sys.modules[key]
        sys.modules.update(hidden)
