"""A small shop with everything running, over a real database."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from service.app.answering import AnswerKind
from service.app.batch import Command
from service.app.idempotency import claim_of
from service.app.keys import NewKey
from service.app.ports import Filter, Page
from service.app.principal import Principal
from service.app.propose import Answered, Propose
from service.app.records import EntryRecord
from service.app.respond import Respond
from service.bootstrap import compile_files, open_services
from service.config import Settings
from service.core.request import AgentKind
from service.services import Services

MASTER_KEY = "5a" * 32
SIGNING_KEY = "a5" * 32
WAIT_SECONDS = 60

POLICY = """\
remit: 1
name: shop
currency: USD
timezone: America/New_York
sites:
  main: {}
  annex: {timezone: Europe/Vienna}
roles:
  clerk: {reports_to: manager}
  manager: {reports_to: owner}
  owner: {}
facts:
  guest.id: {type: text, personal: true}
  guest.phone: {type: text, personal: true, optional: true}
  stay.id: {type: text}
  stay.rate: {type: money, optional: true}
  stay.weight: {type: number, optional: true}
subject: guest.id
resolutions:
  credit: {}
  night: {unit: night, worth: stay.rate}
  upgrade: {unit: night, worth: money("10.00"), hold: {for: 72h, then: release}}
  cash: {}
grants:
  - {id: small, role: clerk, may: [credit, night, upgrade], up_to: 100}
  - {id: noted, role: clerk, may: [credit], up_to: 200, needs: [note]}
  - {id: more, role: manager, may: any, up_to: 500}
  - {id: all, role: owner, may: any, up_to: 5000}
budgets:
  - {id: stay, limit: 300, per: [guest.id, stay.id], roles: [clerk]}
  - {id: day, limit: 2000, per: [site.id], every: day}
  - {id: often, count: 3, per: [guest.id], within: 90d, roles: [clerk]}
prohibitions:
  - {id: no-cash, may_not: [cash], because: Cash leaves no trace.}
escalation:
  manager: {answer_within: 15m, on_timeout: next}
  owner: {answer_within: 4h, on_timeout: deny, approvals: 2}
"""

ACCESS = """\
p, agent, resolution, propose
p, agent, resolution, read
p, agent, allowance, read
p, agent, policy, read
p, approver, escalation, answer
p, approver, escalation, read
p, approver, budget, read
p, auditor, log, read
p, admin, erasure, request
p, auditor, resolution, read
p, auditor, budget, read
g, clerk, agent, *
g, manager, agent, *
g, manager, approver, *
g, owner, agent, *
g, owner, approver, *
g, ana, clerk, main
g, ben, clerk, main
g, vera, clerk, annex
g, robo, clerk, main
g, max, manager, main
g, mia, manager, main
g, gus, owner, *
g, grace, owner, *
g, audra, auditor, *
g, olga, admin, *
g, otto, admin, *
"""


class House:
    """People by name, each with a key, and what they do."""

    def __init__(self, services: Services, folder: Path) -> None:
        self.services = services
        self.folder = folder
        self._keys: dict[str, NewKey] = {}

    def key(self, person: str, kind: AgentKind = "human", owner: str | None = None) -> NewKey:
        if person not in self._keys:
            made = self.services.keys.create(subject=person, kind=kind, owner=owner, by="test")
            self._keys[person] = made
        return self._keys[person]

    def principal(
        self, person: str, kind: AgentKind = "human", owner: str | None = None
    ) -> Principal:
        record = self.key(person, kind, owner).record
        return Principal(id=person, kind=record.kind, owner=record.owner, key=record.id)

    def decide(self, command: Command) -> Answered:
        answered = self.services.committer.submit(command).result(WAIT_SECONDS)
        assert isinstance(answered, Answered)
        return answered

    def command(self, person: str = "ana", *, key: str | None = None, **fields: Any) -> Propose:
        body = proposal(**fields)
        caller = self.principal(person)
        claim = None
        if key is not None:
            vault = self.services.vault
            claim = claim_of(vault, person=person, route="/v1/resolutions", key=key, body=body)
        return Propose(principal=caller, body=body, claim=claim)

    def propose(self, person: str = "ana", **fields: Any) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.decide(self.command(person, **fields)).body)
        return found

    def respond(
        self, person: str, escalation: str, answer: AnswerKind = "approve", text: str | None = None
    ) -> Respond:
        finder = self.services.finder
        record = finder.find_escalation(self.principal("gus"), escalation)
        return Respond(
            principal=self.principal(person), escalation=record, answer=answer, text=text
        )

    def answer(
        self, person: str, escalation: str, answer: AnswerKind = "approve", text: str | None = None
    ) -> dict[str, Any]:
        answered = self.decide(self.respond(person, escalation, answer, text))
        named = self.services.finder.named(answered.unnamed or "", answered.body)
        found: dict[str, Any] = orjson.loads(named)
        return found

    def publish(self, *changes: tuple[str, str]) -> None:
        """Put the policy in force with texts replaced by others."""
        policy = POLICY
        for old, new in changes:
            assert old in policy
            policy = policy.replace(old, new)
        assert self.services.publisher.publish(compile_files(shop_files(policy)), by="test")

    def entries(self, *, kind: str | None = None, about: str | None = None) -> list[EntryRecord]:
        """The entries, newest first."""
        with self.services.store.read() as reader:
            return list(reader.list_entries(Filter(kind=kind, about=about), Page(limit=10_000)))

    def balances(self) -> dict[str, int]:
        """What the newest entry of each budget row says is used, by budget and row."""
        found: dict[str, int] = {}
        for entry in self.entries():
            for line in readings(entry):
                if line["charged"]:
                    found.setdefault(f"{line['budget']} {line['row']}", line["after"])
        return found


def readings(entry: EntryRecord) -> list[dict[str, Any]]:
    body = orjson.loads(entry.body)
    decided = body.get("decision") if entry.kind == "answer" else body
    found: list[dict[str, Any]] = (decided or {}).get("budgets", [])
    return found


def proposal(amount: str | None = "50.00", guest: str = "G-1", **fields: object) -> dict[str, Any]:
    body: dict[str, Any] = {
        "site": "main",
        "resolution": "credit",
        "facts": {"guest": {"id": guest}, "stay": {"id": "S-1"}},
        **fields,
    }
    return body if amount is None else {**body, "amount": amount}


def shop_files(policy: str = POLICY, access: str = ACCESS) -> dict[str, bytes]:
    return {"access.csv": access.encode(), "shop.yaml": policy.encode()}


def write_shop(folder: Path, files: Mapping[str, bytes] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in (files or shop_files()).items():
        (folder / name).write_bytes(data)
    return folder


def shop_settings(folder: Path, database: str) -> Settings:
    return Settings(
        policies=folder, database=database, master_key=MASTER_KEY, signing_key=SIGNING_KEY
    )


@contextmanager
def open_house(folder: Path, database: str) -> Iterator[House]:
    """Everything running over a database, with the shop's policy in force."""
    shop = write_shop(folder / "shop")
    with open_services(shop_settings(shop, database)) as services:
        yield House(services, folder)


def leaf_of(entry: EntryRecord) -> bytes:
    return hashlib.sha256(b"\x00" + entry.body).digest()
