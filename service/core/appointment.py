"""The body that asks for a delegation: JSON in, a value or every fault out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from service.core.factvalue import FactError, check_text, parse_timestamp
from service.core.refusal import Fault, Refused
from service.core.rulebook import Rulebook

LASTS_DAYS_MAX: Final = 366
PERSON_CHARS_MAX: Final = 128

_FIELDS: Final = ("for", "to", "from", "until", "site", "role")
_EXAMPLE: Final = 'send an object like {"to": "mia", "until": "2026-03-09T06:00:00Z"}'
_INSTANT: Final = "write it with its offset, like 2026-03-09T06:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """What somebody asks for. ``starts_at`` is ``None`` where it is to hold at once."""

    delegator: str
    delegate: str
    starts_at: datetime | None
    ends_at: datetime
    site: str | None
    role: str | None


def read_appointment(rulebook: Rulebook, body: Any, asker: str) -> Appointment:  # noqa: ANN401 — JSON
    """The delegation that a body asks for; ``for`` is the asker where it is left out.

    Raises `Refused` with every fault: unknown sites and roles, nobody and oneself as the
    delegate, an end that is not after the beginning or more than `LASTS_DAYS_MAX` days
    after it. Whether the end is still to come is for `begun` to say.
    """
    if not isinstance(body, dict):
        raise Refused((_fault("wrong_type", "", "a JSON object is expected here", _EXAMPLE),))
    read = _Reading(body)
    delegator = read.text("for") or asker
    delegate = read.text("to", required=True)
    starts_at, ends_at = read.instant("from"), read.instant("until", required=True)
    site, role = read.text("site"), read.text("role")
    if delegate == delegator:
        what = "nobody stands in for themselves"
        read.fault("own_delegate", "to", what, "name somebody else")
    if site is not None and rulebook.sites is not None and site not in rulebook.sites:
        known = ", ".join(rulebook.sites)
        read.fault("unknown_site", "site", "the policy names no such site", f"use one of: {known}")
    if role is not None and role not in rulebook.roles:
        known = ", ".join(rulebook.roles)
        read.fault("unknown_role", "role", "the policy names no such role", f"use one of: {known}")
    if starts_at is not None and ends_at is not None:
        read.check_length(starts_at, ends_at)
    if read.faults or delegate is None or ends_at is None:
        raise Refused(tuple(read.faults))
    return Appointment(
        delegator=delegator,
        delegate=delegate,
        starts_at=starts_at,
        ends_at=ends_at,
        site=site,
        role=role,
    )


def begun(asked: Appointment, at: datetime) -> tuple[datetime, datetime]:
    """From when until when it is to hold, where it is asked for at this instant.

    A beginning that has passed is now: nothing that was answered is answered again.
    Raises `Refused` where the end has passed as well, or is too far away.
    """
    starts_at = at if asked.starts_at is None else max(asked.starts_at, at)
    if asked.ends_at <= at:
        what = "the end has passed already"
        raise Refused((_fault("already_over", "/until", what, "name an instant to come"),))
    if asked.starts_at is None and asked.ends_at - at > timedelta(days=LASTS_DAYS_MAX):
        raise Refused((_too_long(),))
    return starts_at, asked.ends_at


class _Reading:
    """The fields of one body, and what is wrong with them."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        self.faults = [
            _fault("unknown_field", _pointer(name), "this field is not known", _EXAMPLE)
            for name in body
            if name not in _FIELDS
        ]

    def fault(self, code: str, field: str, message: str, remedy: str) -> None:
        self.faults.append(_fault(code, f"/{field}", message, remedy))

    def text(self, name: str, *, required: bool = False) -> str | None:
        value = self._body.get(name)
        if value is None:
            if required:
                self.fault("missing_field", name, f'"{name}" is missing', _EXAMPLE)
            return None
        try:
            return check_text(value, PERSON_CHARS_MAX)
        except FactError as error:
            self.fault(error.code, name, error.message, error.remedy)
            return None

    def instant(self, name: str, *, required: bool = False) -> datetime | None:
        text = self.text(name, required=required)
        if text is None:
            return None
        found = parse_timestamp(text)
        if found is None:
            self.fault("not_a_timestamp", name, "this is no instant", _INSTANT)
        return found

    def check_length(self, starts_at: datetime, ends_at: datetime) -> None:
        if ends_at <= starts_at:
            what = "the end is not after the beginning"
            remedy = "the beginning belongs to it, the end does not"
            self.fault("ends_before_it_begins", "until", what, remedy)
        elif ends_at - starts_at > timedelta(days=LASTS_DAYS_MAX):
            self.faults.append(_too_long())


def _too_long() -> Fault:
    what = f"a delegation lasts {LASTS_DAYS_MAX} days at most"
    return _fault("delegation_too_long", "/until", what, "end it sooner, and renew it then")


def _pointer(name: str) -> str:
    return f"/{name.replace('~', '~0').replace('/', '~1')[:100]}"


def _fault(code: str, pointer: str, message: str, remedy: str) -> Fault:
    return Fault(code=code, pointer=pointer, message=message, remedy=remedy)
