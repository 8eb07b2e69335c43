"""Delegating in the shop."""

from datetime import timedelta
from typing import Any

import orjson

from service.app.delegate import Delegate, Revoke
from service.app.idempotency import claim_of
from service.bootstrap import compile_files
from service.core.factvalue import rfc3339
from tests.app.house import ACCESS, POLICY, House, shop_files

MANAGED = """\
p, planner, delegation, manage
g, nora, planner, *
g, max, planner, main
"""


def in_days(house: House, days: int) -> str:
    """An instant so many days from now, by the database's clock."""
    with house.services.store.read() as reader:
        return rfc3339(reader.now() + timedelta(days=days))


def delegate_body(house: House, to: str, **fields: Any) -> dict[str, Any]:
    return {"to": to, "until": in_days(house, 7), **fields}


def delegate(
    house: House, person: str, to: str, *, key: str | None = None, **fields: Any
) -> dict[str, Any]:
    """What somebody is told who lets somebody else answer for them, from now on."""
    body = fields.pop("body", None) or delegate_body(house, to, **fields)
    claim = None
    if key is not None:
        vault = house.services.vault
        claim = claim_of(vault, person=person, route="/v1/delegations", key=key, body=body)
    command = Delegate(principal=house.principal(person), body=body, claim=claim)
    made: dict[str, Any] = orjson.loads(house.decide(command).body)
    return made


def revoke(house: House, person: str, id_: str) -> dict[str, Any]:
    with house.services.store.read() as reader:
        found = reader.find_delegation(id_)
    assert found is not None
    answered = house.decide(Revoke(principal=house.principal(person), delegation=found))
    ended: dict[str, Any] = orjson.loads(answered.body)
    return ended


def managed(house: House) -> None:
    """Nora manages delegations everywhere, and max at main."""
    files = shop_files(POLICY, ACCESS + MANAGED)
    assert house.services.publisher.publish(compile_files(files), by="test")
