"""A question to the log: JSON to a filter, or every fault of it.

What is asked of a person stands in a body and never in an address, which others log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, get_args

from service.app.entryports import EntryFilter
from service.app.line import YEAR_MAX, YEAR_MIN
from service.app.ports import Page
from service.app.records import EntryKind
from service.core.expression import FactValue
from service.core.factvalue import FactError, check_text, parse_timestamp, read_fact, read_money
from service.core.refusal import Fault, Refused
from service.core.rulebook import Rulebook

TEXT_CHARS_MAX: Final = 200
LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 200

WORDS: Final = (
    "kind",
    "agent",
    "about",
    "resolution",
    "outcome",
    "rule",
    "reason",
    "policy",
    "site",
    "escalation",
)
INSTANTS: Final = ("since", "until")
AMOUNTS: Final = ("amount_from", "amount_to")
FIELDS: Final = (*WORDS, *AMOUNTS, *INSTANTS, "subject", "after", "limit")
KINDS: Final = get_args(EntryKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which entries, and which part of them.

    ``subject`` is a person's own identifier, which the filter cannot hold; ``escalation`` an
    escalation's id, which stands for the resolution that it is about.
    """

    wanted: EntryFilter = field(default_factory=EntryFilter)
    page: Page = field(default_factory=Page)
    subject: FactValue | None = None
    escalation: str | None = None


def read_query(rulebook: Rulebook, body: Any) -> LogQuery:  # noqa: ANN401 — JSON
    """The question in a body; amounts are in the rulebook's currency.

    Raises `Refused` with every fault.
    """
    if not isinstance(body, dict):
        raise Refused((_fault("wrong_type", "", "a JSON object is expected here", "send {}"),))
    return _Reader(rulebook, body).query()


class _Reader:
    """Reads field by field and keeps the faults."""

    def __init__(self, rulebook: Rulebook, body: Mapping[str, Any]) -> None:
        self.rulebook = rulebook
        self.body = body
        self.faults: list[Fault] = []

    def query(self) -> LogQuery:
        kind, site = self._word("kind"), self._word("site")
        if kind is not None and kind not in KINDS:
            self._add("kind", "is none of its values", f"use one of: {', '.join(KINDS)}")
        query = LogQuery(
            escalation=self._word("escalation"),
            wanted=EntryFilter(
                sites=None if site is None else frozenset({site}),
                kind=kind,
                agent=self._word("agent"),
                about=self._word("about"),
                resolution=self._word("resolution"),
                outcome=self._word("outcome"),
                rule=self._word("rule"),
                reason=self._word("reason"),
                policy_version=self._word("policy"),
                since=self._instant("since"),
                until=self._instant("until"),
                value_from_minor=self._amount("amount_from"),
                value_to_minor=self._amount("amount_to"),
            ),
            page=Page(after=self._word("after"), limit=self._limit()),
            subject=self._subject(),
        )
        self._unknown()
        if self.faults:
            raise Refused(tuple(self.faults))
        return query

    def _unknown(self) -> None:
        for name in self.body:
            if name not in FIELDS:
                pointer = name.replace("~", "~0").replace("/", "~1")[:100]
                known = f"use any of: {', '.join(FIELDS)}"
                self.faults.append(
                    _fault("unknown_field", pointer, "this field is not known", known)
                )

    def _word(self, name: str) -> str | None:
        value = self.body.get(name)
        if value is None:
            return None
        try:
            return check_text(value, TEXT_CHARS_MAX)
        except FactError as error:
            self.faults.append(_fault(error.code, name, error.message, error.remedy))
            return None

    def _instant(self, name: str) -> datetime | None:
        value = self.body.get(name)
        if value is None:
            return None
        found = parse_timestamp(value) if isinstance(value, str) else None
        if found is None or not YEAR_MIN <= found.year <= YEAR_MAX:
            self._add(name, "is no instant", "write it like 2026-03-02T02:00:00Z")
        return found

    def _amount(self, name: str) -> int | None:
        value = self.body.get(name)
        if value is None:
            return None
        try:
            return read_money(value, self.rulebook.decimals)
        except FactError as error:
            self.faults.append(_fault(error.code, name, error.message, error.remedy))
            return None

    def _limit(self) -> int:
        value = self.body.get("limit", LIMIT_DEFAULT)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LIMIT_MAX:
            self._add("limit", "is out of range", f"a whole number from 1 to {LIMIT_MAX}")
            return LIMIT_DEFAULT
        return value

    def _subject(self) -> FactValue | None:
        value, path = self.body.get("subject"), self.rulebook.subject
        if value is None:
            return None
        if path is None:
            self._add("subject", "means nothing under this policy", "leave it out")
            return None
        try:
            return read_fact(self.rulebook.facts[path], value, self.rulebook.decimals)
        except FactError as error:
            self.faults.append(_fault(error.code, "subject", error.message, error.remedy))
            return None

    def _add(self, name: str, what: str, instead: str) -> None:
        self.faults.append(_fault("invalid_parameter", name, f"{name} {what}", instead))


def _fault(code: str, name: str, message: str, remedy: str) -> Fault:
    return Fault(code=code, pointer=f"/{name}" if name else "", message=message, remedy=remedy)
