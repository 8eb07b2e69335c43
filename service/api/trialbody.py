"""The body that starts a trial: a set's files, whom it is for, and what ends it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from service.api.policybody import Reading
from service.app.trialrecords import TrialMode
from service.app.trialstart import DECISIONS_MIN, Terms
from service.core.factvalue import FactError, parse_timestamp, read_money
from service.core.refusal import Refused

SITES_MAX: Final = 1_000
PERCENT_MAX: Final = 100
DECISIONS_MAX: Final = 1_000_000

_EXAMPLE: Final = (
    'send an object like {"mode": "pilot", "files": {…}, "share_percent": 10, '
    '"guardrail": {"approved": "5000.00"}}'
)
_KNOWN: Final = (
    "files",
    "mode",
    "comment",
    "replaces",
    "sites",
    "share_percent",
    "guardrail",
    "ends_at",
)
_GUARDRAIL: Final = ("approved", "approved_a_day", "escalated_percent", "after_decisions")
_BOUNDS: Final = _GUARDRAIL[:3]
_WHOLE: Final = "a whole number from {} to {} is expected here"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTrial:
    """A body that can be read as far as no set has to be known. Money is still text."""

    files: Mapping[str, bytes]
    replaces: str | None
    mode: TrialMode
    comment: str | None
    sites: tuple[str, ...] | None
    share_percent: int | None
    ends_at: datetime | None
    guardrail: Mapping[str, Any]

    def terms(self, decimals: int) -> Terms:
        """What is to be tried how. Raises `Refused` for what is no money of a currency."""
        read = Reading({}, (), _EXAMPLE)
        money = {name: _money(read, self.guardrail, name, decimals) for name in _BOUNDS[:2]}
        if read.faults:
            raise Refused(tuple(read.faults))
        return Terms(
            mode=self.mode,
            comment=self.comment,
            sites=self.sites,
            share_percent=self.share_percent,
            approved_max_minor=money["approved"],
            approved_a_day_max_minor=money["approved_a_day"],
            escalated_percent_max=self.guardrail.get("escalated_percent"),
            decisions_min=self.guardrail.get("after_decisions") or DECISIONS_MIN,
            ends_at=self.ends_at,
        )


def read_trial_body(body: Any) -> AskedTrial:  # noqa: ANN401 — JSON
    """A trial that is asked for. Raises `Refused` with every fault."""
    read = Reading(body, _KNOWN, _EXAMPLE)
    mode = _mode(read)
    sites, guardrail = _sites(read), _guardrail(read)
    share = _whole(read, read.body.get("share_percent"), "/share_percent", PERCENT_MAX)
    if mode == "pilot":
        _require_bounds(read, guardrail)
    elif read.body.get("share_percent") is not None or guardrail:
        says = "a shadow has no effect: it looks at every case, and nothing has to end it"
        at = "/guardrail" if guardrail else "/share_percent"
        read.fault("unknown_field", at, says, "leave it out, or make it a pilot")
    ends_at = _instant(read)
    asked = read.asked(files=read.files())
    return AskedTrial(
        files=asked.files,
        replaces=asked.replaces,
        mode=mode,
        comment=asked.comment,
        sites=sites,
        share_percent=share,
        ends_at=ends_at,
        guardrail=guardrail,
    )


def _mode(read: Reading) -> TrialMode:
    given = read.body.get("mode")
    if given is None:
        read.fault("missing_field", "/mode", '"mode" is missing', 'write "shadow" or "pilot"')
    elif given not in ("shadow", "pilot"):
        says = "a trial is a shadow or a pilot"
        read.fault("not_a_choice", "/mode", says, 'write "shadow" or "pilot"')
    return "pilot" if given == "pilot" else "shadow"


def _sites(read: Reading) -> tuple[str, ...] | None:
    given = read.body.get("sites")
    if given is None:
        return None
    is_list = isinstance(given, list) and all(isinstance(name, str) for name in given)
    if not is_list or not 0 < len(given) <= SITES_MAX:
        says = f"a list of 1 to {SITES_MAX} sites is expected here"
        read.fault("wrong_type", "/sites", says, 'write it like ["new_york"]')
        return None
    return tuple(dict.fromkeys(given))


def _guardrail(read: Reading) -> Mapping[str, Any]:
    given = read.body.get("guardrail")
    if given is None:
        return {}
    if not isinstance(given, dict):
        read.fault("wrong_type", "/guardrail", "an object is expected here")
        return {}
    for name in given:
        if name not in _GUARDRAIL:
            read.fault("unknown_field", f"/guardrail/{name[:100]}", "this field is not known")
    percent, after = given.get("escalated_percent"), given.get("after_decisions")
    _whole(read, percent, "/guardrail/escalated_percent", PERCENT_MAX - 1)
    _whole(read, after, "/guardrail/after_decisions", DECISIONS_MAX)
    return {name: value for name, value in given.items() if value is not None}


def _require_bounds(read: Reading, guardrail: Mapping[str, Any]) -> None:
    """A pilot gives money away: it is for some, and something ends it."""
    if read.body.get("sites") is None and read.body.get("share_percent") is None:
        says = "a pilot for everybody would be a publication"
        read.fault("missing_field", "/sites", says, 'name "sites" or a "share_percent"')
    if not any(name in guardrail for name in _BOUNDS):
        says = "a pilot needs something that ends it by itself"
        listed = ", ".join(_BOUNDS)
        read.fault("missing_field", "/guardrail", says, f"name one at least: {listed}")


def _whole(read: Reading, given: Any, pointer: str, most: int) -> int | None:  # noqa: ANN401 — JSON
    if given is None:
        return None
    if type(given) is not int or not 1 <= given <= most:
        read.fault("out_of_range", pointer, _WHOLE.format(1, most), "write it without quotes")
        return None
    return given


def _money(read: Reading, guardrail: Mapping[str, Any], name: str, decimals: int) -> int | None:
    given = guardrail.get(name)
    if given is None:
        return None
    try:
        minor = read_money(given, decimals)
    except FactError as error:
        read.fault(error.code, f"/guardrail/{name}", error.message, error.remedy)
        return None
    if minor < 1:
        says = "a bound that nothing could stay below"
        read.fault("amount_not_positive", f"/guardrail/{name}", says, 'write it like "5000.00"')
    return minor


def _instant(read: Reading) -> datetime | None:
    given = read.body.get("ends_at")
    if given is None:
        return None
    found = parse_timestamp(given) if isinstance(given, str) else None
    if found is None:
        says = "an instant with its offset is expected here"
        read.fault("not_a_timestamp", "/ends_at", says, 'write it like "2026-03-31T18:00:00Z"')
        return None
    return found.astimezone(UTC)
