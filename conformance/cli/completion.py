"""`conformance completion`: what a shell needs to complete commands, options and files."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

LINES = {
    "bash": 'eval "$(conformance completion bash)"   # in ~/.bashrc',
    "zsh": 'eval "$(conformance completion zsh)"   # in ~/.zshrc',
    "fish": "conformance completion fish | source   # in ~/.config/fish/config.fish",
}
"""The line that sets up each shell."""


@click.command(epilog="\b\n" + "\n".join(LINES.values()))
@click.argument("shell", type=click.Choice(list(LINES)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script with which a shell completes what is typed after `conformance`."""
    found = get_completion_class(shell)
    program = context.find_root()
    if found is None:
        message = f"This version of click knows no completion for {shell}; install a newer one."
        raise click.ClickException(message)
    made = found(program.command, {}, "conformance", "_CONFORMANCE_COMPLETE")
    click.echo(made.source_template % made.source_vars())
