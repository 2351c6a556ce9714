"""A target as a user writes it, taken apart: the place of the code, and the names that are wanted of it."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from conformance.errors import NoSuchTarget

SOURCES = (".py", ".ipynb")
"""What names of source files end in."""

FILE = re.compile(r"(?P<place>.*\.(?:py|ipynb))(?::(?P<names>[^/\\]*))?", re.IGNORECASE | re.DOTALL)
"""A file, and what comes after its colon; colons of a drive or of a folder belong to the path."""

DRIVE = re.compile(r"(?:\\\\\?\\)?[A-Za-z]:(?=[\\/])")
"""How an absolute path of Windows begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    r"""`file.py:Name`, `notebook.ipynb:Name` or `package.module:Name`; several names have commas between them.

    >>> Target.parse("C:\\mine\\rnn.py:forward, backward")
    Target(place='C:\\mine\\rnn.py', names=('forward', 'backward'))
    >>> Target.parse("package.module:RNN")
    Target(place='package.module', names=('RNN',))
    """

    place: str
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Return what `text` means."""
        if found := FILE.fullmatch(text):
            place, names = found["place"], found["names"] or ""
        else:
            drive = DRIVE.match(text)
            begins = drive.end() if drive else 0
            place, _, names = text[begins:].partition(":")
            place = text[:begins] + place
        return cls(place=place, names=tuple(name.strip() for name in names.split(",") if name.strip()))

    @property
    def is_file(self) -> bool:
        """Whether the place is written as a source file's."""
        return self.place.lower().endswith(SOURCES)

    @property
    def stem(self) -> str:
        """The last name of the place: `my_rnn` for `path/my_rnn.py` and for `package.my_rnn`."""
        if self.is_file:
            return (PureWindowsPath if DRIVE.match(self.place) else Path)(self.place).stem
        return self.place.rpartition(".")[2]


def located(target: Target) -> tuple[Path, str, Path]:
    """Return the file, the module's name, and the folder above its outermost package."""
    place = target.place
    path = Path(place)
    if target.is_file or path.is_file():
        if not path.is_file():
            message = f"There is no file {place}. Pass the path of a .py or .ipynb file, from {Path.cwd()}."
            raise NoSuchTarget(message)
        path = path.resolve()
        root, name = path.parent, path.stem
        while (root / "__init__.py").is_file():
            root, name = root.parent, f"{root.name}.{name}"
        return path, name, root
    for folder in [Path.cwd(), *map(Path, sys.path)]:
        for file in (
            folder.joinpath(*place.split(".")).with_suffix(".py"),
            folder.joinpath(*place.split("."), "__init__.py"),
        ):
            if place and file.is_file():
                return file.resolve(), place, folder.resolve()
    message = (
        f"{place!r} is neither a file nor a module that can be found. Write file.py:Name, notebook.ipynb:Name or "
        "package.module:Name."
    )
    raise NoSuchTarget(message)


def parts_of(text: str) -> list[str]:
    """Return the targets of a text, which has blanks between them; paths and lists of names may have some as well.

    >>> parts_of("a.py:forward b.py:backward"), parts_of("my nets/rnn.py:forward, backward")
    (['a.py:forward', 'b.py:backward'], ['my nets/rnn.py:forward, backward'])
    """
    for blank in re.finditer(r"\s+", text):
        first, rest = text[: blank.start()], text[blank.end() :]
        if WHOLE.fullmatch(first) and ":" in rest:
            return [first, *parts_of(rest)]
    return [text]


WHOLE = re.compile(r"(.*\.(py|ipynb)|[\w.]+):[\w.]+(\s*,\s*[\w.]+)*", re.IGNORECASE)
"""A target with names, behind which another one may follow."""
