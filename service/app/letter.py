"""Letters: a notice and its case, as far as the receiver's configuration lets it out.

A fact goes out only if the receiver's ``facts`` name it. A personal one is opened for the
letter alone and stored nowhere; once it is erased, letters go without it. Notes,
references to evidence and the texts of answers never go out.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from service.app.noticerecords import NoticeRecord
from service.app.ports import Reader, Vault
from service.app.pseudonym import unseal
from service.app.records import EscalationRecord, ResolutionRecord
from service.app.sending import Letter
from service.core.factvalue import rfc3339
from service.core.notice import NoticeEvent, sentence
from service.core.receiver import Receiver

REASONS_MAX: Final = 3
TEXT_CHARS_MAX: Final = 300
"""How long a line for people may be; programs get all of it."""

_ANSWERABLE: Final = frozenset(
    {NoticeEvent.OPENED, NoticeEvent.MOVED_UP, NoticeEvent.REPLIED, NoticeEvent.REMINDED}
)
"""The events after which somebody above is awaited."""


def stored_data(escalation: EscalationRecord, resolution: ResolutionRecord | None) -> bytes:
    """What a notice tells, as JSON without a personal value: how things stood when it happened.

    Without a resolution it is read when the letter is written.
    """
    data: dict[str, Any] = {"escalation": _escalation(escalation)}
    if resolution is not None:
        data["resolution"] = _case(resolution)
    return orjson.dumps(data)


def _escalation(record: EscalationRecord) -> dict[str, Any]:
    due, answered = record.answer_by, record.answered_at
    return {
        "id": record.id,
        "state": record.state,
        "to": record.role,
        "site": record.site,
        "opened_at": rfc3339(record.opened_at),
        "answer_by": None if due is None else rfc3339(due),
        "approvals": list(record.approvals),
        "answered_by": record.answered_by,
        "answered_at": None if answered is None else rfc3339(answered),
        "digest": record.digest,
        "policy_version": record.policy_version,
    }


def _case(record: ResolutionRecord) -> dict[str, Any]:
    """What was proposed and why it went up: codes, sums and ids of staff."""
    answer = orjson.loads(record.answer)
    told = ("code", "rule", "message")
    return {
        "id": record.id,
        "resolution": record.resolution,
        "site": record.site,
        "value": answer["value"],
        "reasons": [
            {name: reason.get(name) for name in told} for reason in answer["reasons"][:REASONS_MAX]
        ],
        "proposed_by": {
            "id": record.agent,
            "kind": record.agent_kind,
            "owner": record.agent_owner,
        },
    }


def compose(reader: Reader, vault: Vault, notice: NoticeRecord, receiver: Receiver) -> Letter:
    """The letter of a notice to its receiver."""
    data = orjson.loads(notice.data)
    record = reader.find_resolution(notice.resolution)
    if record is not None:
        data.setdefault("resolution", _case(record))
        data["facts"] = dict(_facts(reader, vault, record, receiver))
    event = NoticeEvent(notice.event)
    case = data.get("resolution", {})
    link = None if receiver.link is None else receiver.link + notice.about
    return Letter(
        id=notice.id,
        event=event,
        at=notice.at,
        title=sentence(
            event,
            resolution=case.get("resolution", "a resolution"),
            role=notice.role,
            site=notice.site,
        ),
        lines=tuple(_lines(event, data)),
        data=data if link is None else {**data, "link": link},
        link=link,
    )


def _facts(
    reader: Reader, vault: Vault, record: ResolutionRecord, receiver: Receiver
) -> Iterator[tuple[str, Any]]:
    """The facts that were told and may go out, by path."""
    stored = orjson.loads(record.proposal)
    hidden = {path for path in receiver.facts if path in stored["personal"]}
    opened = _opened(reader, vault, record) if hidden else {}
    for path in receiver.facts:
        found = opened.get(path) if path in hidden else _at(stored["body"], path)
        if found is not None:
            yield path, found


def _at(body: Mapping[str, Any], path: str) -> object:
    found: object = body.get("facts")
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return None if isinstance(found, dict) else found


def _opened(reader: Reader, vault: Vault, record: ResolutionRecord) -> Mapping[str, str]:
    """The personal values of a proposal by name; none where they are erased."""
    opening = reader.openings([record.entry]).get(record.entry)
    if opening is None:
        return {}
    key = reader.subject_keys([opening.subject]).get(opening.subject)
    if key is None:
        return {}
    return {found.name: found.value for found in unseal(vault, key, opening)}


def _lines(event: NoticeEvent, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What people read below the title."""
    case, escalation = data.get("resolution", {}), data["escalation"]
    if case:
        yield "What", _worth(case)
        yield "Proposed by", _proposer(case["proposed_by"])
    if event in _ANSWERABLE and case:
        for reason in case["reasons"]:
            yield "Why", _short(reason["message"])
    if event in _ANSWERABLE and escalation["answer_by"] is not None:
        yield "Answer by", escalation["answer_by"]
    if escalation["answered_by"] is not None:
        yield "Answered by", _short(escalation["answered_by"])
    for path, value in data.get("facts", {}).items():
        yield path, _short(value)


def _worth(case: Mapping[str, Any]) -> str:
    value = case["value"]
    if value is None:
        return str(case["resolution"])
    quantity = value.get("quantity")
    counted = "" if quantity is None else f"{quantity} × "
    return f"{counted}{case['resolution']}, {value['amount']} {value['currency']}"


def _proposer(agent: Mapping[str, Any]) -> str:
    owner = "" if agent["owner"] is None else f" for {agent['owner']}"
    return _short(f"{agent['id']}{owner}")


def _short(value: object) -> str:
    """A value in one line."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    text = " ".join(text.split())
    return text if len(text) <= TEXT_CHARS_MAX else text[: TEXT_CHARS_MAX - 1] + "…"
