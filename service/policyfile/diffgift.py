"""What a role may give at one place: sizes from and to, and limits that are computed."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from service.core.money import MINOR_MAX
from service.core.request import QUANTITY_MAX
from service.core.rulebook import MoneyLimit
from service.policyfile.diffspace import Size

SETS_OF_NEEDS_MAX: Final = 5
"""How many different sets of evidence are combined; beyond, only each alone and all together."""


class Part(NamedTuple):
    """What one standing grant gives with its ``needs``: the sizes of a span, up to a limit.

    ``limit`` is a size already, or a formula (``is_exact``: that very amount and no other).
    """

    low: int
    high: int
    needs: frozenset[str]
    formula: str | None = None
    is_exact: bool = False


class Gift(NamedTuple):
    """What may be given: spans of sizes, apart and in order, and formulas in words."""

    sizes: tuple[tuple[int, int], ...] = ()
    formulas: tuple[str, ...] = ()

    def holds(self, size: int) -> bool:
        """Whether the size lies in one of the spans; formulas are not looked at."""
        return any(low <= size <= high for low, high in self.sizes)


NOTHING: Final = Gift()


def size_max(size: Size) -> int:
    """The largest amount or quantity there is."""
    if size.worth is None:
        return MINOR_MAX
    return QUANTITY_MAX if size.worth == 0 else min(QUANTITY_MAX, MINOR_MAX // size.worth)


def part_of(
    limit: MoneyLimit | None,
    size: Size,
    span: tuple[int, int],
    needs: frozenset[str],
    *,
    exact: bool,
) -> Part | None:
    """What a grant gives within a span of sizes; ``None`` is nothing."""
    low, high = span[0], min(span[1], size_max(size))
    if limit is not None and not isinstance(limit, int):
        return Part(low, high, needs, limit.text.strip(), exact) if low <= high else None
    if limit is not None and exact:
        owed = _whole_size(limit, size)
        low, high = max(low, owed), min(high, owed)
        return Part(low, high, needs) if owed and low <= high else None
    if limit is not None:
        high = min(high, limit if size.worth is None else _units(limit, size.worth))
    return Part(low, high, needs) if low <= high else None


def _units(limit: int, worth: int) -> int:
    return QUANTITY_MAX if worth == 0 else limit // worth


def _whole_size(owed: int, size: Size) -> int:
    """The size whose value is owed; 0 where there is none."""
    if size.worth is None:
        return owed
    return owed // size.worth if size.worth and owed % size.worth == 0 else 0


def gift_of(parts: Iterable[Part], brought: frozenset[str]) -> Gift:
    """What may be given to somebody who brings this evidence."""
    allowed = [part for part in parts if part.needs <= brought]
    spans = sorted((part.low, part.high) for part in allowed if part.formula is None)
    return Gift(tuple(_joined(spans)), tuple(sorted({_worded(it) for it in allowed} - {""})))


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for low, high in spans:
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found


def _worded(part: Part) -> str:
    if part.formula is None:
        return ""
    return f"exactly {part.formula}" if part.is_exact else f"up to {part.formula}"


def evidence_sets(needs: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """The sets of evidence that make a difference, smallest first."""
    asked: set[frozenset[str]] = {frozenset(), *needs}
    found = set(asked)
    few = len(asked) <= SETS_OF_NEEDS_MAX
    for count in range(2, len(asked) + 1 if few else 2):
        found |= {frozenset().union(*some) for some in combinations(asked, count)}
    found.add(frozenset().union(*asked))
    return sorted(found, key=lambda it: (len(it), sorted(it)))


def less_and_more(before: Gift, after: Gift) -> tuple[bool, bool]:
    """Whether some size may be given no more, and whether some may be given now."""
    return _exceeds(before, after), _exceeds(after, before)


def _exceeds(one: Gift, other: Gift) -> bool:
    """Whether one has a size that the other lacks."""
    return any(
        not any(below <= low and high <= above for below, above in other.sizes)
        for low, high in one.sizes
    )


def lacking_size(one: Gift, other: Gift) -> int | None:
    """The largest size that one has and the other lacks; ``None`` where there is none."""
    for low, high in reversed(one.sizes):
        size = high
        for below, above in reversed(other.sizes):
            if below <= size <= above:
                size = below - 1
        if size >= low:
            return size
    return None
