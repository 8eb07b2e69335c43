"""Deeds: what an entry did to budgets and to one resolution, whatever its kind is called."""

from typing import Any, Final, TypeAlias

from service.audit.entry import EntryError, Envelope
from service.audit.finding import Finding
from service.audit.line import Charging, Json, Line, charged_lines, ended_lines, parts_of

Part: TypeAlias = tuple[str, int, int, bool]
"""What an approval has on a row, or what its end moved there: the row's name, what is held,
what is settled, and whether the row rolls."""

Deed: TypeAlias = tuple[str, bool, tuple[Part, ...]]
"""What was done (`DEEDS`, or nothing), whether the entry is the first about its resolution,
and what is held or was moved. What an approval settled at once is not carried along:
`settled_parts` says it again where somebody asks."""

DEEDS: Final = ("approve", "open", "answer", "settle", "release", "reverse")
NOTHING: Final[Deed] = ("", False, ())

_ENDS: Final = {
    ("held", "settled"): "settle",
    ("held", "released"): "release",
    ("settled", "reversed"): "reverse",
}
_GRANTED: Final = ("held", "settled")


def deed_of(envelope: Envelope, index: int, findings: list[Finding]) -> tuple[Deed, list[Line]]:
    """What an entry did, and its budget lines. Raises `EntryError` where it is malformed.

    What is wrong with a line by itself is added to the findings. The kind is not asked:
    whatever carries budgets is re-added.
    """
    body = envelope.body
    decision = _decision_of(body)
    if decision is None:
        return _ended(envelope, index, findings) if "budgets" in body else (NOTHING, [])
    outcome, value, state = decision.get("outcome"), decision.get("value_minor"), body.get("state")
    if type(outcome) is not str or not (value is None or type(value) is int):
        raise EntryError("its decision has no outcome or no value")
    approved = outcome == "approved" and state in _GRANTED
    is_held = approved and state == "held"
    charging = Charging(approved, is_held, value, envelope.at, envelope.at_text)
    lines = charged_lines(_lines(decision), charging, index, envelope.id, findings)
    parts = _charges(decision, held=True) if is_held else ()
    is_first = decision is body
    what = "approve" if approved else "open" if state == "pending" and is_first else "answer"
    return (what, is_first, parts), lines


def settled_parts(body: Json) -> tuple[Part, ...]:
    """What an entry that settled something left settled, row by row. Raises `EntryError`."""
    decision = _decision_of(body)
    return _charges(decision, held=False) if decision is not None else _parts(_lines(body))


def _decision_of(body: Json) -> Json | None:
    """The decision that an entry is, or has; ``None`` for other entries."""
    if "decision" in body:
        decision = body["decision"]
        if not isinstance(decision, dict | None):
            raise EntryError("its decision is no object")
        return decision
    return body if "outcome" in body and "budgets" in body else None


def _ended(envelope: Envelope, index: int, findings: list[Finding]) -> tuple[Deed, list[Line]]:
    body = envelope.body
    what = _ENDS.get((str(body.get("was")), str(body.get("effect"))))
    if what is None:
        raise EntryError(f"it makes {body.get('effect')!r} of what was {body.get('was')!r}")
    told = _lines(body)
    lines = ended_lines(told, envelope.at, index, envelope.id, findings)
    return (what, False, _parts(told)), lines


def _parts(told: list[Json]) -> tuple[Part, ...]:
    return tuple(
        (line["row"], *parts_of(line), line["within_seconds"] is not None) for line in told
    )


def _charges(decision: Json, *, held: bool) -> tuple[Part, ...]:
    found: list[Part] = []
    for line in _lines(decision):
        charged, rolls = line["charged"], line["within_seconds"] is not None
        if charged:
            parts = (charged, 0) if held else (0, charged)
            found.append((line["row"], *parts, rolls))
    return tuple(found)


def _lines(body: Json) -> list[Json]:
    lines: Any = body.get("budgets")
    if type(lines) is not list:
        raise EntryError("its budgets are no list")
    found: list[Json] = lines
    return found
