"""What else differs between two sets: every declaration and rule by its name, field by field."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import time, timedelta
from operator import attrgetter
from typing import Any, Final, Literal

from service.core.money import format_minor
from service.core.rulebook import Rulebook
from service.policyfile.access import Access

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


Plains = dict[int, tuple[Any, ...]]
"""What `plain` said of the rules that were asked about, by their identity."""


def compare_items(old: Rulebook, new: Rulebook, plains: Plains) -> Iterator[Item]:
    """Everything that differs, section by section in the order of a policy file.

    ``plains`` is filled, for whoever compares the same rules.
    """

    def both(section: str) -> tuple[_Section, _Section]:
        return _by_name(old, section, plains), _by_name(new, section, plains)

    yield from _header(old, new)
    for section in ("rates", "sites", "roles", "facts", "resolutions"):
        yield from _named(section, *both(section))
    for section in ("grants", "budgets", "prohibitions"):
        before, after = both(section)
        found = list(_named(section, before, after))
        yield from _renamed(section, found, before, after)
        if not found and [*before] != [*after]:
            yield Item(section=section, name="order", kind="moved")
    yield from _named("escalation", *both("escalation"))


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


class _Section(Mapping[str, Values]):
    """The declarations of a section by name, put into words where somebody asks for them."""

    def __init__(self, items: Mapping[str, Any], book: Rulebook, plains: Plains) -> None:
        self._items = items
        self._book = book
        self._plains = plains

    def __getitem__(self, name: str) -> Values:
        value = self._items[name]
        return {"rate": value} if isinstance(value, str) else _values(value, self._book)

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def raw(self, name: str) -> object:
        """What is compared: the fields, expressions by their texts."""
        value = self._items[name]
        if isinstance(value, str):
            return value
        found = self._plains.get(id(value))
        if found is None:
            found = self._plains[id(value)] = plain(value)
        return found


def _by_name(book: Rulebook, section: str, plains: Plains) -> _Section:
    found: Any = getattr(book, section) or {}
    items = found if isinstance(found, Mapping) else {it.id: it for it in found}
    return _Section(items, book, plains)


_GETTERS: Final[dict[type[object], Callable[[Any], tuple[Any, ...]]]] = {}
_WORDLESS: Final = frozenset({str, int, bool, type(None), frozenset, tuple})
"""What is surely no expression; to ask it for its text takes longer than to look here."""


def plain(value: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any of the core's declarations
    """A declaration's fields, each expression as its text, so that two can be compared."""
    kind = type(value)
    getter = _GETTERS.get(kind)
    if getter is None:
        getter = _GETTERS[kind] = attrgetter(*(it.name for it in fields(kind)))
    return tuple([it if type(it) in _WORDLESS else _text(it) for it in getter(value)])


def _text(value: Any) -> object:  # noqa: ANN401 - a field's value
    return getattr(value, "text", value)


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


def _named(section: str, before: _Section, after: _Section) -> Iterator[Item]:
    for name in dict.fromkeys((*after, *before)):
        if name not in after:
            yield Item(section=section, name=name, kind="removed", fields=_fields(before[name], {}))
        elif name not in before:
            yield Item(section=section, name=name, kind="added", fields=_fields({}, after[name]))
        elif before.raw(name) != after.raw(name) and before[name] != after[name]:
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


def _renamed(
    section: str, found: list[Item], before: Mapping[str, Values], after: Mapping[str, Values]
) -> Iterator[Item]:
    """One removed and one added that say the same are one that was renamed."""
    removed = [it.name for it in found if it.kind == "removed"]
    renamed: dict[str, str] = {}
    for item in found:
        if item.kind != "added":
            continue
        same = [it for it in removed if before[it] == after.get(item.name)]
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
