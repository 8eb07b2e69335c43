"""What people do with escalations, in one call each."""

from collections.abc import Mapping
from typing import Any

from service.app.answering import AnswerKind
from service.app.ownmove import OwnEvent, OwnMove
from service.app.records import EscalationRecord
from service.app.respond import Respond
from service.core.escalation import Event
from tests.app.holding import HoldingHouse


def escalated(
    house: HoldingHouse, amount: str | None = "300.00", person: str = "ana", **fields: Any
) -> str:
    """The id of a new escalation; up to 500 goes to the manager, more to the owner."""
    answer = house.propose(person, amount=amount, **{"note": "a leak", **fields})
    assert answer["outcome"] == "escalated", answer
    return str(answer["escalation"]["id"])


def record_of(house: HoldingHouse, id_: str) -> EscalationRecord:
    with house.services.store.read() as reader:
        found = reader.find_escalation(id_)
    assert found is not None
    return found


def answering(
    house: HoldingHouse,
    person: str,
    id_: str,
    answer: AnswerKind = "approve",
    text: str | None = None,
    *,
    offer: Mapping[str, Any] | None = None,
    digest: str | None = None,
) -> Respond:
    return Respond(
        principal=house.principal(person),
        escalation=record_of(house, id_),
        answer=answer,
        text=text,
        offer=offer,
        digest=digest,
    )


def say(
    house: HoldingHouse,
    person: str,
    id_: str,
    answer: AnswerKind = "approve",
    text: str | None = None,
    **offer: Any,
) -> dict[str, Any]:
    """An answer, and what it did. ``offer`` is a counter-offer's."""
    command = answering(house, person, id_, answer, text, offer=offer or None)
    return house.named(house.decide(command))


def owning(
    house: HoldingHouse,
    person: str,
    id_: str,
    event: OwnEvent,
    text: str | None = None,
    *,
    digest: str | None = None,
) -> OwnMove:
    return OwnMove(
        principal=house.principal(person),
        escalation=record_of(house, id_),
        event=event,
        text=text,
        digest=digest,
    )


def reply(
    house: HoldingHouse, id_: str, person: str = "ana", text: str = "it was the boiler"
) -> dict[str, Any]:
    return house.named(house.decide(owning(house, person, id_, Event.REPLY, text)))


def withdraw(
    house: HoldingHouse, id_: str, person: str = "ana", text: str | None = None
) -> dict[str, Any]:
    return house.named(house.decide(owning(house, person, id_, Event.WITHDRAW, text)))


def told(house: HoldingHouse, id_: str) -> dict[str, Any]:
    """What the agent reads: the resolution as it stands."""
    return house.case(record_of(house, id_).resolution)
