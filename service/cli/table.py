"""Tables for people: fitted to a terminal, and plain whole lines in a pipe."""

import sys
from collections.abc import Sequence
from typing import Final

PIPE_COLUMNS: Final = 10_000
"""Wide enough that nothing is cut or wrapped where no terminal sets a width."""


def print_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under names. On a terminal long cells end in an ellipsis, and never wrap."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    is_terminal = sys.stdout.isatty()
    table = Table(box=None, pad_edge=False, header_style="bold" if is_terminal else "")
    for name in names:
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*[Text(printable(cell)) for cell in row])
    console = Console(width=None if is_terminal else PIPE_COLUMNS, highlight=False)
    with console.capture() as capture:
        console.print(table)
    for line in capture.get().splitlines():
        sys.stdout.write(line.rstrip() + "\n")


def printable(text: str) -> str:
    """The text on one line, without anything that a terminal would take for a command."""
    return "".join(each if each.isprintable() else " " for each in text)
