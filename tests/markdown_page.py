"""A page of the documentation in parts that tests can try, and write anew where they compute them.

A fence says after its language what it is, and may have options: ``yaml policy name=first``. A
table behind a comment, ``<!-- walk -->``, has a name. With ``REGENERATE=1`` in the environment
what was computed replaces what stands on the page.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

REGENERATE = bool(os.environ.get("REGENERATE"))

_FENCE = re.compile(r"(?ms)^```(\w+)([^\n]*)\n(.*?)^```$")
_TABLE = re.compile(r"(?m)^<!-- ([^\n]*) -->\n\n((?:^\|[^\n]*\n)+)")
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A fenced block. ``word`` says what it is; ``written`` is all of it, ``line`` where."""

    line: int
    language: str
    word: str
    options: Mapping[str, str]
    text: str
    written: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table behind a comment; its cells are without blanks, escapes and marks of code."""

    head: str
    rows: list[list[str]]
    written: str

    def column(self, number: int) -> list[str]:
        return [row[number] for row in self.rows]


class Page:
    """One Markdown file."""

    def __init__(self, path: Path) -> None:
        """Nothing is read before it is asked for."""
        self.path = path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def fences(self) -> tuple[Fence, ...]:
        """Every fenced block that names its language, in order."""
        return tuple(self._fence(found) for found in _FENCE.finditer(self.text))

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """Every table that a comment names."""
        return {found[1]: _table(found) for found in _TABLE.finditer(self.text)}

    def named(self, name: str) -> Fence:
        """The fence with ``name=``."""
        return next(it for it in self.fences if it.options.get("name") == name)

    def after(self, fence: Fence) -> Fence:
        """The next fence."""
        return self.fences[self.fences.index(fence) + 1]

    def expect(self, written: str, computed: str) -> None:
        """What stands on the page is what was computed, or is made so."""
        if REGENERATE and written != computed:
            text = self.path.read_text(encoding="utf-8")
            assert text.count(written) == 1
            self.path.write_text(text.replace(written, computed), encoding="utf-8")
            return
        assert written == computed

    def expect_rows(self, table: Table, rows: list[list[str]]) -> None:
        """The table has these rows, each cell as Markdown."""
        body = "".join(f"| {' | '.join(row)} |\n" for row in rows)
        self.expect(table.written, f"{table.head}{body}")

    def _fence(self, found: re.Match[str]) -> Fence:
        words = found[2].split()
        return Fence(
            line=self.text.count("\n", 0, found.start()) + 1,
            language=found[1],
            word=words[0] if words else "",
            options=dict(word.split("=", 1) for word in words[1:]),
            text=found[3],
            written=found[0],
        )


def as_code(text: str) -> str:
    """A text as code in a cell of a table."""
    return f"`{text}`".replace("|", "\\|")


def _table(found: re.Match[str]) -> Table:
    lines = found[2].splitlines()
    rows = [[_plain(cell) for cell in _CELL.split(line)[1:-1]] for line in lines[2:]]
    start = found.start(2) - found.start()
    head = f"{found[0][:start]}{lines[0]}\n{lines[1]}\n"
    return Table(head=head, rows=rows, written=found[0])


def _plain(cell: str) -> str:
    cell = cell.strip().replace("\\|", "|")
    return cell[1:-1] if re.fullmatch(r"`[^`]*`", cell) else cell
