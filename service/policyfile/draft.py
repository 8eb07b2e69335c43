"""A draft: all files of a set merged, each part with its shape and its place."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TypeVar
from zoneinfo import ZoneInfo

from service.policyfile.document import (
    BudgetDocument,
    CalendarDocument,
    EscalationDocument,
    FactDocument,
    GrantDocument,
    PolicyDocument,
    ProhibitionDocument,
    ResolutionDocument,
    RoleDocument,
    SiteDocument,
)
from service.policyfile.place import Entry, Place
from service.policyfile.problem import Problem
from service.policyfile.shape import Shape
from service.policyfile.suggestion import suggest
from service.policyfile.terms import (
    Currency,
    FactPath,
    Name,
    Rate,
    Sentence,
    SiteName,
    Timezone,
)
from service.policyfile.yamltree import Mapping, Sequence, to_plain

T = TypeVar("T")

LANGUAGE = 1
"""The version of the language that is read."""

_KEYS = tuple(PolicyDocument.model_fields)
_NEEDED = {
    "remit": f"Add `remit: {LANGUAGE}`.",
    "name": "Name the set: `name: grand-hotel`.",
    "currency": "Say what amounts are in: `currency: USD`.",
    "timezone": "Say where clocks are set: `timezone: America/New_York`.",
    "roles": "Declare who decides: `roles: {front_desk: {}}`.",
    "resolutions": "Declare what may be given: `resolutions: {goodwill_credit: {}}`.",
}

_NAME: Shape[str] = Shape(Name)
_SENTENCE: Shape[str] = Shape(Sentence)
_CURRENCY: Shape[str] = Shape(Currency)
_RATE: Shape[str] = Shape(Rate)
_TIMEZONE: Shape[ZoneInfo] = Shape(Timezone)
_SITE_NAME: Shape[str] = Shape(SiteName)
_FACT_PATH: Shape[str] = Shape(FactPath)
_CALENDAR: Shape[CalendarDocument] = Shape(CalendarDocument)
_SITE: Shape[SiteDocument] = Shape(SiteDocument)
_ROLE: Shape[RoleDocument] = Shape(RoleDocument)
_FACT: Shape[FactDocument] = Shape(FactDocument)
_RESOLUTION: Shape[ResolutionDocument] = Shape(ResolutionDocument)
_GRANT: Shape[GrantDocument] = Shape(GrantDocument)
_BUDGET: Shape[BudgetDocument] = Shape(BudgetDocument)
_PROHIBITION: Shape[ProhibitionDocument] = Shape(ProhibitionDocument)
_ESCALATION: Shape[EscalationDocument] = Shape(EscalationDocument)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the files say, before it is known whether it makes sense.

    Only parts that have their shape are here. ``declared`` holds every name that some file
    declares, by section, whether its declaration is sound or not: a rule that refers to a
    broken declaration is not wrong itself. A key with one value declares itself.
    """

    name: Entry[str] | None
    description: Entry[str] | None
    currency: Entry[str] | None
    timezone: Entry[ZoneInfo] | None
    calendar: Entry[CalendarDocument] | None
    subject: Entry[str] | None
    rates: dict[str, Entry[str]]
    sites: dict[str, Entry[SiteDocument]]
    roles: dict[str, Entry[RoleDocument]]
    facts: dict[str, Entry[FactDocument]]
    resolutions: dict[str, Entry[ResolutionDocument]]
    grants: list[Entry[GrantDocument]]
    budgets: list[Entry[BudgetDocument]]
    prohibitions: list[Entry[ProhibitionDocument]]
    escalation: dict[str, Entry[EscalationDocument]]
    declared: dict[str, dict[str, Place]] = field(default_factory=dict)


def merge(roots: list[Place], found: list[Problem], *, complete: bool) -> Draft:
    """The files, in the order given, as one draft. ``roots`` is not empty.

    Where they are not ``complete`` (a file of the set cannot be read), nothing is missed.
    """
    for root in roots:
        _check_keys(root, found)
    if complete:
        _check_needed(roots, found)
    reader = _Reader(roots, found)
    reader.check_language()
    return Draft(
        name=reader.one("name", _NAME),
        description=reader.one("description", _SENTENCE),
        currency=reader.one("currency", _CURRENCY),
        timezone=reader.one("timezone", _TIMEZONE),
        calendar=reader.one("calendar", _CALENDAR),
        subject=reader.one("subject", _FACT_PATH),
        rates=reader.named("rates", _CURRENCY, _RATE),
        sites=reader.named("sites", _SITE_NAME, _SITE),
        roles=reader.named("roles", _NAME, _ROLE),
        facts=reader.named("facts", _FACT_PATH, _FACT),
        resolutions=reader.named("resolutions", _NAME, _RESOLUTION),
        grants=reader.rules("grants", _GRANT),
        budgets=reader.rules("budgets", _BUDGET),
        prohibitions=reader.rules("prohibitions", _PROHIBITION),
        escalation=reader.named("escalation", _NAME, _ESCALATION),
        declared=reader.declared,
    )


class _Reader:
    """Takes one section after the other out of all files."""

    def __init__(self, roots: list[Place], found: list[Problem]) -> None:
        self._roots = roots
        self._found = found
        self.declared: dict[str, dict[str, Place]] = {}

    def check_language(self) -> None:
        """Every ``remit:`` is the version that is read here."""
        for place in self._places("remit"):
            value = to_plain(place.node)
            if value != LANGUAGE or isinstance(value, bool):
                self._found.append(
                    place.problem(
                        "unknown_language",
                        "This is no version of the language that is read here.",
                        f"Write `remit: {LANGUAGE}`.",
                    )
                )

    def one(self, key: str, shape: Shape[T]) -> Entry[T] | None:
        """A value that may stand in several files, if it is the same in each."""
        first: Entry[T] | None = None
        for place in self._places(key):
            self.declared.setdefault(key, {})[key] = place
            value = shape.read(place, self._found)
            if value is None:
                continue
            if first is None:
                first = Entry(place, value)
            elif first.value != value:
                self._found.append(_conflict(key, first.place, place))
        return first

    def named(self, key: str, name: Shape[str], shape: Shape[T]) -> dict[str, Entry[T]]:
        """The entries of a section of named things, in the order of the files."""
        declared = self.declared.setdefault(key, {})
        entries: dict[str, Entry[T]] = {}
        for place in self._named(key):
            step = str(place.path[-1])
            if step in declared:
                self._found.append(_duplicate(step, declared[step], place))
                continue
            declared[step] = place
            sound = name.read_key(place, self._found)
            value = shape.read(place, self._found)
            if sound is not None and value is not None:
                entries[sound] = Entry(place, value)
        return entries

    def rules(self, key: str, shape: Shape[T]) -> list[Entry[T]]:
        """The entries of a section of rules, in the order of the files."""
        entries = []
        for place in self._items(key):
            value = shape.read(place, self._found)
            if value is not None:
                entries.append(Entry(place, value))
        return entries

    def _places(self, key: str) -> Iterable[Place]:
        for root in self._roots:
            if key in _keys_of(root):
                yield root.child(key)

    def _named(self, key: str) -> Iterable[Place]:
        for place in self._places(key):
            if isinstance(place.node, Mapping):
                yield from (place.child(step) for step in place.node.items)
                self._check_not_empty(key, place)
            else:
                self._found.append(
                    place.problem(
                        "wrong_type",
                        f"`{key}` is a mapping from names.",
                        f"Write the names below `{key}:`, each with a colon and what it is.",
                    )
                )

    def _check_not_empty(self, key: str, place: Place) -> None:
        """No sites at all would mean the same as any site, which nobody means by it."""
        if key == "sites" and not _keys_of(place):
            self._found.append(
                place.problem(
                    "empty_section",
                    "No site is declared here, so any would do.",
                    "Name the sites, or delete the key where any site will do.",
                )
            )

    def _items(self, key: str) -> Iterable[Place]:
        for place in self._places(key):
            if isinstance(place.node, Sequence):
                yield from (place.child(index) for index in range(len(place.node.items)))
            else:
                self._found.append(
                    place.problem(
                        "wrong_type",
                        f"`{key}` is a list of rules.",
                        f"Begin each rule below `{key}:` with `- id:`.",
                    )
                )


def _keys_of(root: Place) -> Collection[str]:
    return root.node.items.keys() if isinstance(root.node, Mapping) else ()


def _check_keys(root: Place, found: list[Problem]) -> None:
    found.extend(
        root.child(key).problem(
            "unknown_key", f"`{key}` is no key here.", suggest(key, _KEYS), on_key=True
        )
        for key in _keys_of(root)
        if key not in _KEYS
    )


def _check_needed(roots: list[Place], found: list[Problem]) -> None:
    there = {key for root in roots for key in _keys_of(root)}
    found.extend(
        roots[0].child(key).problem("missing_key", f"`{key}` is missing.", remedy)
        for key, remedy in _NEEDED.items()
        if key not in there
    )


def _conflict(key: str, first: Place, second: Place) -> Problem:
    return second.problem(
        "conflicting_value",
        f"`{key}` says something else than at {first.where()}.",
        "Say it once, or say the same.",
    )


def _duplicate(name: str, first: Place, second: Place) -> Problem:
    return second.problem(
        "duplicate_id",
        f"`{name}` is declared at {first.where()} too.",
        "Delete one of the two, or rename it.",
        on_key=True,
    )
