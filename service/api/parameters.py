"""Query parameters: which there are, and what they mean as filters and pages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, get_args

from starlette.datastructures import QueryParams

from service.api.problems import Unreadable
from service.app.budgets import Question
from service.app.delegations import Sought
from service.app.entryports import EntryFilter
from service.app.inbox import Wanted, read_place
from service.app.line import YEAR_MAX, YEAR_MIN
from service.app.logquery import AMOUNTS, INSTANTS, WORDS, LogQuery
from service.app.noticerecords import NoticeState
from service.app.ports import Filter, Page
from service.app.records import EntryKind
from service.core.factvalue import FactError, parse_timestamp, read_money

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 200
TEXT_CHARS_MAX: Final = 200

PAGE: Final = ("after", "limit")
_PART: Final = "per."
"""What stands before the name of a budget's key."""

RESOLUTIONS: Final = ("site", "agent", "outcome", "state", "since", "until")
ESCALATIONS: Final = ("for", "state", "role", "site")
NOTICES: Final = ("state", "receiver", "about", "site", "since", "until")
BUDGETS: Final = ("budget", "site", "at", "burn")
PEOPLE: Final = ("at",)
DELEGATIONS: Final = ("person", "site", "state")
ENTRIES: Final = (*WORDS, *AMOUNTS, *INSTANTS)

EXPORT: Final = ("format", "open")
FORMATS: Final = ("jsonl", "csv", "parquet")

WAITING: Final = ("wait",)

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "resolutions.outcome": ("approved", "escalated", "denied", "incomplete"),
    "resolutions.state": ("settled", "held", "released", "reversed", "pending"),
    "escalations.for": ("me",),
    "escalations.state": ("open", "asked", "approved", "denied", "withdrawn", "expired"),
    "entries.kind": get_args(EntryKind),
    "notices.state": get_args(NoticeState),
    "export.format": FORMATS,
    "export.open": ("true", "false"),
    "export.kind": get_args(EntryKind),
    "budgets.burn": ("true", "false"),
    "proposals.wait": ("published",),
    "delegations.state": ("current", "over"),
}
"""What may stand where only some words mean anything."""


def filtered(query: QueryParams, things: str, names: tuple[str, ...]) -> tuple[Filter, Page]:
    """The filter and the page of a query. Raises `Unreadable`."""
    _check_names(query, (*names, *PAGE))
    site = _text(query, "site")
    wanted = Filter(
        sites=None if site is None else frozenset({site}),
        agent=_text(query, "agent"),
        outcome=_choice(query, things, "outcome"),
        state=_choice(query, things, "state"),
        kind=_choice(query, things, "kind"),
        role=_text(query, "role"),
        receiver=_text(query, "receiver"),
        about=_text(query, "about"),
        since=_instant(query, "since"),
        until=_instant(query, "until"),
    )
    return wanted, Page(after=_text(query, "after"), limit=_limit(query))


def logged(query: QueryParams, decimals: int) -> LogQuery:
    """The question to the log in a query; amounts have so many decimals. Raises `Unreadable`."""
    wanted, page = filtered(query, "entries", ENTRIES)
    return LogQuery(
        escalation=_text(query, "escalation"),
        wanted=EntryFilter(
            sites=wanted.sites,
            kind=wanted.kind,
            agent=wanted.agent,
            about=wanted.about,
            resolution=_text(query, "resolution"),
            outcome=wanted.outcome,
            rule=_text(query, "rule"),
            reason=_text(query, "reason"),
            policy_version=_text(query, "policy"),
            since=wanted.since,
            until=wanted.until,
            value_from_minor=_amount(query, "amount_from", decimals),
            value_to_minor=_amount(query, "amount_to", decimals),
        ),
        page=page,
    )


def exported(query: QueryParams, decimals: int) -> tuple[LogQuery, str, bool]:
    """The question and the format of an export, and whether it opens. Raises `Unreadable`."""
    _check_names(query, (*ENTRIES, *EXPORT))
    rest = QueryParams([(name, text) for name, text in query.multi_items() if name not in EXPORT])
    form = _choice(query, "export", "format") or FORMATS[0]
    return logged(rest, decimals), form, _choice(query, "export", "open") == "true"


def asked(query: QueryParams) -> tuple[Question, Page]:
    """The question and the page of a list of budgets. Raises `Unreadable`."""
    names = dict.fromkeys(name for name in query if name.startswith(_PART))
    _check_names(query, (*BUDGETS, *names, *PAGE))
    parts = {name.removeprefix(_PART): _text(query, name) or "" for name in names}
    question = Question(
        budget=_text(query, "budget"),
        site=_text(query, "site"),
        parts=parts,
        at=_instant(query, "at"),
        burn=_choice(query, "budgets", "burn") == "true",
    )
    return question, Page(after=_text(query, "after"), limit=_limit(query))


def sought(query: QueryParams) -> tuple[Sought, Page]:
    """Which delegations a query asks for, and the page. Raises `Unreadable`."""
    _check_names(query, (*DELEGATIONS, *PAGE))
    state = _choice(query, "delegations", "state")
    wanted = Sought(
        person=_text(query, "person"),
        site=_text(query, "site"),
        is_over=None if state is None else state == "over",
    )
    return wanted, Page(after=_text(query, "after"), limit=_limit(query))


def paged(query: QueryParams) -> Page:
    """The page of a list without filters. Raises `Unreadable`."""
    _check_names(query, PAGE)
    return Page(after=_text(query, "after"), limit=_limit(query))


def as_of(query: QueryParams) -> tuple[datetime | None, Page]:
    """The instant that a list is asked for, if any, and the page. Raises `Unreadable`."""
    _check_names(query, (*PEOPLE, *PAGE))
    return _instant(query, "at"), Page(after=_text(query, "after"), limit=_limit(query))


def waits(query: bytes) -> bool:
    """Whether a proposal's query asks to wait until it is published. Raises `Unreadable`."""
    given = QueryParams(query)
    _check_names(given, WAITING)
    return _choice(given, "proposals", "wait") == "published"


def wanted_of_mine(query: QueryParams) -> Wanted | None:
    """Which part of the caller's inbox a query asks for; ``None`` where it is no inbox."""
    if _choice(query, "escalations", "for") is None:
        return None
    _check_names(query, ("for", "role", "site", *PAGE))
    after = _text(query, "after")
    place = None if after is None else read_place(after)
    if after is not None and place is None:
        raise _invalid("after", "is no cursor of an inbox", "send `next` of the page before")
    return Wanted(
        site=_text(query, "site"), role=_text(query, "role"), after=place, limit=_limit(query)
    )


def _check_names(query: QueryParams, known: tuple[str, ...]) -> None:
    given = [name for name, _ in query.multi_items()]
    for name in given:
        if name not in known:
            raise Unreadable(
                "unknown_parameter",
                f"there is no parameter {name[:60]!r} here",
                f"use any of: {', '.join(known)}",
                pointer=name[:60],
            )
        if given.count(name) > 1:
            raise _invalid(name, "stands twice", "send it once")


def _text(query: QueryParams, name: str) -> str | None:
    found = query.get(name)
    if found is None:
        return None
    if not found or len(found) > TEXT_CHARS_MAX or not found.isprintable():
        raise _invalid(name, "is no text of this length", f"1 to {TEXT_CHARS_MAX} characters")
    return found


def _choice(query: QueryParams, things: str, name: str) -> str | None:
    found = _text(query, name)
    known = CHOICES.get(f"{things}.{name}")
    if found is not None and known is not None and found not in known:
        raise _invalid(name, "is none of its values", f"use one of: {', '.join(known)}")
    return found


def _amount(query: QueryParams, name: str, decimals: int) -> int | None:
    found = query.get(name)
    if found is None:
        return None
    try:
        return read_money(found, decimals)
    except FactError as error:
        raise _invalid(name, "is no amount", error.remedy) from None


def _instant(query: QueryParams, name: str) -> datetime | None:
    found = query.get(name)
    if found is None:
        return None
    instant = parse_timestamp(found)
    if instant is None or not YEAR_MIN <= instant.year <= YEAR_MAX:
        raise _invalid(name, "is no instant", "write it like 2026-03-02T02:00:00Z")
    return instant


def _limit(query: QueryParams) -> int:
    found = query.get("limit")
    if found is None:
        return LIMIT_DEFAULT
    if not (found.isascii() and found.isdecimal()) or not 1 <= int(found[:9]) <= LIMIT_MAX:
        raise _invalid("limit", "is out of range", f"a whole number from 1 to {LIMIT_MAX}")
    return int(found)


def _invalid(name: str, what: str, instead: str) -> Unreadable:
    return Unreadable("invalid_parameter", f"the parameter {name} {what}", instead, pointer=name)
