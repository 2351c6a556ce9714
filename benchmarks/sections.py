"""Pages of benchmarks: one text in sections of sentences and tables, as Markdown and as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from conformance.report.tables import table
from conformance.report.words import legal

STYLE = (
    "body{font:15px/1.5 system-ui;max-width:75em;margin:2em auto;padding:0 1em}table{border-collapse:collapse}\
td,th{border:1px solid #ccc;padding:.2em .6em;text-align:left;vertical-align:top}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, sentences, and a table."""

    title: str
    text: str = ""
    heads: Sequence[str] = ()
    rows: list[Sequence[str]] = field(default_factory=list)


def written(folder: Path, name: str, sections: Sequence[Section]) -> list[Path]:
    """Write sections as `name`.md and `name`.html and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.md", folder / f"{name}.html"]
    for path, text in zip(paths, (_markdown(sections), _html(sections)), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def _markdown(sections: Sequence[Section]) -> str:
    parts = []
    for n, section in enumerate(sections):
        parts.append(f"{'##' if n else '#'} {section.title}")
        parts += [section.text] if section.text else []
        parts += [table(section.heads, section.rows)] if section.rows else []
    return "\n\n".join(parts) + "\n"


def _html(sections: Sequence[Section]) -> str:
    parts = [f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{sections[0].title}</title>']
    parts.append(f"<style>{STYLE}</style>")
    for n, section in enumerate(sections):
        parts.append(f"<h{1 + (n > 0)}>{escape(section.title)}</h{1 + (n > 0)}>")
        parts += [f"<p>{escape(section.text)}</p>"] if section.text else []
        if section.rows:
            lines = [("th", section.heads), *(("td", row) for row in section.rows)]
            cells = ("".join(f"<{tag}>{escape(legal(text))}</{tag}>" for text in row) for tag, row in lines)
            parts.append("<table>" + "\n".join(f"<tr>{row}</tr>" for row in cells) + "</table>")
    return "\n".join(parts) + "</html>\n"
