"""A proposal's JSON to a request of the core: every field checked against the rulebook."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, Final, TypeAlias

from service.core.expression import FactValue
from service.core.factvalue import FactError, check_text, read_fact, read_money
from service.core.money import CURRENCY_DECIMALS, MINOR_MAX, convert
from service.core.plainproposal import find_plain
from service.core.pointer import pointer_of, token_of
from service.core.refusal import Fault, Refused
from service.core.request import (
    NAME_CHARS_MAX,
    NOTE_CHARS_MAX,
    QUANTITY_MAX,
    Agent,
    Evidence,
    Request,
)
from service.core.rulebook import Fact, FactTree, Rulebook

EVIDENCE_MAX: Final = 20
UNAVAILABLE_MAX: Final = 50

FIELDS: Final = frozenset(
    {
        "site",
        "resolution",
        "amount",
        "quantity",
        "currency",
        "reason",
        "note",
        "evidence",
        "channel",
        "facts",
        "unavailable",
    }
)


AgentAt: TypeAlias = Callable[[str], Agent]
"""Who proposes, by the site."""

CIRCUMSTANCES: Final = frozenset({"site", "reason", "channel", "facts", "unavailable"})

_NOT_AN_OBJECT: Final = Fault(
    code="wrong_type",
    pointer="",
    message="a JSON object is expected here",
    remedy='send an object like {"site": "…", "resolution": "…", "amount": "…"}',
)


def read_proposal(rulebook: Rulebook, body: Any, agent: Agent | AgentAt) -> Request:  # noqa: ANN401 — JSON
    """The request that a proposal's parsed JSON asks for, on behalf of ``agent``.

    Who is known only with the roles held at the proposal's site is given as a function.

    Raises `Refused` with every fault: unknown fields, undeclared or ill-typed facts,
    money that is no text of the currency, an amount where a quantity is due, a site,
    resolution or currency that the rulebook does not know.
    """
    if not isinstance(body, dict):
        raise Refused((_NOT_AN_OBJECT,))
    return find_plain(rulebook, body, agent) or _Reader(rulebook, body).read(agent)


def read_circumstances(rulebook: Rulebook, body: Any, agent: Agent) -> Request:  # noqa: ANN401 — JSON
    """A request without a resolution, for asking what may be done: site, facts, and the like.

    Raises `Refused` as `read_proposal` does; fields that only a proposal has are unknown.
    """
    if not isinstance(body, dict):
        raise Refused((_NOT_AN_OBJECT,))
    return _Reader(rulebook, body).read_circumstances(agent)


class _Reader:
    """Reads field by field and keeps the faults."""

    __slots__ = ("body", "faults", "rulebook")

    def __init__(self, rulebook: Rulebook, body: Mapping[str, Any]) -> None:
        self.rulebook = rulebook
        self.body = body
        self.faults: list[Fault] = []

    def read(self, agent: Agent | AgentAt) -> Request:
        if not FIELDS.issuperset(self.body):
            self._unknown(FIELDS, self.body, "")
        site, resolution = self._site(), self._resolution()
        currency = self._currency()
        amount, rate = self._amount(resolution, currency)
        reason, channel = self._name("reason"), self._name("channel")
        note = self._text("note", NOTE_CHARS_MAX, lines=True)
        evidence, unavailable = self._evidence(), self._unavailable()
        facts, quantity = self._facts(), self._quantity(resolution)
        if self.faults or site is None or resolution is None:
            raise Refused(tuple(self.faults))
        return Request(
            site=site,
            agent=agent if isinstance(agent, Agent) else agent(site),
            resolution=resolution,
            amount_minor=amount,
            quantity=quantity,
            currency=currency,
            rate=rate,
            reason=reason,
            channel=channel,
            note=note,
            evidence=evidence,
            unavailable=unavailable,
            facts=facts,
        )

    def read_circumstances(self, agent: Agent) -> Request:
        self._unknown(CIRCUMSTANCES, self.body, "")
        site = self._site()
        reason, channel = self._name("reason"), self._name("channel")
        facts, unavailable = self._facts(), self._unavailable()
        if self.faults or site is None:
            raise Refused(tuple(self.faults))
        return Request(
            site=site,
            agent=agent,
            resolution="",
            reason=reason,
            channel=channel,
            facts=facts,
            unavailable=unavailable,
        )

    def _fault(self, code: str, pointer: str, message: str, remedy: str) -> None:
        self.faults.append(Fault(code=code, pointer=pointer, message=message, remedy=remedy))

    def _caught(self, error: FactError, pointer: str) -> None:
        self._fault(error.code, pointer, error.message, error.remedy)

    def _unknown(self, known: frozenset[str], given: Mapping[str, Any], at: str) -> None:
        for name in given:
            if name not in known:
                self._fault(
                    "unknown_field",
                    f"{at}/{token_of(name)}",
                    "this field is not known",
                    _instead(name, known),
                )

    def _site(self) -> str | None:
        site = self._name("site", required=True)
        sites = self.rulebook.sites
        if site is not None and sites is not None and site not in sites:
            self._fault(
                "unknown_site", "/site", "the policy names no such site", _instead(site, sites)
            )
            return None
        return site

    def _resolution(self) -> str | None:
        resolution = self._name("resolution", required=True)
        known = self.rulebook.resolutions
        if resolution is not None and resolution not in known:
            self._fault(
                "unknown_resolution",
                "/resolution",
                "the policy names no such resolution",
                _instead(resolution, known),
            )
            return None
        return resolution

    def _currency(self) -> str | None:
        own = self.rulebook.currency
        currency = self.body.get("currency", own)
        if currency == own or (isinstance(currency, str) and currency in self.rulebook.rates):
            return str(currency)
        listed = ", ".join((own, *self.rulebook.rates))
        self._fault(
            "unknown_currency",
            "/currency",
            "the policy has no rate for this currency",
            f"propose in one of: {listed}",
        )
        return None

    def _amount(
        self, resolution: str | None, currency: str | None
    ) -> tuple[int | None, str | None]:
        value = self.body.get("amount")
        unit = None if resolution is None else self.rulebook.resolutions[resolution].unit
        if unit is not None:
            if value is not None:
                self._fault(
                    "amount_not_allowed",
                    "/amount",
                    f"this resolution is given by the {unit}, not as an amount",
                    f'send "quantity", a whole number of {unit}s, instead',
                )
            return None, None
        if value is None:
            if resolution is not None:
                self._fault(
                    "amount_required",
                    "/amount",
                    "this resolution is an amount of money, and none was proposed",
                    'send "amount" as a text, like "150.00"',
                )
            return None, None
        return self._money(value, currency)

    def _money(
        self,
        value: Any,  # noqa: ANN401 — JSON
        currency: str | None,
    ) -> tuple[int | None, str | None]:
        own, decimals = self.rulebook.currency, self.rulebook.decimals
        given = decimals if currency is None else CURRENCY_DECIMALS[currency]
        if isinstance(value, str) and value.startswith("-"):
            self._not_positive()
            return None, None
        try:
            minor = read_money(value, given)
        except FactError as error:
            self._caught(error, "/amount")
            return None, None
        rate = None
        if currency is not None and currency != own:
            rate = self.rulebook.rates[currency]
            minor = convert(minor, decimals=given, rate=Fraction(rate), to_decimals=decimals)
        if minor <= 0:
            self._not_positive()
        elif minor > MINOR_MAX:
            self._fault(
                "amount_too_large", "/amount", "the amount is too large", "propose a smaller amount"
            )
        return minor, rate

    def _not_positive(self) -> None:
        self._fault(
            "amount_not_positive",
            "/amount",
            "an amount is more than nothing",
            "propose an amount above zero",
        )

    def _quantity(self, resolution: str | None) -> int | None:
        value = self.body.get("quantity")
        unit = None if resolution is None else self.rulebook.resolutions[resolution].unit
        if unit is None:
            if value is not None and resolution is not None:
                self._fault(
                    "quantity_not_allowed",
                    "/quantity",
                    "this resolution is an amount of money and has no quantity",
                    'send "amount" as a text, like "150.00", instead',
                )
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= QUANTITY_MAX:
            code = "quantity_required" if value is None else "quantity_not_whole"
            self._fault(
                code,
                "/quantity",
                f"this resolution needs a whole number of {unit}s, at least 1",
                'send "quantity" as a whole number, like 1',
            )
            return None
        return value

    def _name(self, name: str, *, required: bool = False) -> str | None:
        return self._text(name, NAME_CHARS_MAX, required=required)

    def _text(
        self, name: str, chars_max: int, *, required: bool = False, lines: bool = False
    ) -> str | None:
        value = self.body.get(name)
        if value is None:
            if required:
                self._fault(
                    "missing_field", f"/{name}", f'"{name}" is missing', f'send "{name}" as a text'
                )
            return None
        try:
            return check_text(value, chars_max, lines=lines)
        except FactError as error:
            self._caught(error, f"/{name}")
            return None

    def _evidence(self) -> tuple[Evidence, ...]:
        given = self._list("evidence", EVIDENCE_MAX)
        found = [self._one_evidence(item, f"/evidence/{n}") for n, item in enumerate(given)]
        return tuple(evidence for evidence in found if evidence is not None)

    def _one_evidence(self, item: Any, at: str) -> Evidence | None:  # noqa: ANN401 — JSON
        known = frozenset({"kind", "reference"})
        if not isinstance(item, dict):
            self._fault(
                "wrong_type",
                at,
                "evidence is an object with a kind and a reference",
                'write {"kind": "photo", "reference": "case/991/1"}',
            )
            return None
        self._unknown(known, item, at)
        parts: dict[str, str] = {}
        for name in ("kind", "reference"):
            try:
                parts[name] = check_text(item.get(name))
            except FactError as error:
                self._caught(error, f"{at}/{name}")
        return Evidence(**parts) if len(parts) == len(known) else None

    def _unavailable(self) -> frozenset[str]:
        found: set[str] = set()
        for number, item in enumerate(self._list("unavailable", UNAVAILABLE_MAX)):
            try:
                found.add(check_text(item))
            except FactError as error:
                self._caught(error, f"/unavailable/{number}")
        return frozenset(found)

    def _list(self, name: str, items_max: int) -> list[Any]:
        value = self.body.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > items_max:
            self._fault(
                "wrong_type",
                f"/{name}",
                f'"{name}" is a list of at most {items_max}',
                f'send "{name}" as a list, or leave it out',
            )
            return []
        return value

    def _facts(self) -> dict[str, FactValue]:
        found: dict[str, FactValue] = {}
        facts = self.body.get("facts")
        if isinstance(facts, dict):
            self._branch(facts, self.rulebook.fact_tree, (), found)
        elif facts is not None:
            self._fault(
                "wrong_type",
                "/facts",
                "facts are nested objects",
                'write {"guest": {"id": "…"}} for the fact guest.id',
            )
        return found

    def _branch(
        self,
        given: Mapping[str, Any],
        tree: FactTree,
        above: tuple[str, ...],
        found: dict[str, FactValue],
    ) -> None:
        decimals = self.rulebook.decimals
        for name, value in given.items():
            declared = tree.get(name)
            if declared is None:
                self._undeclared((*above, name))
            elif value is None:  # null is a fact that is absent
                continue
            elif isinstance(declared, Fact):
                try:
                    found[declared.path] = read_fact(declared, value, decimals)
                except FactError as error:
                    self._caught(error, pointer_of((*above, name)))
            elif isinstance(value, dict):
                self._branch(value, declared, (*above, name), found)
            else:
                self._no_branch(declared, (*above, name))

    def _undeclared(self, names: tuple[str, ...]) -> None:
        close = get_close_matches(".".join(names), self.rulebook.facts, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        self._fault(
            "undeclared_fact",
            pointer_of(names),
            "the policy declares no such fact",
            f"{hint}declare it under facts: in the policy, or leave it out",
        )

    def _no_branch(self, declared: FactTree, names: tuple[str, ...]) -> None:
        self._fault(
            "wrong_type",
            pointer_of(names),
            "an object with facts in it is expected here",
            f"write an object with any of: {', '.join(declared)}",
        )


def _instead(name: str, known: Any) -> str:  # noqa: ANN401 — any collection of names
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"use one of: {', '.join(sorted(known))}"
