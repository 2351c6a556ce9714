"""The pages' parts as they are written: templates, styles and a script."""

from importlib.resources import files


def template(name: str) -> str:
    """Return the text of a part."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
