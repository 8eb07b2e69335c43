"""``python -m service.cli.helppages`` prints the page of all commands: ``docs/cli.md``."""

import sys
from collections.abc import Iterator
from typing import Final, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from service.cli.main import app

Command: TypeAlias = TyperGroup | TyperCommand

COLUMNS: Final = 88

HEAD: Final = """\
# The command line

Every command with all its options, as `--help` prints them. This page is generated:
`make generate` writes it anew.

Exit codes: 0 fine, 1 the thing that was checked does not hold, 2 wrong usage.
"""


def page() -> str:
    """The whole page, the same on every machine."""
    root = get_command(app)
    if not isinstance(root, TyperGroup):
        raise TypeError(root)
    return "\n".join([HEAD, *_sections(root, _context(root, None, "remit"))])


def _sections(command: Command, context: typer.Context) -> Iterator[str]:
    level = "#" * min(4, 1 + len(context.command_path.split()))
    help_text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield f"{level} `{context.command_path}`\n\n```text\n{help_text}\n```\n"
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            if not isinstance(below, TyperGroup | TyperCommand):
                raise TypeError(below)
            yield from _sections(below, _context(below, context, name))


def _context(command: Command, parent: typer.Context | None, name: str) -> typer.Context:
    return typer.Context(
        command, info_name=name, parent=parent, terminal_width=COLUMNS, max_content_width=COLUMNS
    )


if __name__ == "__main__":
    sys.stdout.write(page())
