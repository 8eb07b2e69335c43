"""What else differs between two sets: every declaration and rule by its name, field by field."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import time, timedelta
from typing import Any, Final, Literal

from service.core.money import format_minor
from service.core.rulebook import Rulebook
from service.policyfile.access import Access
from service.policyfile.difflikeness import Likeness

Kind = Literal["added", "removed", "changed", "renamed", "moved"]
Direction = Literal["looser", "tighter", "other"]

_DAY: Final = timedelta(days=1)
_HIDDEN: Final = frozenset({"id", "rank", "zone"})
_MONEY: Final = frozenset({"limit_minor", "worth", "up_to", "exactly"})
_LOOSE: Final = frozenset({"limit", "count"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field with what it said before and says now; ``None`` where it is not said."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that was added, removed, or says something else now.

    ``section`` is the key of the policy file, or ``access``; a rule that only has another
    name is ``renamed`` (``was``). ``direction`` is told of budgets: whether they leave more.
    """

    section: str
    name: str
    kind: Kind
    fields: tuple[Field, ...] = ()
    was: str | None = None
    direction: Direction | None = None


def compare_items(old: Rulebook, new: Rulebook, alike: Likeness) -> Iterator[Item]:
    """Everything that differs, section by section in the order of a policy file."""

    def both(section: str) -> tuple[_Section, _Section]:
        return _by_name(old, section), _by_name(new, section)

    yield from _header(old, new)
    for section in ("rates", "sites", "roles", "facts", "resolutions"):
        yield from _named(section, *both(section), alike)
    for section in ("grants", "budgets", "prohibitions"):
        before, after = both(section)
        found = list(_named(section, before, after, alike))
        yield from _renamed(section, found, before, after)
        if not found and [*before.items] != [*after.items]:
            yield Item(section=section, name="order", kind="moved")
    yield from _named("escalation", *both("escalation"), alike)


def compare_access(old: Access, new: Access) -> Iterator[Item]:
    """Lines of ``access.csv`` that only one side has, and another ``model.conf``."""
    before, after = _lines(old), _lines(new)
    for line in before:
        if line not in after:
            yield Item(section="access", name=line, kind="removed")
    for line in after:
        if line not in before:
            yield Item(section="access", name=line, kind="added")
    if old.model != new.model:
        yield Item(section="access", name="model.conf", kind="changed")


def _lines(access: Access) -> dict[str, None]:
    permissions = (f"p, {it.role}, {it.object}, {it.action}" for it in access.permissions)
    memberships = (f"g, {it.member}, {it.role}, {it.site}" for it in access.memberships)
    return dict.fromkeys((*permissions, *memberships))


Values = Mapping[str, str]
"""A declaration's fields in words; those that are not said are left out."""


class _Section:
    """The declarations of a section by name, put into words where somebody asks for them."""

    def __init__(self, items: Mapping[str, Any], book: Rulebook) -> None:
        self.items = items
        self._book = book

    def __getitem__(self, name: str) -> Values:
        value = self.items[name]
        return {"rate": value} if isinstance(value, str) else _values(value, self._book)


def _by_name(book: Rulebook, section: str) -> _Section:
    found: Any = getattr(book, section) or {}
    return _Section(found if isinstance(found, Mapping) else {it.id: it for it in found}, book)


def _header(old: Rulebook, new: Rulebook) -> Iterator[Item]:
    names = ("name", "currency", "timezone", "subject", "calendar")
    for name in names:
        before, after = (_worded(name, getattr(book, name), book) for book in (old, new))
        if before != after:
            told = (Field(name=name, before=before, after=after),)
            yield Item(section=name, name=name, kind="changed", fields=told)
    if (old.sites is None) != (new.sites is None):
        kind: Kind = "added" if old.sites is None else "removed"
        yield Item(section="sites", name="any site", kind="removed" if kind == "added" else "added")


def _named(section: str, before: _Section, after: _Section, alike: Likeness) -> Iterator[Item]:
    old, new = before.items, after.items
    for name in dict.fromkeys((*new, *old)):
        if name not in new:
            yield Item(section=section, name=name, kind="removed", fields=_fields(before[name], {}))
        elif name not in old:
            yield Item(section=section, name=name, kind="added", fields=_fields({}, after[name]))
        elif not alike(old[name], new[name]) and before[name] != after[name]:
            told = _fields(before[name], after[name])
            direction = _direction(told) if section == "budgets" else None
            yield Item(section=section, name=name, kind="changed", fields=told, direction=direction)


def _fields(before: Values, after: Values) -> tuple[Field, ...]:
    return tuple(
        Field(name=name, before=before.get(name), after=after.get(name))
        for name in dict.fromkeys((*after, *before))
        if before.get(name) != after.get(name)
    )


def _direction(told: Iterable[Field]) -> Direction:
    """Whether a budget leaves more: told where nothing but its size differs."""
    changed = list(told)
    if len(changed) != 1 or changed[0].name not in _LOOSE:
        return "other"
    before, after = changed[0].before, changed[0].after
    if before is None or after is None:
        return "other"
    return "looser" if _number(after) > _number(before) else "tighter"


def _number(text: str) -> int:
    return int(text.split(" ", 1)[0].replace(".", ""))


def _renamed(section: str, found: list[Item], before: _Section, after: _Section) -> Iterator[Item]:
    """One removed and one added that say the same are one that was renamed."""
    removed = [it.name for it in found if it.kind == "removed"]
    renamed: dict[str, str] = {}
    for item in found:
        if item.kind != "added":
            continue
        same = [it for it in removed if before[it] == after[item.name]]
        if same:
            renamed[item.name] = same[0]
            removed.remove(same[0])
    for item in found:
        if item.name in renamed and item.kind == "added":
            was = renamed[item.name]
            yield Item(section=section, name=item.name, kind="renamed", was=was)
        elif item.kind != "removed" or item.name not in renamed.values():
            yield item


def _values(value: Any, book: Rulebook) -> Values:  # noqa: ANN401 - any of the core's declarations
    told = ((it.name, getattr(value, it.name)) for it in fields(value) if it.name not in _HIDDEN)
    words = {_label(name): _worded(name, inner, book) for name, inner in told}
    return {name: text for name, text in words.items() if text is not None}


def _label(name: str) -> str:
    return name.removesuffix("_minor")


def _worded(name: str, value: Any, book: Rulebook) -> str | None:  # noqa: ANN401 - a field's value
    """A field as people write it; ``None`` where it says nothing."""
    if value is None or value is False or value == ():
        return "any" if name == "may" else None
    if name in _MONEY and isinstance(value, int):
        return f"{format_minor(value, book.decimals)} {book.currency}"
    if isinstance(value, frozenset | tuple):
        parts = sorted(map(str, value)) if isinstance(value, frozenset) else value
        return ", ".join(_worded("", it, book) or "" for it in parts)
    if is_dataclass(value) and not isinstance(value, type):
        return ", ".join(f"{key}: {text}" for key, text in _values(value, book).items())
    return _shown(value)


def _shown(value: Any) -> str:  # noqa: ANN401 - a field's value
    if isinstance(value, timedelta):
        return _lasting(value)
    if isinstance(value, time):
        return value.isoformat("minutes")
    text: str | None = getattr(value, "text", None)
    if text is not None:
        return text.strip()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _lasting(length: timedelta) -> str:
    seconds = length // timedelta(seconds=1)
    for unit, each in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % each == 0:
            return f"{seconds // each}{unit}"
    return f"{seconds}s"
