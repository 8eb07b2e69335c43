"""Entries of the log: canonical bytes with codes and parameters, never wording or people.

Every entry has ``v`` (the version of this layout), ``kind``, ``id`` and ``at``. Money is
in minor units. Personal facts, notes, evidence references and answer texts appear only
as the digests in ``_sd`` (RFC 9901).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

import orjson

from service.app.errors import TooLarge
from service.app.principal import Principal
from service.app.records import BudgetRecord, EntryKind, EntryRecord
from service.core.answer import REASONS_MAX
from service.core.canonical import ENTRY_BYTES_MAX
from service.core.decision import EVALUATOR, Authority, Decision, Reading, Reason
from service.core.disclosure import digest_of
from service.core.factvalue import json_of, rfc3339
from service.core.merkle import leaf_hash
from service.core.request import Request
from service.core.rulebook import Rulebook

LAYOUT: Final = 1

_CANONICAL: Final = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What every entry begins with, and what it is found by."""

    id: str
    kind: EntryKind
    at: datetime
    about: str


class FoundBy(TypedDict, total=False):
    """The columns that auditors search by."""

    site: str | None
    agent: str | None
    subject: str | None
    resolution: str | None
    outcome: str | None
    rule: str | None
    reason: str | None
    value_minor: int | None
    policy_version: str | None


def entry_of(
    head: Head,
    body: Mapping[str, Any],
    sealed: Sequence[str] = (),
    **found_by: Unpack[FoundBy],
) -> EntryRecord:
    """An entry with its bytes and their leaf hash. Raises `TooLarge`.

    ``sealed`` are encoded disclosures: the entry commits to them and tells nothing of them.
    """
    encoded = _canonical(
        {
            "v": LAYOUT,
            "kind": head.kind,
            "id": head.id,
            "at": rfc3339(head.at),
            "about": head.about,
            "_sd_alg": "sha-256",
            "_sd": sorted([digest_of(disclosure) for disclosure in sealed]),
            **body,
        }
    )
    if len(encoded) > ENTRY_BYTES_MAX:
        raise TooLarge(
            "entry_too_large",
            f"the entry has {len(encoded)} bytes, more than the log takes: {ENTRY_BYTES_MAX}",
            "send fewer and shorter facts",
        )
    return EntryRecord(
        id=head.id,
        kind=head.kind,
        at=head.at,
        body=encoded,
        leaf=leaf_hash(encoded),
        about=head.about,
        **found_by,
    )


def _canonical(value: dict[str, Any]) -> bytes:
    """What `canonical_bytes` gives, in a tenth of its time.

    For ASCII keys, texts and integers of 53 bits, to sort the keys is all that RFC 8785
    asks. The tests compare the two, and both with a third.
    """
    return orjson.dumps(value, option=_CANONICAL)


def of_decision(rulebook: Rulebook, request: Request, decision: Decision, subject: str) -> FoundBy:
    """What the entry of a decision is found by."""
    first = decision.reasons[0]
    return FoundBy(
        site=request.site,
        agent=request.agent.id,
        subject=subject,
        resolution=request.resolution,
        outcome=decision.outcome.value,
        rule=first.rule,
        reason=first.code.value,
        value_minor=decision.value_minor,
        policy_version=rulebook.version,
    )


def caller_body(principal: Principal) -> dict[str, Any]:
    """Who did it, with which key or token, and which roles the token named, if it did."""
    body: dict[str, Any] = {
        "id": principal.id,
        "kind": principal.kind,
        "owner": principal.owner,
        "key": principal.key,
    }
    if principal.token is not None and principal.token.roles is not None:
        # Sites are no keys: an issuer's may have any letters, and keys of entries are ASCII.
        body["claimed"] = [
            {"site": site, "roles": list(names)} for site, names in principal.token.roles
        ]
    return body


def proposal_body(rulebook: Rulebook, request: Request) -> dict[str, Any]:
    """What was asked, by whom; ``request`` is pseudonymous.

    Of personal facts only their paths are there: whether one was told can decide, what it
    was cannot.
    """
    agent = request.agent
    return {
        "agent": {
            "id": agent.id,
            "kind": agent.kind,
            "owner": agent.owner,
            "roles": list(agent.roles),
        },
        "site": request.site,
        "resolution": request.resolution,
        "amount_minor": request.amount_minor,
        "quantity": request.quantity,
        "currency": request.currency,
        "rate": request.rate,
        "reason": request.reason,
        "channel": request.channel,
        "facts": {
            path: json_of(rulebook.facts[path], value, rulebook.decimals)
            for path, value in request.facts.items()
            if path not in rulebook.personal
        },
        "personal": sorted([path for path in request.facts if path in rulebook.personal]),
        "note": request.note is not None,
        "evidence": [evidence.kind for evidence in request.evidence],
        "unavailable": sorted(request.unavailable),
    }


def decision_body(
    rulebook: Rulebook,
    decision: Decision,
    rows: Mapping[str, BudgetRecord],
) -> dict[str, Any]:
    """What was decided, under which policy, and every balance that was read.

    ``rows`` are the budget rows by the id of their budget.
    """
    headroom = decision.without_escalation_up_to
    return {
        "evaluator": EVALUATOR,
        "policy": {"version": rulebook.version, "rules": rulebook.rules},
        "outcome": decision.outcome.value,
        "value_minor": decision.value_minor,
        "authority": _authority(decision.authority),
        "escalate_to": _authority(decision.escalate_to),
        "reasons": [_reason(reason) for reason in decision.reasons[:REASONS_MAX]],
        "reasons_more": max(0, len(decision.reasons) - REASONS_MAX),
        "missing": list(decision.missing),
        "budgets": [
            _reading(reading, rows[reading.budget], rulebook.within_seconds[reading.budget])
            for reading in decision.readings
        ],
        "without_escalation_up_to_minor": headroom.amount_minor,
        "counter_offer_minor": decision.counter_offer_minor,
    }


def _authority(authority: Authority | None) -> dict[str, str] | None:
    return None if authority is None else authority._asdict()


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code.value,
        "rule": reason.rule,
        "role": reason.role,
        "parameters": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in reason.parameters
        },
    }


def _reading(reading: Reading, row: BudgetRecord, within_seconds: int | None) -> dict[str, Any]:
    return {
        "budget": reading.budget,
        "row": row.row,
        "version": reading.after.version,
        "counts": reading.counts,
        "limit": reading.limit,
        "charged": reading.charged,
        "before": reading.used_before,
        "after": reading.used_after,
        "within_seconds": within_seconds,
        "from": None if row.starts_at is None else rfc3339(row.starts_at),
        "until": None if row.ends_at is None else rfc3339(row.ends_at),
    }
