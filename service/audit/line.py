"""Lines: what an entry says of one budget row, and what is wrong with a line by itself.

There are several lines to an entry and millions to a log, so this is written for speed:
what is wrong is put into words only once something is.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, TypeAlias

from service.audit.entry import EntryError, instant
from service.audit.finding import Code, Finding

SECOND: Final = 1_000_000

Json: TypeAlias = dict[str, Any]

Shape: TypeAlias = tuple[str, bool, bool, str | None, str | None]
"""What never changes of a row: its budget, whether it counts, whether it rolls, its window."""

Roll: TypeAlias = tuple[int, int, int, int, int | None]
"""What a rolling window needs besides, in microseconds where it is time.

The instant, the window's length, by how much changed what is held and what is settled,
and the instant of the spend that was taken away.
"""

Line: TypeAlias = tuple[str, int, bool, int, int, Shape, Roll | None]
"""A row's name, the version that was found, whether a next one was made, and what was used
before and after. Plain tuples cross from one process to another in a tenth of the time."""


class Charging(NamedTuple):
    """How a decision's lines are read: what it was worth and whether it approved."""

    approved: bool
    held: bool
    value: int | None
    at: int
    at_text: str


def charged_lines(
    told: list[Json], charging: Charging, index: int, entry: str, findings: list[Finding]
) -> list[Line]:
    """The lines of a decision. Raises `EntryError` where one is malformed."""
    approved, is_held, value, at, at_text = charging
    now = at_text[:-1]
    lines: list[Line] = []
    for line in told:
        row, version, charged, before, after, shape, within = _read(line, index, entry, findings)
        roll: Roll | None = None
        if charged:
            begins, ends = shape[3], shape[4]
            # Without the Z, instants with and without a fraction sort as texts.
            is_due = approved and charged == (1 if shape[1] else value)
            if not is_due or (begins and now < begins[:-1]) or (ends and now >= ends[:-1]):
                findings.extend(_charge_faults(line, charging, index, entry))
        if within is not None:
            roll = (at, within * SECOND, charged, 0, None)
            if not is_held:
                roll = (at, within * SECOND, 0, charged, None)
        lines.append((row, version - (charged != 0), charged != 0, before, after, shape, roll))
    return lines


def ended_lines(
    told: list[Json], at: int, index: int, entry: str, findings: list[Finding]
) -> list[Line]:
    """The lines of a settle, release, expire or reverse. Raises `EntryError`."""
    lines: list[Line] = []
    for line in told:
        row, version, _, before, after, shape, within = _read(line, index, entry, findings)
        held, settled = parts_of(line)
        changed = held != 0 or settled != 0
        roll = None
        if within is not None:
            text = line.get("spent_at")
            spent_at = None if text is None else instant(text, "spent_at")
            roll = (at, within * SECOND, held, settled, spent_at)
        lines.append((row, version - changed, changed, before, after, shape, roll))
    return lines


def parts_of(line: Json) -> tuple[int, int]:
    """By how much what is held and what is settled changed. Raises `EntryError`."""
    held, settled = line.get("held"), line.get("settled")
    if type(held) is not int or type(settled) is not int:
        raise EntryError("a budget's line lacks what was held and settled")
    return held, settled


def _read(
    line: Json, index: int, entry: str, findings: list[Finding]
) -> tuple[str, int, int, int, int, Shape, int | None]:
    """What all lines have. Whatever is wrong with the line's own sum is a finding."""
    try:  # what is no object has no such names either
        row, version, charged = line["row"], line["version"], line["charged"]
        before, after, limit = line["before"], line["after"], line["limit"]
        counts, within = line["counts"], line["within_seconds"]
        shape = (line["budget"], counts, within is not None, line["from"], line["until"])
    except (KeyError, TypeError) as missing:
        raise EntryError(f"a budget's line lacks {missing}") from None
    if not (
        type(version) is type(charged) is type(before) is type(after) is int
        and type(row) is type(shape[0]) is str
        and type(counts) is bool
        and (limit is None or type(limit) is int)
        and (within is None or type(within) is int)
        and (shape[3] is None or type(shape[3]) is str)
        and (shape[4] is None or type(shape[4]) is str)
    ):
        raise EntryError(f"a line of the budget {str(shape[0])[:60]!r} has a value of a wrong type")
    over = charged > 0 and limit is not None and after > limit
    if over or before + charged != after or before < 0 or after < 0 or version < 0:
        findings.extend(_sum_faults(line, index, entry))
    return row, version, charged, before, after, _SHAPES.setdefault(shape, shape), within


def _sum_faults(line: Json, index: int, entry: str) -> Iterator[Finding]:
    before, charged, after = line["before"], line["charged"], line["after"]
    limit, row = line["limit"], line["row"]
    if before + charged != after:
        what = f"{before} and {charged} make {before + charged}, not {after}"
        yield Finding(Code.BUDGET_ARITHMETIC, what, index, entry, row)
    if charged > 0 and limit is not None and after > limit:
        what = f"{after} used of {line['budget']}, whose limit is {limit}"
        yield Finding(Code.BUDGET_OVERSPENT, what, index, entry, row)
    if before < 0 or after < 0 or line["version"] < 0:
        what = "what is used, and its version, are never below zero"
        yield Finding(Code.BUDGET_ARITHMETIC, what, index, entry, row)


def _charge_faults(line: Json, charging: Charging, index: int, entry: str) -> Iterator[Finding]:
    """What is wrong with a decision's charge: who allowed it, how much it is, and when."""
    charged, row, budget = line["charged"], line["row"], line["budget"]
    due = 1 if line["counts"] else charging.value
    if not charging.approved:
        what = f"{charged} charged to {budget} by a decision that approves nothing"
        yield Finding(Code.CHARGE_WITHOUT_APPROVAL, what, index, entry, row)
    elif charged != due:
        what = f"{charged} charged to {budget} for an approval of {due}"
        yield Finding(Code.CHARGE_MISMATCH, what, index, entry, row)
    begins, ends, now = line["from"], line["until"], charging.at_text[:-1]
    if (begins is not None and now < begins[:-1]) or (ends is not None and now >= ends[:-1]):
        what = f"charged to a window from {begins} until {ends}"
        yield Finding(Code.BUDGET_WINDOW, what, index, entry, row)


_SHAPES: Final[dict[Shape, Shape]] = {}
"""Each shape once, whoever has it: there are as many as budgets and windows."""
