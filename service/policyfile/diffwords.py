"""A difference in words: lines for a terminal, Markdown for a pull request, JSON for programs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.core.expression import FactValue
from service.core.factvalue import json_of, rfc3339
from service.core.money import MINOR_MAX, format_minor
from service.core.request import QUANTITY_MAX
from service.core.rulebook import Rulebook
from service.policyfile.diff import Difference
from service.policyfile.diffchange import Change, Unsure, Witness
from service.policyfile.diffgift import Gift
from service.policyfile.diffitem import Field, Item

SIGNS: Final = {"more": "+", "less": "−", "other": "±"}
_VERBS: Final = {"more": "more", "less": "less", "other": "otherwise"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One sentence about authority: several roles and resolutions of which the same is true."""

    roles: tuple[str, ...]
    resolutions: tuple[str, ...]
    change: Change
    before: str
    after: str
    where: tuple[str, ...]

    @property
    def what(self) -> str:
        """The resolutions, and what has to be brought."""
        return f"{', '.join(self.resolutions)}{_evidence(self.change)}"

    @property
    def condition(self) -> str:
        """Who and where is concerned; empty for everybody everywhere."""
        return "; or ".join(self.where)


def statements(found: Difference) -> tuple[Statement, ...]:
    """The changes of authority, those that say the same in one."""
    by_resolution: dict[tuple[Any, ...], list[str]] = {}
    changes: dict[tuple[Any, ...], Change] = {}
    for change in found.authority.changes:
        key = (change.role, *_said(found, change))
        by_resolution.setdefault(key, []).append(change.resolution)
        changes.setdefault(key, change)
    by_role: dict[tuple[Any, ...], list[str]] = {}
    firsts: dict[tuple[Any, ...], Change] = {}
    for (role, *said), resolutions in by_resolution.items():
        whole = (*said, tuple(resolutions))
        by_role.setdefault(whole, []).append(role)
        firsts.setdefault(whole, changes[(role, *said)])
    return tuple(
        Statement(
            roles=tuple(roles),
            resolutions=key[-1],
            change=firsts[key],
            before=key[0],
            after=key[1],
            where=key[2],
        )
        for key, roles in by_role.items()
    )


def _said(found: Difference, change: Change) -> tuple[Any, ...]:
    before = gift_words(change.before, found.old.rulebook, change)
    after = gift_words(change.after, found.new.rulebook, change)
    where = tuple(" and ".join(parts) for parts in change.conditions() if parts)
    if any(not parts for parts in change.conditions()):
        where = ()
    return before, after, where, _evidence(change), change.direction, change.is_exact, change.rules


def _evidence(change: Change) -> str:
    """What is brought; nothing where it makes no difference to the change."""
    if len(change.brought) == len(change.asked):
        return ""
    told = [" and ".join(sorted(brought)) for brought in change.brought]
    if told[0]:
        return f" with {', or '.join(told)}"
    every = " and ".join(sorted(frozenset().union(*change.asked)))
    return (
        f" without {every}"
        if len(told) == 1
        else f" without evidence, or with {', or '.join(told[1:])}"
    )


def gift_words(gift: Gift, book: Rulebook, change: Change) -> str:
    """``up to 300.00 USD or up to percent(stay.total, 80)``, or ``nothing``."""
    parts = [_span(low, high, book, change) for low, high in gift.sizes]
    return " or ".join((*parts, *gift.formulas)) or "nothing"


def _span(low: int, high: int, book: Rulebook, change: Change) -> str:
    if low == high:
        return f"exactly {_size(high, book, change)}"
    has_end = high < (QUANTITY_MAX if change.by_unit else MINOR_MAX)
    if low <= 1:
        return f"up to {_size(high, book, change)}" if has_end else "without a limit"
    end = f" to {_size(high, book, change)}" if has_end else " on"
    return f"{'' if has_end else 'from '}{_size(low, book, change)}{end}"


def _size(size: int, book: Rulebook, change: Change) -> str:
    kind = book.resolutions.get(change.resolution)
    if change.by_unit:
        unit = "unit" if kind is None or kind.unit is None else kind.unit
        return f"{size} {unit}{'' if size == 1 else 's'}"
    return f"{format_minor(size, book.decimals)} {book.currency}"


# ── Text ──


def lines(found: Difference) -> Iterator[str]:
    """The difference for a terminal."""
    if found.is_same:
        yield "Nothing differs that a decision or a person's access hangs on."
        return
    told = statements(found)
    for roles in dict.fromkeys(it.roles for it in told):
        yield f"{' and '.join(roles)}"
        for statement in told:
            if statement.roles == roles:
                yield from _statement_lines(found, statement)
    if not told:
        yield "No role may give more or less by itself."
    for doubt in found.authority.unsure:
        yield _doubt(doubt)
    for section, items in _sections(found.items):
        yield f"{section}"
        yield from (f"  {_item_words(item)}" for item in items)


def _statement_lines(found: Difference, it: Statement) -> Iterator[str]:
    yield f"  {SIGNS[it.change.direction]} {it.what}: {it.after}, was {it.before}"
    if it.condition:
        yield f"      where {it.condition}"
    if it.change.rules:
        yield f"      by {', '.join(it.change.rules)}"
    if not it.change.is_exact:
        yield f"      for example {_example(found, it.change, it.change.witness)}"


def _doubt(doubt: Unsure) -> str:
    return f"? {doubt.role}, {doubt.resolution}: {doubt.why} ({', '.join(doubt.rules)})"


def _example(found: Difference, change: Change, witness: Witness) -> str:
    book = found.new.rulebook if witness.passes == "after" else found.old.rulebook
    facts = ", ".join(f"{name} {text}" for name, text in _facts(book, witness.facts).items())
    size = _size(witness.size, book, change)
    side = "now" if witness.passes == "after" else "no more"
    return (
        f"{size} {'pass' if witness.size > 1 else 'passes'} {side}{f' at {facts}' if facts else ''}"
    )


def _facts(book: Rulebook, facts: Mapping[str, FactValue]) -> dict[str, str]:
    return {name: _fact(book, name, value) for name, value in facts.items()}


def _fact(book: Rulebook, name: str, value: FactValue) -> str:
    fact = book.facts.get(name)
    if fact is not None:
        told = json_of(fact, value, book.decimals)
        return ", ".join(told) if isinstance(told, list) else str(told).lower()
    return rfc3339(value) if hasattr(value, "tzinfo") else str(value)  # type: ignore[arg-type]


def _sections(items: Iterable[Item]) -> Iterator[tuple[str, list[Item]]]:
    by_section: dict[str, list[Item]] = {}
    for item in items:
        by_section.setdefault(item.section, []).append(item)
    yield from by_section.items()


def _item_words(item: Item) -> str:
    match item.kind:
        case "renamed":
            return f"~ {item.name}, was {item.was}: nothing else differs"
        case "moved":
            return "~ the order differs"
        case "added" | "removed":
            sign = "+" if item.kind == "added" else "−"
            said = ", ".join(
                f"{it.name} {it.after if it.before is None else it.before}" for it in item.fields
            )
            return f"{sign} {item.name}{f': {said}' if said else ''}"
        case _:
            looser = f" ({item.direction})" if item.direction in ("looser", "tighter") else ""
            return (
                f"~ {item.name}: {'; '.join(map(_field_words, item.fields)) or 'differs'}{looser}"
            )


def _field_words(field: Field) -> str:
    if field.before is None:
        return f"{field.name} {field.after}, was not said"
    if field.after is None:
        return f"{field.name} is not said any more, was {field.before}"
    return f"{field.name} {field.after}, was {field.before}"


# ── Markdown ──


def markdown(found: Difference, old: str, new: str) -> str:
    """A comment for a pull request. ``old`` and ``new`` say what was compared."""
    return "\n".join(_markdown_lines(found, old, new)) + "\n"


def _markdown_lines(found: Difference, old: str, new: str) -> Iterator[str]:
    yield f"### What {_cell(new)} changes against {_cell(old)}"
    yield ""
    if found.is_same:
        yield "Nothing differs that a decision or a person's access hangs on."
        return
    told = statements(found)
    yield _headline(told)
    if told:
        yield ""
        yield "| | who | may give | now | before | where |"
        yield "| --- | --- | --- | --- | --- | --- |"
        yield from (_row(found, statement) for statement in told)
    yield from _markdown_rest(found)


def _headline(told: Sequence[Statement]) -> str:
    if not told:
        return "No role may give more or less by itself."
    sides = []
    for direction, verb in _VERBS.items():
        roles = [role for it in told if it.change.direction == direction for role in it.roles]
        if roles:
            names = ", ".join(f"`{role}`" for role in dict.fromkeys(roles))
            sides.append(f"{names} may give **{verb}**")
    return "; ".join(sides) + "."


def _row(found: Difference, it: Statement) -> str:
    where = it.condition or "everywhere"
    if not it.change.is_exact:
        where += f" (for example {_example(found, it.change, it.change.witness)})"
    cells = (SIGNS[it.change.direction], ", ".join(it.roles), it.what, it.after, it.before, where)
    return f"| {' | '.join(map(_cell, cells))} |"


def _markdown_rest(found: Difference) -> Iterator[str]:
    if found.authority.unsure:
        yield ""
        yield from (f"- {_cell(_doubt(doubt))}" for doubt in found.authority.unsure)
    for section, items in _sections(found.items):
        yield ""
        yield f"**{_cell(section)}**"
        yield ""
        yield from (f"- {_cell(_item_words(item))}" for item in items)


def _cell(text: str) -> str:
    """Text that cannot break out of a cell or a list."""
    for sign in "\\|<`":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", " ")


# ── JSON ──


def as_json(found: Difference) -> dict[str, Any]:
    """The difference for programs; sizes are money as text, or quantities."""
    return {
        "same": found.is_same,
        "old": _side(found.old.rulebook),
        "new": _side(found.new.rulebook),
        "authority": [_change_json(found, it) for it in found.authority.changes],
        "unsure": [
            {"role": it.role, "resolution": it.resolution, "why": it.why, "rules": list(it.rules)}
            for it in found.authority.unsure
        ],
        "items": [_item_json(item) for item in found.items],
    }


def _side(book: Rulebook) -> dict[str, str]:
    return {"name": book.name, "version": book.version, "rules": book.rules}


def _change_json(found: Difference, change: Change) -> dict[str, Any]:
    return {
        "role": change.role,
        "resolution": change.resolution,
        "with": [sorted(brought) for brought in change.brought],
        "direction": change.direction,
        "before": _gift_json(change.before, found.old.rulebook, change),
        "after": _gift_json(change.after, found.new.rulebook, change),
        "where": [list(parts) for parts in change.conditions()],
        "rules": list(change.rules),
        "own": change.is_own,
        "exact": change.is_exact,
        "example": _witness_json(found, change, change.witness),
    }


def _gift_json(gift: Gift, book: Rulebook, change: Change) -> dict[str, Any]:
    most = QUANTITY_MAX if change.by_unit else MINOR_MAX

    def shown(size: int) -> Any:  # noqa: ANN401 - a quantity, or money as text
        return size if change.by_unit else format_minor(size, book.decimals)

    sizes = [
        {"from": shown(low), "to": None if high >= most else shown(high)}
        for low, high in gift.sizes
    ]
    return {
        "text": gift_words(gift, book, change),
        "sizes": sizes,
        "computed": list(gift.formulas),
    }


def _witness_json(found: Difference, change: Change, witness: Witness) -> dict[str, Any]:
    book = found.new.rulebook if witness.passes == "after" else found.old.rulebook
    size = witness.size if change.by_unit else format_minor(witness.size, book.decimals)
    return {"facts": _facts(book, witness.facts), "size": size, "passes": witness.passes}


def _item_json(item: Item) -> dict[str, Any]:
    return {
        "section": item.section,
        "name": item.name,
        "kind": item.kind,
        "was": item.was,
        "direction": item.direction,
        "fields": [{"name": it.name, "before": it.before, "after": it.after} for it in item.fields],
    }
