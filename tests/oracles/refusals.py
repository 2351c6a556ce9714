"""Calls that must be refused, and what is wrong with how one is."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that must be refused with an error of one type, and what its message must say.

    `says` holds three parts, with bars between: words of what was expected, of what was given, and of
    what to do.
    """

    name: str
    call: Callable[[], object]
    error: type[Exception]
    says: str


def complaints(refusal: Refusal) -> list[str]:
    """Return what is wrong with how a call is refused: nothing, if all is well."""
    expected, given, advice = refusal.says.split(" | ")
    try:
        refusal.call()
    except Exception as error:  # noqa: BLE001 - which error it is gets judged here
        message = str(error)
        parts = (expected, given, advice)
        found = [f"{part!r} is not in the message {message!r}" for part in parts if part not in message]
        if type(error) is not refusal.error:
            found.append(f"{type(error).__name__} instead of {refusal.error.__name__}: {message}")
        if not message.endswith("."):
            found.append(f"{message!r} is not a sentence")
        return found
    return ["nothing was refused"]


def named(**groups: list[Refusal]) -> dict[str, Refusal]:
    """Return all refusals under distinct names, for parametrisation."""
    found: dict[str, Refusal] = {}
    for group, refusals in groups.items():
        for refusal in refusals:
            name = f"{group}: {refusal.name}"
            assert name not in found, name
            found[name] = refusal
    return found
