"""The survivors that are explained, and whether a run's survivors are those."""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is known of the mutants of one package: the tests that they face, and why some of them survive.

    Attributes
    ----------
    tests
        What pytest is asked to collect.
    longest
        Tests that compute for more seconds aren't faced.
    altogether
        Seconds of tests that a mutant faces, the most promising ones first; what outlives them has survived.
    explained
        The reason by mutant, told as `str(mutant)` tells it.
    """

    tests: tuple[str, ...]
    longest: float
    altogether: float
    explained: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """Read a file of `survivors/`.

        Raises
        ------
        ValueError
            If a mutant is explained twice.
        """
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        explained: dict[str, str] = {}
        for reason in content.get("reason", ()):
            for mutant in map(str.strip, reason["survivors"]):
                if mutant in explained:
                    message = (
                        f"{path} must explain a mutant once; got this one twice. Leave one out.\n{mutant}"
                    )
                    raise ValueError(message)
                explained[mutant] = reason["why"]
        return cls(
            tests=tuple(content["tests"]),
            longest=content["longest"],
            altogether=content["altogether"],
            explained=explained,
        )

    def unexplained(self, survivors: Collection[str]) -> list[str]:
        """Return the survivors that nobody has explained."""
        return sorted(set(survivors) - set(self.explained))

    def outdated(self, survivors: Collection[str], where: Collection[Path]) -> list[str]:
        """Return what is explained of folders or files although it doesn't survive, or is no mutant any more."""
        return sorted(mutant for mutant in set(self.explained) - set(survivors) if _is_in(mutant, where))


def _is_in(mutant: str, where: Collection[Path]) -> bool:
    return any(Path(mutant.split(maxsplit=1)[0]).is_relative_to(path) for path in where)
