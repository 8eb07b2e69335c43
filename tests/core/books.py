"""Rulebooks for tests of the core, from the language managers write."""

from collections.abc import Mapping
from datetime import UTC, datetime

from service.core.decision import Decision
from service.core.evaluate import evaluate
from service.core.expression import FactValue
from service.core.request import Agent, AgentKind, Evidence, Request
from service.core.rulebook import Rulebook
from service.policyfile.load import load_rulebook

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)

SMALL = """
remit: 1
name: small
currency: USD
timezone: America/New_York
sites: {vienna: {timezone: Europe/Vienna}, new_york: {}}
roles:
  front_desk: {reports_to: duty_manager}
  duty_manager: {reports_to: general_manager}
  general_manager: {}
facts:
  guest.id: {type: text, personal: true}
  guest.tier: {type: choice, of: [member, gold]}
  stay.id: {type: text}
  stay.rate: {type: money}
  stay.total: {type: money}
  stay.due: {type: money, optional: true}
  severity: {type: integer, from: 1, to: 5}
subject: guest.id
resolutions:
  credit: {}
  night: {unit: night, worth: stay.rate}
  refund: {entitlement: true}
  cash: {}
  upgrade: {}
"""


def book(rules: str, *, base: str = SMALL) -> Rulebook:
    """The rulebook of the small hotel with these rules."""
    return load_rulebook({"base.yaml": base.encode(), "rules.yaml": f"remit: 1\n{rules}".encode()})


def request(  # a field for everything a test may want to vary
    resolution: str = "credit",
    amount: int | None = 10_000,
    *,
    quantity: int | None = None,
    roles: tuple[str, ...] = ("front_desk",),
    kind: AgentKind = "human",
    site: str = "new_york",
    note: str | None = None,
    evidence: tuple[str, ...] = (),
    unavailable: frozenset[str] = frozenset(),
    authority: tuple[str, ...] | None = None,
    **facts: FactValue | None,
) -> Request:
    """A proposal for guest G-1; ``severity=None`` leaves a fact out, ``__`` is a dot."""
    told: dict[str, FactValue | None] = {
        "guest.id": "G-1",
        "guest.tier": "member",
        "stay.id": "S-1",
        "stay.rate": 32_000,
        "stay.total": 96_000,
        "severity": 2,
    }
    told |= {name.replace("__", "."): value for name, value in facts.items()}
    return Request(
        site=site,
        agent=Agent(id="ana", kind=kind, roles=roles),
        resolution=resolution,
        amount_minor=None if quantity is not None else amount,
        quantity=quantity,
        currency="USD",
        note=note,
        evidence=tuple(Evidence(kind=name, reference="case/1") for name in evidence),
        unavailable=unavailable,
        authority=authority,
        facts={name: value for name, value in told.items() if value is not None},
    )


def decide(rulebook: Rulebook, asked: Request) -> Decision:
    """The decision with every budget unused."""
    return evaluate(rulebook, asked, {}, AT)


def codes(decision: Decision) -> list[str]:
    """The codes of the reasons, in order."""
    return [reason.code.value for reason in decision.reasons]


def parameters(decision: Decision, number: int = 0) -> Mapping[str, object]:
    """The parameters of one reason."""
    return dict(decision.reasons[number].parameters)
