"""From a place inside a text value back to the place in the file that it was read from.

A value differs from what stands in the file: quotes are gone, escapes are one character,
lines were folded and indentation was cut. The rules are those of YAML 1.2.2, chapters 7
and 8; a place that has no exact counterpart maps to the nearest one before it.
"""

import re
from itertools import accumulate

from service.policyfile.source import Source
from service.policyfile.yamltree import Scalar

_ESCAPE_DIGITS = {"x": 2, "u": 4, "U": 8}
_FOLD = re.compile(r"[ \t]*(?:\r\n|\n)[ \t\r\n]*")


def index_of(source: Source, scalar: Scalar, offset: int) -> int:
    """The index in the source of the character at ``offset`` in the scalar's text."""
    if scalar.style in ("|", ">"):
        return _index_in_block(source, scalar, offset)
    indexes = _flow_indexes(source.text, scalar)
    return indexes[min(offset, len(indexes) - 1)]


def _flow_indexes(text: str, scalar: Scalar) -> list[int]:
    """For every character of a plain or quoted text, and its end, the index it came from."""
    quoted = 1 if scalar.style else 0
    at, end = scalar.start + quoted, scalar.end - quoted
    indexes: list[int] = []
    while at < end:
        length, made = _step(text, at, scalar.style)
        indexes.extend([at] * made)
        at += length
    indexes.append(end)
    return indexes


def _step(text: str, at: int, style: str) -> tuple[int, int]:
    """How many characters of the source to take next, and how many characters they make."""
    fold = _FOLD.match(text, at)
    if fold is not None:
        breaks = fold[0].count("\n")
        return len(fold[0]), max(1, breaks - 1)
    if style == "'" and text.startswith("''", at):
        return 2, 1
    if style == '"' and text[at] == "\\":
        return _escape(text, at)
    return 1, 1


def _escape(text: str, at: int) -> tuple[int, int]:
    continued = _FOLD.match(text, at + 1)
    if continued is not None:
        return 1 + len(continued[0]), max(0, continued[0].count("\n") - 1)
    return 2 + _ESCAPE_DIGITS.get(text[at + 1], 0), 1


def _index_in_block(source: Source, scalar: Scalar, offset: int) -> int:
    """Lines of a block text stand in the file as they are, behind their indentation.

    So each line is looked up in the value, in order; blank lines and folded breaks lie
    between them.
    """
    found, cursor = scalar.start, 0
    for start, line in _block_lines(source.text, scalar):
        content = line.strip(" ") if scalar.style == ">" else line.lstrip(" ")
        if not content:
            continue
        place = scalar.text.find(content, cursor)
        if place < 0 or (place > offset and found > scalar.start):
            break
        indent = len(line) - len(line.lstrip(" "))
        found = start + indent + min(max(offset - place, 0), len(content))
        cursor = place + len(content)
        if offset <= cursor:
            break
    return found


def _block_lines(text: str, scalar: Scalar) -> list[tuple[int, str]]:
    """The lines after the header, each with the index where it starts."""
    header, *lines = text[scalar.start : scalar.end].split("\n")
    starts = accumulate((len(line) + 1 for line in lines), initial=scalar.start + len(header) + 1)
    return [(start, line.rstrip("\r")) for start, line in zip(starts, lines, strict=False)]
