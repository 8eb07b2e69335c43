"""Grants, budgets, prohibitions and escalation: documents to the rules of the core."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from service.core.rulebook import (
    Budget,
    EscalationRule,
    Fact,
    FactType,
    Grant,
    MoneyLimit,
    Prohibition,
)
from service.policyfile.cutshort import find_cut_sentence
from service.policyfile.document import (
    BudgetDocument,
    EscalationDocument,
    FloodDocument,
    GrantDocument,
    ProhibitionDocument,
)
from service.policyfile.draft import Draft
from service.policyfile.formula import Formulas
from service.policyfile.place import Entry, Place
from service.policyfile.problem import Problem
from service.policyfile.reference import References
from service.policyfile.suggestion import suggest

BUDGET_NAMES = (
    "agent.id",
    "agent.kind",
    "site.id",
    "request.resolution",
    "request.reason",
    "request.channel",
)
"""The built-in names that ``per`` may name beside facts."""

_KEY_TYPES = frozenset(
    {FactType.TEXT, FactType.CHOICE, FactType.INTEGER, FactType.BOOLEAN, FactType.DATE}
)


@dataclass(frozen=True, slots=True)
class RuleCompiler:
    """Compiles the rules of one draft. ``facts`` are those with a sound declaration."""

    draft: Draft
    facts: Mapping[str, Fact]
    formulas: Formulas
    refer: References
    found: list[Problem]

    def grants(self) -> tuple[Grant, ...]:
        """All grants, in the order of the files."""
        return tuple(self._grant(entry) for entry in self.draft.grants)

    def budgets(self) -> tuple[Budget, ...]:
        """All budgets, in the order of the files."""
        return tuple(self._budget(entry) for entry in self.draft.budgets)

    def prohibitions(self) -> tuple[Prohibition, ...]:
        """All prohibitions, in the order of the files."""
        return tuple(self._prohibition(entry) for entry in self.draft.prohibitions)

    def escalation(self) -> dict[str, EscalationRule]:
        """How each role answers."""
        return {role: self._answering(role, it) for role, it in self.draft.escalation.items()}

    def check_ids(self) -> None:
        """Rules have one namespace: a decision names a rule by its id alone."""
        first: dict[str, Place] = {}
        rules: Iterable[Entry[GrantDocument] | Entry[BudgetDocument] | Entry[ProhibitionDocument]]
        rules = (*self.draft.grants, *self.draft.budgets, *self.draft.prohibitions)
        for entry in rules:
            place = entry.place.child("id")
            earlier = first.setdefault(entry.value.id, place)
            if earlier is not place:
                self._tell(
                    place,
                    "duplicate_id",
                    f"The rule at {earlier.where()} is `{entry.value.id}` too.",
                    "Give every rule an id of its own, whatever its kind.",
                )

    def _grant(self, entry: Entry[GrantDocument]) -> Grant:
        document, place = entry.value, entry.place
        self.refer.role(place.child("role"), document.role)
        if document.up_to is not None and document.exactly is not None:
            self._tell(
                place.child("exactly"),
                "two_limits",
                "A grant has `up_to` or `exactly`, not both.",
                "Delete one; where both are needed, write two grants.",
                on_key=True,
            )
        return Grant(
            id=document.id,
            role=document.role,
            may=self.refer.resolutions(place.child("may"), document.may),
            up_to=self.formulas.limit(place.child("up_to"), document.up_to),
            exactly=self._exactly(place.child("exactly"), document.exactly),
            when=self.formulas.condition(place.child("when"), document.when),
            needs=tuple(document.needs or ()),
            sites=self.refer.sites(place.child("sites"), document.sites),
            agents=None if document.agents is None else frozenset(document.agents),
        )

    def _exactly(self, place: Place, text: str | None) -> MoneyLimit | None:
        limit = self.formulas.limit(place, text)
        if limit == 0:
            self._tell(
                place,
                "zero_limit",
                "Exactly nothing never passes.",
                "Write what is owed, or delete the grant.",
            )
        return limit

    def _budget(self, entry: Entry[BudgetDocument]) -> Budget:
        document, place = entry.value, entry.place
        self._check_measure(document, place)
        self._check_window(document, place)
        for index, name in enumerate(document.per or ()):
            self._check_key(place.child("per", index), name)
        return Budget(
            id=document.id,
            limit_minor=self._limit(place.child("limit"), document.limit),
            count=document.count,
            per=tuple(document.per or ()),
            every=document.every,
            within=document.within,
            resolutions=self.refer.resolutions(place.child("resolutions"), document.resolutions),
            roles=self.refer.roles(place.child("roles"), document.roles),
            when=self.formulas.condition(place.child("when"), document.when),
        )

    def _limit(self, place: Place, text: str | None) -> int | None:
        minor = self.formulas.money(place, text)
        if minor == 0:
            self._tell(
                place,
                "zero_limit",
                "A budget of nothing refuses everything.",
                "Write an amount above zero, or a prohibition that says why.",
            )
        return minor

    def _check_measure(self, document: BudgetDocument, place: Place) -> None:
        if document.limit is None and document.count is None:
            self._tell(
                place,
                "budget_without_cap",
                "A budget caps money or approvals.",
                "Add `limit:` (money) or `count:` (approvals).",
            )
        if document.limit is not None and document.count is not None:
            self._tell(
                place.child("count"),
                "two_caps",
                "A budget has `limit` or `count`, not both.",
                "Write two budgets.",
                on_key=True,
            )

    def _check_window(self, document: BudgetDocument, place: Place) -> None:
        if document.every is not None and document.within is not None:
            self._tell(
                place.child("within"),
                "two_windows",
                "A budget has `every` or `within`, not both.",
                "Keep `every` for calendar windows, `within` for a rolling one.",
                on_key=True,
            )

    def _check_key(self, place: Place, name: str) -> None:
        declared = self.draft.declared["facts"]
        if name not in declared and name not in BUDGET_NAMES:
            self._tell(
                place,
                "unknown_fact",
                f"`{name}` is neither a fact nor a built-in name for keys.",
                suggest(name, (*declared, *BUDGET_NAMES)),
            )
        elif name in self.facts and self.facts[name].type not in _KEY_TYPES:
            self._tell(
                place,
                "unfit_key",
                f"A balance cannot be kept per {self.facts[name].type.value}.",
                "Use a text, choice, integer, boolean or date.",
            )

    def _prohibition(self, entry: Entry[ProhibitionDocument]) -> Prohibition:
        document, place = entry.value, entry.place
        cut = find_cut_sentence(place.child("because"))
        if cut is not None:
            self.found.append(cut)
        may_not = self.refer.resolutions(place.child("may_not"), document.may_not)
        return Prohibition(
            id=document.id,
            may_not=self._all_but_entitlements() if may_not is None else may_not,
            because=document.because,
            when=self.formulas.condition(place.child("when"), document.when),
            sites=self.refer.sites(place.child("sites"), document.sites),
            roles=self.refer.roles(place.child("roles"), document.roles),
            agents=None if document.agents is None else frozenset(document.agents),
        )

    def _all_but_entitlements(self) -> frozenset[str]:
        return frozenset(
            name for name, entry in self.draft.resolutions.items() if not entry.value.entitlement
        )

    def _answering(self, role: str, entry: Entry[EscalationDocument]) -> EscalationRule:
        document, place = entry.value, entry.place
        if role not in self.draft.declared["roles"]:
            self._tell(
                place,
                "unknown_role",
                f"No role `{role}` is declared.",
                suggest(role, self.draft.declared["roles"]),
                on_key=True,
            )
        if document.on_timeout is not None and document.answer_within is None:
            self._tell(
                place.child("on_timeout"),
                "timeout_without_time",
                "Nothing says when an answer is overdue.",
                "Add `answer_within:`, such as `15m`.",
                on_key=True,
            )
        return EscalationRule(
            role=role,
            answer_within=document.answer_within,
            on_timeout=document.on_timeout,
            approvals=document.approvals,
            around_the_clock=document.around_the_clock,
            at_most=_flood(document.at_most),
        )

    def _tell(
        self, place: Place, code: str, message: str, remedy: str, *, on_key: bool = False
    ) -> None:
        self.found.append(place.problem(code, message, remedy, on_key=on_key))


def _flood(document: FloodDocument | None) -> tuple[int, timedelta] | None:
    return None if document is None else (document.count, document.within)
