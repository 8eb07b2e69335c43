"""Policy sets to attack: little to evaluate, and budgets that everybody wants at once."""

from pathlib import Path
from typing import Any

POLICY = """\
remit: 1
name: attack
currency: USD
timezone: UTC
roles: {clerk: {reports_to: chief}, chief: {reports_to: head}, head: {}}
facts:
  guest.id:  {type: text, personal: true}
  case.id:   {type: text, optional: true}
  case.with: {type: text, optional: true}
subject: guest.id
resolutions:
  credit: {}
  pair: {}
  voucher: {hold: {for: 72h, then: release}}
  favour: {}
grants:
  - {id: small, role: clerk, may: [credit, pair, voucher], up_to: 100}
  - {id: more,  role: chief, may: [credit, pair, voucher], up_to: 200}
  - {id: kind,  role: chief, may: [favour], up_to: 200}
  - {id: kinder, role: head, may: [favour], up_to: 300}
budgets:
  - {id: till,  limit: TILL, per: [site.id]}
  - {id: guest, limit: GUEST, per: [guest.id]}
  - {id: day,   limit: 9000000, per: [site.id], every: day}
  - {id: left,  limit: 100, per: [case.id],   resolutions: [pair]}
  - {id: right, limit: 100, per: [case.with], resolutions: [pair]}
  - {id: often, count: 40,  per: [guest.id],  within: 90d}
escalation:
  head: {answer_within: 2s, on_timeout: deny}
"""
ACCESS = """\
p, agent, resolution, propose
p, agent, resolution, read
p, approver, escalation, answer
p, approver, escalation, read
p, approver, resolution, read
g, clerk, agent, *
g, chief, agent, *
g, chief, approver, *
g, head, agent, *
g, head, approver, *
g, ana, clerk, *
g, max, chief, *
g, mia, chief, *
g, hana, head, *
"""
ROLLING = ("often",)
TILL = 1_000
GUEST = 300


def files(*, till: int = TILL, guest: int = GUEST) -> dict[str, bytes]:
    """The set. ``till`` is what a site has for ever, ``guest`` what one guest may get."""
    text = POLICY.replace("TILL", str(till)).replace("GUEST", str(guest))
    return {"attack.yaml": text.encode(), "access.csv": ACCESS.encode()}


def write(folder: Path, *, till: int = TILL, guest: int = GUEST) -> Path:
    """The set as a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files(till=till, guest=guest).items():
        (folder / name).write_bytes(data)
    return folder


def proposal(
    site: str, guest: str, amount: str = "10.00", resolution: str = "credit", **case: str
) -> dict[str, Any]:
    """What a client sends. ``case`` are the facts ``case.id`` and ``case.with``."""
    facts: dict[str, Any] = {"guest": {"id": guest}}
    if case:
        facts["case"] = {name.rstrip("_"): value for name, value in case.items()}
    return {"site": site, "resolution": resolution, "amount": amount, "facts": facts}
