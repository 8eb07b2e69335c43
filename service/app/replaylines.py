"""A stream of proposals, one a line, as events of a replay."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final
from zlib import crc32

from service.app.line import Line, LineReader
from service.app.replaycase import Asked
from service.core.proposal import read_proposal
from service.core.refusal import Refused
from service.core.request import Request
from service.core.rulebook import Rulebook

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The instant of lines that nobody can read before the first that somebody can."""


class Lines:
    """Reads lines for several rulebooks; of each line what any of them can read."""

    def __init__(self, rulebooks: Sequence[Rulebook], *, part: int = 0, parts: int = 1) -> None:
        """``part`` of so many ``parts`` takes the lines of its own sites only."""
        self._readers = {id(it): LineReader(it) for it in rulebooks}
        self._number = 0
        self._at = BEGINNING
        self._part = part
        self._parts = parts

    def events(self, lines: Iterable[bytes]) -> Iterator[Asked]:
        """What is asked, line by line; a blank line asks nothing."""
        for text in lines:
            self._number += 1
            if text and not text.isspace():
                asked = self._asked(text)
                if self._parts == 1 or part_of(asked.site, self._parts) == self._part:
                    yield asked

    def _asked(self, text: bytes) -> Asked:
        found = self._first_read(text)
        number = f"line {self._number}"
        if isinstance(found, Refused):
            return Asked(number, self._at, "", partial(_raise, found), number=self._number)
        self._at = found.at
        proposal = found.proposal
        site = proposal.get("site") if isinstance(proposal, dict) else None
        read = {self._reader: found}
        request = partial(self._request, text, read)
        named = site if isinstance(site, str) else ""
        return Asked(number, found.at, named, request, number=self._number)

    def _first_read(self, text: bytes) -> Line | Refused:
        """The line as the first rulebook reads it that can."""
        refused: Refused | None = None
        for book, reader in self._readers.items():
            try:
                line = reader.read(text)
            except Refused as refusal:
                refused = refused or refusal
            else:
                self._reader = book
                return line
        return refused or Refused(())

    def _request(self, text: bytes, read: dict[int, Line], rulebook: Rulebook) -> Request:
        book = id(rulebook)
        line = read.get(book)
        if line is None:
            line = read[book] = self._readers[book].read(text)
        return read_proposal(rulebook, line.proposal, line.agent)


def part_of(site: str, parts: int) -> int:
    """Which part decides what is asked at a site: the same for the same site, always."""
    return crc32(site.encode()) % parts


def _raise(refusal: Refused, _: Rulebook) -> Request:
    raise refusal
