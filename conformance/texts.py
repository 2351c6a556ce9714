"""Texts and JSON in Unicode, whatever names of files, arguments and foreign code hold."""

from typing import Any


def well_formed(text: str) -> str:
    r"""Return `text` with what is no character written out: such as a byte of a name that isn't UTF-8.

    >>> print(well_formed("caf\udce9.py"))
    caf\udce9.py
    """
    return text.encode("utf-8", "backslashreplace").decode()


def json_of(value: object) -> bytes:
    """Return the JSON of a value with sorted keys, its texts well-formed."""
    import msgspec

    try:
        return msgspec.json.encode(value, order="sorted")
    except UnicodeEncodeError:
        return msgspec.json.encode(_all_well_formed(msgspec.to_builtins(value)), order="sorted")


def _all_well_formed(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, list):
        return [_all_well_formed(item) for item in value]
    if isinstance(value, dict):
        return {well_formed(key): _all_well_formed(item) for key, item in value.items()}
    return value
