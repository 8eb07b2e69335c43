"""Rounds in turns: what is compared is measured alternately within one run."""

import statistics
from collections.abc import Callable, Mapping
from typing import TypeVar

Way = TypeVar("Way")


def in_turns(
    ways: Mapping[Way, Callable[[], tuple[float, ...]]], rounds: int
) -> dict[Way, tuple[float, ...]]:
    """The median of each figure of each way. A first round warms up and does not count."""
    found: dict[Way, list[tuple[float, ...]]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, measure in ways.items():
            figures = measure()
            if number:
                found[way].append(figures)
    return {
        way: tuple(statistics.median(column) for column in zip(*rows, strict=True))
        for way, rows in found.items()
    }
