"""Rows that are wanted, made only where they turn out to be missing."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key")
Source = TypeVar("Source")
Record = TypeVar("Record")


class Wanted(Mapping[Key, Record], Generic[Key, Source, Record]):
    """By key: the record as it would be inserted. Each look-up makes a new one.

    Most rows that a decision locks exist, and what was made for one that does would be
    thrown away: its random name above all.
    """

    __slots__ = ("_make", "_sources")

    def __init__(
        self, sources: Mapping[Key, Source], make: Callable[[Key, Source], Record]
    ) -> None:
        """``sources`` is what each record is made of."""
        self._sources = sources
        self._make = make

    def __getitem__(self, key: Key) -> Record:
        return self._make(key, self._sources[key])

    def __iter__(self) -> Iterator[Key]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)
