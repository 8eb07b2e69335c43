"""The judge of histories: it passes what holds, and names what was forged."""

import sys
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest

from tests.attack.history import Entry, Kept, Line, Resolution, Row, Told, faults

LIMIT = 100


def history(charges: int = 4, amount: int = 20, limit: int = LIMIT) -> tuple[list[Told], Kept]:
    """One budget that is charged again and again, each caller after the one before."""
    entries, resolutions, told = {}, {}, []
    for number in range(charges):
        after = (number + 1) * amount
        line = Line(
            entry=f"ent_{number}",
            row="bud_1",
            budget="till",
            version=number + 1,
            limit=limit,
            charged=amount,
            before=after - amount,
            after=after,
            changed=True,
        )
        entries[line.entry] = decision(number, (line,))
        resolutions[f"res_{number}"] = resolution(number)
        told.append(acknowledgement(number))
    row = Row(name="bud_1", budget="till", used=charges * amount, version=charges)
    return told, Kept(
        entries=entries,
        resolutions=resolutions,
        rows={"bud_1": row},
        sealed=frozenset(entries),
        answered={f"key-{n}": f"res_{n}" for n in range(charges)},
    )


def decision(number: int, lines: tuple[Line, ...], outcome: str = "approved") -> Entry:
    return Entry(
        id=f"ent_{number}",
        kind="decision",
        about=f"res_{number}",
        outcome=outcome,
        leaf=f"leaf_{number}",
        policy="sha256:1",
        seals=True,
        lines=lines,
    )


def resolution(number: int, outcome: str = "approved") -> Resolution:
    return Resolution(
        id=f"res_{number}",
        entry=f"ent_{number}",
        outcome=outcome,
        answer=outcome,
        escalation=None,
    )


def acknowledgement(number: int, outcome: str = "approved") -> Told:
    return Told(
        resolution=f"res_{number}",
        entry=f"ent_{number}",
        leaf=f"leaf_{number}",
        outcome=outcome,
        policy="sha256:1",
        key=f"key-{number}",
        sent_at=float(number),
        answered_at=number + 0.5,
        charged=(("till", number + 1),) if outcome == "approved" else (),
    )


def refused(told: list[Told], kept: Kept, *, read: int, used: int) -> tuple[list[Told], Kept]:
    """The history and a last request, denied after it read a version of the row."""
    line = Line("ent_9", "bud_1", "till", read, LIMIT, 0, used, used, changed=False)
    return [*told, acknowledgement(9, "denied")], replace(
        kept,
        entries={**kept.entries, "ent_9": decision(9, (line,), "denied")},
        resolutions={**kept.resolutions, "res_9": resolution(9, "denied")},
        sealed=kept.sealed | {"ent_9"},
    )


def changed(kept: Kept, number: int, **fields: Any) -> Kept:
    """The history with other figures on one entry's line."""
    entry = kept.entries[f"ent_{number}"]
    line = entry.lines[0]._replace(**fields)
    return replace(kept, entries={**kept.entries, entry.id: replace(entry, lines=(line,))})


def test_a_history_that_holds_is_passed() -> None:
    """Charges one after the other, and a refusal that read the last of them, hold."""
    assert faults(*history()) == []
    assert faults(*refused(*history(), read=4, used=80)) == []


Forgery = Callable[[list[Told], Kept], tuple[list[Told], Kept]]

FORGERIES: dict[str, tuple[Forgery, str]] = {
    "two spend the same balance": (
        lambda told, kept: (told, changed(kept, 2, version=2, before=20, after=40)),
        "version 2 was made 2 times",
    ),
    "a charge is left out": (
        lambda told, kept: (told, changed(kept, 2, version=9)),
        "version 3 was made 0 times",
    ),
    "a charge begins elsewhere": (
        lambda told, kept: (told, changed(kept, 2, before=20, after=40)),
        "found 20 where 40 was used",
    ),
    "a sum is wrong": (lambda told, kept: (told, changed(kept, 1, after=41)), "adds 20 to 20: 41"),
    "the limit is exceeded": (
        lambda told, kept: (told, changed(kept, 3, limit=79)),
        "left 80 used of 79",
    ),
    "the row has less than was charged": (
        lambda told, kept: (told, replace(kept, rows={"bud_1": Row("bud_1", "till", 60, 4)})),
        "has 60 used, and its entries add up to 80",
    ),
    "the row missed a change": (
        lambda told, kept: (told, replace(kept, rows={"bud_1": Row("bud_1", "till", 80, 3)})),
        "stands at version 3 after 4 changes",
    ),
    "a row was charged without an entry": (
        lambda told, kept: (
            told,
            replace(kept, rows={**kept.rows, "bud_2": Row("bud_2", "till", 5, 1)}),
        ),
        "bud_2: was charged, and no entry says so",
    ),
    "an acknowledged decision is lost": (
        lambda told, kept: (
            told,
            replace(kept, resolutions={k: v for k, v in kept.resolutions.items() if k != "res_3"}),
        ),
        "res_3: was acknowledged and is not there",
    ),
    "an entry was written without its resolution": (
        lambda told, kept: (
            told[:3],
            replace(kept, resolutions={k: v for k, v in kept.resolutions.items() if k != "res_3"}),
        ),
        "ent_3: has no resolution res_3",
    ),
    "a resolution was written without its entry": (
        lambda told, kept: (
            told[:3],
            replace(kept, entries={k: v for k, v in kept.entries.items() if k != "ent_3"}),
        ),
        "res_3: has no entry ent_3",
    ),
    "an entry was rewritten": (
        lambda told, kept: ([told[0]._replace(leaf="other"), *told[1:]], kept),
        "res_0: approved was told, and approved is kept",
    ),
    "another balance was told": (
        lambda told, kept: ([told[0]._replace(charged=(("till", 7),)), *told[1:]], kept),
        "res_0: [('till', 7)] was told",
    ),
    "one key got two decisions": (
        lambda told, kept: ([told[0], told[1]._replace(key="key-0"), *told[2:]], kept),
        "the key key-0 got res_0 and res_1",
    ),
    "a key was taken and never answered": (
        lambda told, kept: (told, replace(kept, unanswered=frozenset({"key-8"}))),
        "the idempotency key key-8… was taken",
    ),
    "a key answers with nothing": (
        lambda told, kept: (told, replace(kept, answered={"key-8": "res_8"})),
        "answers with res_8, which is not there",
    ),
    "personal values were not sealed": (
        lambda told, kept: (told, replace(kept, sealed=kept.sealed - {"ent_1"})),
        "ent_1: what it commits to is not what has openings",
    ),
    "a later request came first": (
        lambda told, kept: (
            [told[0]._replace(sent_at=8.0, answered_at=8.5), *told[1:]],
            kept,
        ),
        "ent_1 was answered before ent_0 asked, and comes later",
    ),
    "a refusal read what was long gone": (
        lambda told, kept: refused(told, kept, read=2, used=40),
        "was answered before ent_9 asked, and comes later",
    ),
    "a refusal read what nobody made": (
        lambda told, kept: refused(told, kept, read=5, used=100),
        "ent_9 read version 5, which nobody made",
    ),
    "a refusal charged": (
        lambda told, kept: (
            told,
            replace(
                kept,
                entries={
                    **kept.entries,
                    "ent_3": replace(kept.entries["ent_3"], outcome="denied"),
                },
            ),
        ),
        "ent_3: is denied and charged",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_history_is_caught(name: str) -> None:
    """Each forgery is found, and the sentence says what is wrong."""
    forge, sentence = FORGERIES[name]
    found = faults(*forge(*history()))
    assert any(sentence in fault for fault in found), found


def test_what_ages_may_shrink_and_never_grow() -> None:
    """A rolling budget may have less used than the charge before left, and never more."""
    told, kept = history()
    aged = replace(
        changed(changed(kept, 2, before=20, after=40), 3, before=40, after=60),
        rows={"bud_1": Row("bud_1", "till", 60, 4)},
    )
    assert faults(told, aged, rolling=["till"]) == []
    assert faults(told, aged) != []
    assert faults(told, changed(kept, 2, before=50, after=70), rolling=["till"]) != []


def test_a_long_history_takes_no_longer_for_each_decision() -> None:
    """Ten times the history executes ten times the lines, so a million decisions can be judged."""
    assert steps(2_000) < 11 * steps(200)


def steps(charges: int) -> int:
    """How many lines of code judging a history executes."""
    executed = 0

    def trace(_frame: FrameType, event: str, _arg: Any) -> Callable[..., Any]:
        nonlocal executed
        executed += event == "line"
        return trace

    told, kept = history(charges, amount=1, limit=charges)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        assert faults(told, kept) == []
    finally:
        sys.settrace(before)
    return executed
