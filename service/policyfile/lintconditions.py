"""Lints of conditions and computed limits: what they always say, and what they cannot say.

Each is asked in the place where it stands: for the resolutions, sites and agents of its
rule. A limit is asked only where its rule's condition holds, since only then is it computed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from service.core.expression import Expression
from service.core.rulebook import Grant, Prohibition, Rulebook
from service.policyfile.celtree import Call, Name, Node, walk
from service.policyfile.lintframe import Frame, Setting, is_for
from service.policyfile.lintproof import ask
from service.policyfile.lintquestion import Answer, Found, Question
from service.policyfile.lintremark import Remarks, listed
from service.policyfile.lintspace import OPTIONAL_BUILT_INS, SIZE
from service.policyfile.lintvalues import constant_of, knows_of, subsets, tree_of
from service.policyfile.place import Place

_ROLES_MIXED_MAX: Final = 4
"""With more roles, not every selection of roles that somebody could hold is tried."""

_BREAKING: Final = frozenset(
    {"_/_", "_%_", "_[_]", "_-_", "percent", "times", "days", "matches", "timestamp"}
    | {"duration", "int"}
)
"""What may have no value for some arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """An expression, and where and when it is asked.

    ``guard`` must hold before it is asked. ``noun`` says what it is. ``owner`` narrows the
    sites and agents for which it is asked, if it is a rule that can.
    """

    rule: str
    noun: str
    place: Place
    expression: Expression
    resolutions: tuple[str, ...]
    guard: Expression | None = None
    owner: Grant | Prohibition | None = None


def lint_conditions(remarks: Remarks) -> set[str]:
    """`always_true`, `always_false`, `bare_optional`, `quantity_of_money` and `can_break`.

    The ids of the rules that are said never to hold.
    """
    never: set[str] = set()
    for formula in _formulas(remarks):
        inquiry = _Inquiry(remarks, formula)
        inquiry.check_quantity()
        if inquiry.check_constant():
            never.add(formula.rule)
        inquiry.check_errors()
        inquiry.check_optional()
    return never


class _Inquiry:
    """What is asked of one formula."""

    def __init__(self, remarks: Remarks, formula: Formula) -> None:
        self._remarks = remarks
        self._book: Rulebook = remarks.rulebook
        self._formula = formula
        self._setting = Setting(
            rulebook=self._book,
            expressions=[it for it in (formula.expression, formula.guard) if it is not None],
            rules=[] if formula.owner is None else [formula.owner],
        )
        self._wants_quantity = False

    def check_quantity(self) -> None:
        """A quantity is read for a resolution that has none."""
        if "request.quantity" not in self._formula.expression.mentions:
            return
        moneys = [
            it for it in self._formula.resolutions if self._book.resolutions[it].worth is None
        ]
        found = {it: self._ask([it], broken=True).answer for it in moneys}
        names = [it for it, answer in found.items() if answer is Answer.YES]
        if names:
            self._wants_quantity = True
            self._warn(
                "quantity_of_money",
                f"The {self._formula.noun} of `{self._formula.rule}` reads request.quantity, and "
                f"{listed(names, 'or')} has none: an error.",
                "Name only resolutions with a unit, or ask for request.resolution first.",
            )
        if Answer.OPEN in found.values():
            self._leave_open("quantity_of_money", "asks an amount of money for its quantity")

    def check_constant(self) -> bool:
        """Whether the condition never holds; said, as it is that it always does."""
        if self._formula.noun != "condition":
            return False
        rule, resolutions = self._formula.rule, self._formula.resolutions
        holds = self._ask(resolutions, holds=True).answer
        fails = self._ask(resolutions, fails=True).answer
        if holds is Answer.NO and fails is not Answer.NO:
            message = f"The condition of `{rule}` never holds."
            self._warn("always_false", message, "Mend it, or delete the rule.")
        elif fails is Answer.NO and holds is Answer.YES:
            message = f"The condition of `{rule}` holds in every case."
            self._warn("always_true", message, "Delete `when`, or mend it.")
        elif Answer.OPEN in (holds, fails):
            code = "always_false" if holds is Answer.OPEN else "always_true"
            self._leave_open(code, f"is {code.replace('_', ' ')}")
        return holds is Answer.NO

    def check_errors(self) -> None:
        """It ends in an error although everything is told."""
        if self._wants_quantity or not _may_break(self._formula.expression, self._book):
            return
        found = self._ask(self._formula.resolutions, broken=True)
        if found.answer is Answer.YES and found.case is not None:
            self._warn(
                "can_break",
                f"The {self._formula.noun} of `{self._formula.rule}` has no value in some case: "
                f"{self._remarks.in_words(found.case)}.",
                "Let `when` hold only where it has one: `stay.nightly_rate <= stay.total && …`",
            )
        elif found.answer is Answer.OPEN:
            self._leave_open("can_break", "has a value in every case")

    def check_optional(self) -> None:
        """An optional fact decides whether there is an answer."""
        bare = []
        for name in sorted(self._formula.expression.mentions & _optional(self._book)):
            found = self._ask(self._formula.resolutions, broken=True, untold=frozenset({name}))
            if found.answer is Answer.YES:
                bare.append(name)
            elif found.answer is Answer.OPEN:
                self._leave_open("bare_optional", f"has an answer where {name} is not told")
        if bare:
            asked = f"known({bare[0]})"
            self._warn(
                "bare_optional",
                f"The {self._formula.noun} of `{self._formula.rule}` has no answer where "
                f"{listed(bare, 'or')} is not told, which is normal.",
                f"Ask first: `when: {asked}`, or `{asked} && …`",
            )

    def _warn(self, code: str, message: str, remedy: str) -> None:
        self._remarks.warn(self._formula.place, code, message, remedy)

    def _leave_open(self, code: str, question: str) -> None:
        message = f"whether the {self._formula.noun} of `{self._formula.rule}` {question}"
        self._remarks.leave_open(self._formula.place, code, message)

    # ── how it is asked ──

    def _ask(
        self,
        resolutions: Sequence[str],
        *,
        holds: bool = False,
        fails: bool = False,
        broken: bool = False,
        untold: frozenset[str] = frozenset(),
    ) -> Found:
        """Whether there is a case in which the formula holds, fails, or ends in an error."""
        expression, guard = self._formula.expression, self._formula.guard
        asked = knows_of(expression) | (frozenset() if guard is None else knows_of(guard))
        questions = (
            Question(
                rulebook=self._book,
                resolution=self._book.resolutions[frame.resolution],
                grant=Grant(id="", role="", may=None, when=expression if holds else guard),
                bars=(expression,) if fails else (),
                broken=expression if broken else None,
                given=frame.names(),
                absent=asked & _optional(self._book) - untold,
                untold=untold,
            )
            for frame in self._frames(resolutions)
        )
        return ask(questions, all_of_them=self._is_complete())

    def _frames(self, resolutions: Sequence[str]) -> Iterator[Frame]:
        setting, owner = self._setting, self._formula.owner
        if not setting.reads("request.resolution", *SIZE):
            resolutions = resolutions[:1]
        for resolution, kind, (site, timezone), held in product(
            resolutions, setting.kinds(), setting.sites(), self._held()
        ):
            frame = Frame(resolution=resolution, site=site, timezone=timezone, kind=kind, held=held)
            if owner is None or is_for(owner, frame):
                yield frame

    def _held(self) -> list[tuple[str, ...]]:
        """The roles that a proposer holds; one selection where no condition asks for them."""
        roles = tuple(self._book.roles)
        if not self._setting.reads("agent.roles"):
            return [roles[:1]]
        few = len(roles) <= _ROLES_MIXED_MAX
        return list(subsets(roles)) if few else [(role,) for role in roles]

    def _is_complete(self) -> bool:
        few = len(self._book.roles) <= _ROLES_MIXED_MAX
        return self._setting.is_complete() and (few or not self._setting.reads("agent.roles"))


def _optional(book: Rulebook) -> frozenset[str]:
    return OPTIONAL_BUILT_INS | {fact.path for fact in book.facts.values() if fact.optional}


def _may_break(expression: Expression, book: Rulebook) -> bool:
    """Whether something in it has no value for some arguments.

    That a sum is too large to be money is not looked for: no real one is.
    """
    tree = tree_of(expression)
    return tree is None or any(_is_risky(node, book) for node in walk(tree))


def _is_risky(node: Node, book: Rulebook) -> bool:
    if not isinstance(node, Call) or node.function not in _BREAKING:
        return False
    if node.function == "_-_":
        return node.type == "uint"
    if node.function in ("_/_", "_%_", "_[_]"):
        return True
    last = node.args[-1]
    if isinstance(last, Name) and last.name in book.facts:
        least = book.facts[last.name].least
        return least is None or least < 0 or node.function == "days"
    return constant_of(last) is None


# ── where expressions stand ──


def _formulas(remarks: Remarks) -> Iterator[Formula]:
    yield from _of_grants(remarks)
    yield from _of_budgets(remarks)
    yield from _of_prohibitions(remarks)
    book = remarks.rulebook
    for name, resolution in book.resolutions.items():
        worth = resolution.worth
        if worth is not None and not isinstance(worth, int):
            yield Formula(
                rule=name,
                noun="worth",
                place=remarks.draft.resolutions[name].place.child("worth"),
                expression=worth,
                resolutions=(name,),
            )


def _of_grants(remarks: Remarks) -> Iterator[Formula]:
    book = remarks.rulebook
    for grant in book.grants:
        named = [it for it in book.resolutions if grant in book.grants_for(grant.role, it)]
        place = remarks.rules[grant.id]
        for key, limit in (("up_to", grant.up_to), ("exactly", grant.exactly)):
            if limit is not None and not isinstance(limit, int):
                yield Formula(
                    rule=grant.id,
                    noun="limit",
                    place=place.child(key),
                    expression=limit,
                    resolutions=_money_first(book, named),
                    guard=grant.when,
                    owner=grant,
                )
        if grant.when is not None:
            yield _condition(remarks, grant.id, grant.when, named, grant)


def _of_budgets(remarks: Remarks) -> Iterator[Formula]:
    book = remarks.rulebook
    for budget in book.budgets:
        charged = [
            name
            for name in book.resolutions
            if any(budget in book.budgets_for(role, name) for role in book.roles)
        ]
        if budget.when is not None and charged:
            yield _condition(remarks, budget.id, budget.when, charged, None)


def _of_prohibitions(remarks: Remarks) -> Iterator[Formula]:
    for rule in remarks.rulebook.prohibitions:
        if rule.when is not None:
            yield _condition(remarks, rule.id, rule.when, sorted(rule.may_not), rule)


def _condition(
    remarks: Remarks,
    rule: str,
    expression: Expression,
    resolutions: Sequence[str],
    owner: Grant | Prohibition | None,
) -> Formula:
    return Formula(
        rule=rule,
        noun="condition",
        place=remarks.rules[rule].child("when"),
        expression=expression,
        resolutions=_money_first(remarks.rulebook, resolutions),
        owner=owner,
    )


def _money_first(book: Rulebook, resolutions: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(resolutions, key=lambda name: book.resolutions[name].worth is not None))
