"""The part of SARIF 2.1.0 that this project writes, as the standard requires it: no other property, no other value.

A reduction of its schema by hand (OASIS, section 3 of the standard): what is required is, what is optional may be left
out, and what isn't here is refused although the standard may know it.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Line = Annotated[int, Meta(ge=1)]
Text = Annotated[str, Meta(min_length=1)]
Uri = Annotated[str, Meta(pattern=r"^[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+$")]


class Part(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """An object of which nothing is known but what is listed."""


class Message(Part):
    text: Text


class Region(Part):
    start_line: Line
    start_column: Line | None = None
    end_line: Line | None = None
    end_column: Line | None = None

    def __post_init__(self) -> None:
        if self.end_line is not None and self.end_line < self.start_line:
            message = "a region ends before it starts"
            raise ValueError(message)


class ArtifactLocation(Part):
    uri: Uri


class PhysicalLocation(Part):
    artifact_location: ArtifactLocation
    region: Region | None = None


class Location(Part):
    physical_location: PhysicalLocation


class Content(Part):
    text: str


class Replacement(Part):
    deleted_region: Region
    inserted_content: Content | None = None


class ArtifactChange(Part):
    artifact_location: ArtifactLocation
    replacements: Annotated[list[Replacement], Meta(min_length=1)]


class Fix(Part):
    artifact_changes: Annotated[list[ArtifactChange], Meta(min_length=1)]
    description: Message | None = None


class Result(Part):
    message: Message
    rule_id: Text
    rule_index: Annotated[int, Meta(ge=0)]
    level: Literal["none", "note", "warning", "error"]
    locations: list[Location] = []
    fixes: list[Fix] = []


class Rule(Part):
    id: Text
    short_description: Message | None = None


class Driver(Part):
    name: Text
    rules: list[Rule] = []


class Tool(Part):
    driver: Driver


class Invocation(Part):
    execution_successful: bool


class Run(Part):
    tool: Tool
    results: list[Result]
    invocations: list[Invocation] = []
    column_kind: Literal["utf16CodeUnits", "unicodeCodePoints"] = "utf16CodeUnits"

    def __post_init__(self) -> None:
        rules = [rule.id for rule in self.tool.driver.rules]
        if len(set(rules)) < len(rules) or any(rules[r.rule_index] != r.rule_id for r in self.results):
            message = "the rules of a run are not those of its results"
            raise ValueError(message)


class Log(Part):
    schema: Annotated[str, Meta(pattern="sarif-schema-2.1.0.json$")] = msgspec.field(name="$schema")
    version: Literal["2.1.0"]
    runs: list[Run]


def read(text: str) -> Log:
    """Read a log.

    Raises
    ------
    msgspec.ValidationError
        If it isn't what the standard wants.
    """
    return msgspec.json.decode(text, type=Log)
