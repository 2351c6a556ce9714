"""The help of the program: commands in groups, nothing cut; and the command that was meant."""

from __future__ import annotations

import click

GROUPS = {
    "Your own network": ("check", "init", "explain"),
    "Subjects on suites of cases": ("run", "show", "list", "power"),
    "Records and reports": ("report", "diff", "merge"),
    "Libraries and machines": ("contracts", "calibrate", "env"),
    "Your shell": ("completion",),
}
"""Every command, by what it is about."""


class Grouped(click.Group):
    """A program whose help lists its commands by what they are about."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every group with all of what its commands do."""
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, _first_sentence(self, ctx, name)) for name in names])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is named; of a target by itself, say that it is to be checked."""
        name = args[0]
        if self.get_command(ctx, name) is None and name.partition(":")[0].endswith((".py", ".ipynb")):
            ctx.fail(f"{name!r} is no command. To check it: conformance check {name}")
        return super().resolve_command(ctx, args)


def _first_sentence(group: click.Group, context: click.Context, name: str) -> str:
    command = group.get_command(context, name)
    text = "" if command is None else " ".join((command.help or "").split("\n\n")[0].split())
    sentence, end, _ = text.partition(". ")
    return sentence + end.rstrip()
