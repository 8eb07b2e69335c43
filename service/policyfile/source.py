"""The text of one file: decoded strictly, with a way from an index to a line and a column."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

from service.policyfile.problem import Problem

FILE_BYTES_MAX = 4 * 1024 * 1024
"""The largest file that is read."""

_REPORTS_MAX = 20
_LINE_BREAK = re.compile(r"\r\n|\n")
_LEADING_TAB = re.compile(r"(?m)^ *\t")
# Everything a reader cannot see or an editor shows in another order than a machine reads:
# control characters, line breaks that only some programs know, direction overrides.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
    "|\r(?!\n)"
)


class Source:
    """A file's relative path and its text."""

    __slots__ = ("__dict__", "file", "text")

    def __init__(self, file: str, text: str) -> None:
        """Keep both."""
        self.file = file
        self.text = text

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(found.end() for found in _LINE_BREAK.finditer(self.text))]

    def position(self, index: int) -> tuple[int, int]:
        """Line and column, both from 1, of the character at ``index``."""
        line = bisect_right(self._line_starts, index)
        return line, index - self._line_starts[line - 1] + 1

    def rest_of_line(self, index: int) -> str:
        """The text from ``index`` to the end of its line."""
        found = _LINE_BREAK.search(self.text, index)
        return self.text[index : found.start() if found else len(self.text)]

    def problem(self, index: int, code: str, message: str, remedy: str) -> Problem:
        """A problem at ``index`` that concerns the text, not a place in a document."""
        line, column = self.position(index)
        return Problem(
            file=self.file,
            line=line,
            column=column,
            path="",
            code=code,
            message=message,
            remedy=remedy,
        )


def decode(file: str, data: bytes, found: list[Problem]) -> Source | None:
    """The text of a file, or None with the reason among ``found``.

    Refused are files of more than `FILE_BYTES_MAX` bytes, bytes that are not UTF-8, a byte
    order mark, and characters that nobody can see.
    """
    if len(data) > FILE_BYTES_MAX:
        found.append(_too_large(file, len(data)))
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        found.append(_not_utf8(file, data, error.start))
        return None
    source = Source(file, text)
    problems = list(_unseen(source))
    found.extend(problems)
    return None if problems else source


def find_tabs(source: Source) -> Iterator[Problem]:
    """Every line that is indented with a tab, the first few of them."""
    for number, tab in enumerate(_LEADING_TAB.finditer(source.text)):
        if number == _REPORTS_MAX:
            return
        yield source.problem(
            tab.end() - 1, "tab", "A tab stands in the indentation.", "Indent with spaces."
        )


def _unseen(source: Source) -> Iterator[Problem]:
    for number, character in enumerate(_UNSEEN.finditer(source.text)):
        if number == _REPORTS_MAX:
            return
        if character.start() == 0 and character[0] == "\ufeff":
            yield source.problem(
                0,
                "byte_order_mark",
                "The file begins with a byte order mark.",
                "Save the file as UTF-8 without a byte order mark.",
            )
            continue
        yield source.problem(
            character.start(),
            "unseen_character",
            f"A character that cannot be seen stands here (U+{ord(character[0]):04X}).",
            "Delete it; in text that needs it, write it as an escape in double quotes.",
        )


def _too_large(file: str, size: int) -> Problem:
    return Source(file, "").problem(
        0,
        "file_too_large",
        f"The file has {size} bytes, more than the {FILE_BYTES_MAX} that are read.",
        "Split it into several files; they are merged.",
    )


def _not_utf8(file: str, data: bytes, index: int) -> Problem:
    readable = data[:index].decode("utf-8")
    return Source(file, readable).problem(
        len(readable),
        "not_utf8",
        f"The byte 0x{data[index]:02X} is not UTF-8.",
        "Save the file as UTF-8.",
    )
