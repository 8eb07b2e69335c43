"""The text of an expression as tokens, so that every problem can point at its characters."""

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

# The patterns are verbose. A look ahead at the first character spares trying the others.
TEXT = r"""(?=[bBrR"'])(?:
      [bB]?[rR] (?: \"{3}[\s\S]*?\"{3} | '{3}[\s\S]*?'{3} | "[^"\n\r]*" | '[^'\n\r]*' )
    | [bB]? (?: \"{3}(?:\\[\s\S]|[^\\])*?\"{3} | '{3}(?:\\[\s\S]|[^\\])*?'{3}
              | "(?:\\.|[^"\\\n\r])*" | '(?:\\.|[^'\\\n\r])*' ) )
"""
NUMBER = r"""(?=[0-9.])(?:
      0[xX][0-9a-fA-F]+[uU]?
    | (?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[uU]? )
"""
NAME = r"[A-Za-z_][A-Za-z0-9_]*"
COMMENT = r"//[^\n]*(?:\n|\Z)"
BLANK = rf"(?: [ \t\r\n\f] | {COMMENT} )*"

_TOKEN = re.compile(
    rf"(?P<text>{TEXT}) | (?P<number>{NUMBER}) | (?P<name>{NAME})"
    rf"| (?P<blank> [ \t\r\n\f]+ | {COMMENT} )"
    r"| (?P<sign> == | != | <= | >= | && | \|\| | [\s\S] )",
    re.VERBOSE,
)
_OPENING = re.compile(rf"{BLANK}\(", re.VERBOSE)
_PARENTHESIS = re.compile(rf"[()] | {TEXT} | {NUMBER} | {NAME} | {COMMENT}", re.VERBOSE)


class Token(NamedTuple):
    """A piece of the text. ``kind`` is text (a quoted string), number, name or sign."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset after the last character."""
        return self.start + len(self.text)


class Span(NamedTuple):
    """Characters of the text: where they begin, and how many."""

    offset: int
    length: int


@dataclass(frozen=True)
class Source:
    """A text and its tokens, by the lexical rules of CEL (blanks and comments left out)."""

    text: str

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """Every token in order; a character that begins no token is a sign of its own."""
        return self.tokens_between(0, len(self.text))

    def tokens_between(self, start: int, end: int) -> tuple[Token, ...]:
        """The tokens of a part that begins and ends with one."""
        return tuple(
            Token(found.lastgroup or "", found.group(), found.start())
            for found in _TOKEN.finditer(self.text, start, end)
            if found.lastgroup != "blank"
        )

    def parentheses_after(self, offset: int) -> tuple[int, int] | None:
        """What is between the next parentheses: from and to.

        ``None`` where something else stands before them, or where they stay open.
        ``offset`` is the end of a token.
        """
        opening = _OPENING.match(self.text, offset)
        if opening is None:
            return None
        depth = 1
        for found in _PARENTHESIS.finditer(self.text, opening.end()):
            depth += {"(": 1, ")": -1}.get(found[0], 0)
            if depth == 0:
                return opening.end(), found.start()
        return None

    @cached_property
    def _starts(self) -> list[int]:
        return [token.start for token in self.tokens]

    def find(self, offset: int) -> int | None:
        """The number of the token that starts at ``offset``."""
        number = bisect_left(self._starts, offset)
        if number < len(self._starts) and self._starts[number] == offset:
            return number
        return None

    def is_sign(self, number: int, sign: str) -> bool:
        """Whether the token of that number exists and is ``sign``."""
        return 0 <= number < len(self.tokens) and self.tokens[number].text == sign

    def span(self, offset: int) -> Span:
        """The token at ``offset``; at ``(`` the name of the function that is called."""
        number = self.find(offset)
        if number is None:
            return Span(min(max(offset, 0), len(self.text)), 0)
        token = self.tokens[number]
        before = self.tokens[number - 1] if number else None
        if token.text == "(" and before is not None and before.kind == "name":
            return Span(before.start, len(before.text))
        return Span(offset, len(token.text))

    def span_of_literal(self, offset: int) -> Span:
        """The literal at ``offset``, with the minus in front of a number."""
        number = self.find(offset)
        if number is None or not self.is_sign(number, "-") or number + 1 == len(self.tokens):
            return self.span(offset)
        return Span(offset, self.tokens[number + 1].end - offset)

    def span_of_name(self, offset: int, name: str) -> Span:
        """A qualified name whose last dot (or, without one, whose start) is at ``offset``."""
        number = self.find(offset)
        dots = name.count(".")
        if number is None or dots == 0:
            return self.span(offset)
        first = max(number - (2 * dots - 1), 0)
        last = min(number + 1, len(self.tokens) - 1)
        return Span(self.tokens[first].start, self.tokens[last].end - self.tokens[first].start)

    def offset_of(self, line: int, column: int) -> int:
        """The offset of a line and column, both from 1; columns count code points."""
        before = self.text.split("\n")[: max(line - 1, 0)]
        offset = sum(len(text) + 1 for text in before) + column - 1
        return min(max(offset, 0), len(self.text))
