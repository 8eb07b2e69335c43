"""Answers where cases cannot be listed: a question as a formula for Z3, if it is installed.

Every expression becomes two terms: whether it has a value, and which. What has no exact
counterpart (a pattern, a part of an instant) may be anything: a formula without a solution
then still proves that there is no case, and a solution counts only if the rules themselves
confirm it. The effort is bounded in the solver's own units, so that an answer does not
depend on how busy the machine is.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

from service.core.expression import Expression, FactValue
from service.core.money import MINOR_MAX
from service.core.rulebook import Budget, Fact, FactType, Grant, MoneyLimit
from service.policyfile.celtree import Call, Constant, Items, Name, Node
from service.policyfile.celvocabulary import BUILT_INS, KNOWN
from service.policyfile.lintquestion import Answer, Found, Inquiry, Question, limit_of, search
from service.policyfile.lintspace import SIZE
from service.policyfile.lintterm import (
    BUILDERS,
    INT_MAX,
    SORTS,
    Z3,
    Term,
    any_number,
    fixed,
    z3,
)
from service.policyfile.lintvalues import Case, constant_of, tree_of

EFFORT_MAX: Final = 2_000_000
"""In the solver's own units; about a second."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SECOND_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _SECOND_US
_FIRST_US: Final = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST_US: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def is_installed() -> bool:
    """Whether there is a solver."""
    return z3 is not None


def ask(questions: Iterable[Question], *, all_of_them: bool = True) -> Found:
    """Whether one of the questions has a case; no only where none has and these are ``all``."""
    left = []
    for question in questions:
        found = search(question)
        if found.answer is Answer.YES:
            return found
        if found.answer is Answer.OPEN:
            left.append(question)
    proofs = [prove(question) for question in left]
    told = next((proof for proof in proofs if proof.answer is Answer.YES), None)
    if told is not None:
        return told
    open_still = not all_of_them or any(proof.answer is Answer.OPEN for proof in proofs)
    return Found(answer=Answer.OPEN if open_still else Answer.NO)


def prove(question: Question) -> Found:
    """No where the solver shows that there is no case; yes with a case that the rules confirm."""
    if z3 is None:
        return Found(answer=Answer.OPEN)
    formula = _Formula(question)
    solver = z3.Solver()
    solver.set("rlimit", EFFORT_MAX)
    solver.add(*formula.demands())
    solver.add(*formula.bounds)
    said = solver.check()
    if said == z3.unsat:
        return Found(answer=Answer.NO)
    if said == z3.sat:
        case = formula.case(solver.model())
        if Inquiry(question).is_answered_by(case):
            return Found(answer=Answer.YES, case=case)
    return Found(answer=Answer.OPEN)


class _Formula:
    """One question in the solver's terms. ``bounds`` say what values names may have."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._names: dict[str, Term] = {}
        self._members: dict[tuple[str, str], Z3] = {}
        self._codes: dict[str, int] = {}
        self._free = 0
        self.bounds: list[Z3] = []
        self.value = self._value()

    def demands(self) -> list[Z3]:
        """Everything that must hold of a case."""
        question = self._question
        demands = [self._is_false(bar) for bar in question.bars]
        demands += [self._passes(question.grant), *map(self._affords, question.over)]
        if question.broken is not None:
            demands.append(z3.Not(self._limit(question.broken).defined))
        for rival in question.rivals:
            stands = [self._is_false(it) for it in rival.unless]
            demands.append(z3.Not(z3.And(self._passes(rival.grant), *stands)))
        return demands

    def _value(self) -> Z3:
        """The size of the proposal in minor units."""
        worth = self._question.resolution.worth
        if worth is None:
            amount = z3.Int("request.amount")
            self.bounds += [amount >= 1, amount <= MINOR_MAX]
        else:
            quantity, each = z3.Int("request.quantity"), self._limit(worth)
            amount = quantity * each.value
            self.bounds += [quantity >= 1, each.defined, amount <= MINOR_MAX]
            self._names["request.quantity"] = fixed(quantity)
        self._names["request.amount"] = fixed(amount)
        return amount

    def _passes(self, grant: Grant) -> Z3:
        demands = [] if grant.when is None else [self._is_true(grant.when)]
        limit = limit_of(grant)
        if limit is not None:
            cap = self._limit(limit)
            demands.append(cap.defined)
            exact = z3.And(self.value == cap.value, cap.value != 0)
            demands.append(self.value <= cap.value if grant.exactly is None else exact)
        return z3.And(*demands)

    def _affords(self, budget: Budget) -> Z3:
        fits = [self._told(name) for name in budget.per]
        if budget.limit_minor is not None:
            fits.append(self.value <= budget.limit_minor)
        if budget.when is None:
            return z3.And(*fits)
        return z3.Or(self._is_false(budget.when), z3.And(self._is_true(budget.when), *fits))

    def _is_true(self, expression: Expression) -> Z3:
        term = self._expression(expression)
        return z3.And(term.defined, term.value)

    def _is_false(self, expression: Expression) -> Z3:
        term = self._expression(expression)
        return z3.And(term.defined, z3.Not(term.value))

    def _limit(self, limit: MoneyLimit) -> Term:
        if isinstance(limit, int):
            return fixed(z3.IntVal(limit))
        term = self._expression(limit)
        if z3.is_bool(term.value):
            return term
        return Term(z3.And(term.defined, term.value <= MINOR_MAX), term.value)

    def _expression(self, expression: Expression) -> Term:
        tree = tree_of(expression)
        return self._anything("bool") if tree is None else self._term(tree)

    # ── expressions ──

    def _term(self, node: Node) -> Term:
        constant = constant_of(node)
        if constant is not None:
            return fixed(self._constant(constant))
        if isinstance(node, Name):
            return self._name(node)
        if isinstance(node, Call):
            found = self._call(node)
            if found is not None:
                return found
        return self._anything(node.type)

    def _call(self, node: Call) -> Term | None:
        """The call's terms; None where there is no exact counterpart."""
        if node.function == "@in":
            return self._membership(*node.args)
        build = BUILDERS.get(node.function)
        if build is None:
            return None
        return build([self._term(arg) for arg in node.args], node)

    def _membership(self, item: Node, items: Node) -> Term | None:
        if isinstance(items, Items):
            parts = [self._term(it) for it in (item, *items.args)]
            same = [parts[0].value == part.value for part in parts[1:]]
            return Term(z3.And(*(part.defined for part in parts)), z3.Or(*same))
        if not isinstance(items, Name) or not isinstance(item, Constant):
            return None
        listed = self._question.given.get(items.name)
        if isinstance(listed, list):
            return fixed(z3.BoolVal(item.value in listed))
        key = (items.name, str(item.value))
        member = self._members.setdefault(key, z3.Bool(f"{key[1]} in {key[0]}"))
        return Term(self._told(items.name), member)

    def _constant(self, value: FactValue) -> Z3:
        match value:
            case bool():
                return z3.BoolVal(value)
            case int():
                return z3.IntVal(value)
            case float():
                return z3.RealVal(str(Fraction(value)))
            case datetime():
                return z3.IntVal((value - _EPOCH) // _MICROSECOND)
            case timedelta():
                return z3.IntVal(value // _MICROSECOND)
            case _:
                return z3.IntVal(self._codes.setdefault(str(value), len(self._codes)))

    def _anything(self, kind: str) -> Term:
        self._free += 1
        name = f"free {self._free}"
        return Term(z3.Bool(f"{name} defined"), SORTS.get(kind, any_number)(name))

    # ── names ──

    def _name(self, node: Name) -> Term:
        name = node.name
        if name.startswith(KNOWN):
            return fixed(self._told(name.removeprefix(KNOWN)))
        if name in self._question.given:
            return self._given(self._question.given[name], node)
        found = self._names.get(name)
        if found is None and name not in BUILT_INS and name not in self._question.rulebook.facts:
            return self._anything(node.type)  # what a macro binds
        if found is None:
            found = Term(self._told(name), SORTS.get(node.type, any_number)(name))
            self._names[name] = found
            self._bound(found.value, self._question.rulebook.facts.get(name))
        return found

    def _given(self, value: FactValue, node: Name) -> Term:
        return (
            self._anything(node.type) if isinstance(value, list) else fixed(self._constant(value))
        )

    def _told(self, name: str) -> Z3:
        question = self._question
        if name == "request.quantity":
            return z3.BoolVal(question.resolution.worth is not None)
        if name in question.untold:
            return z3.Or()
        return z3.Bool(f"told {name}") if name in question.absent else z3.And()

    def _bound(self, value: Z3, fact: Fact | None) -> None:
        if fact is not None and fact.type is FactType.DATE:
            self.bounds.append(value % _DAY_US == 0)
        if fact is None or fact.type in (FactType.DATE, FactType.TIMESTAMP):
            if z3.is_int(value):
                self.bounds += [value >= _FIRST_US, value <= _LAST_US]
        elif fact.type is FactType.CHOICE:
            self.bounds.append(z3.Or(*(value == self._constant(one) for one in fact.choices)))
        elif fact.type is FactType.MONEY:
            self.bounds += [value >= 0, value <= MINOR_MAX]
        elif fact.type is FactType.DURATION:
            self.bounds += [value >= 0, value % _SECOND_US == 0]
        elif fact.type is FactType.INTEGER:
            least = -INT_MAX if fact.least is None else fact.least
            most = INT_MAX if fact.most is None else fact.most
            self.bounds += [value >= least, value <= most]

    # ── and back ──

    def case(self, model: Z3) -> Case:
        """The case that a solution describes."""
        facts, case = self._question.rulebook.facts, dict(self._question.given)
        texts = {code: text for text, code in self._codes.items()}
        for name, term in self._names.items():
            if z3.is_true(model.eval(term.defined, model_completion=True)):
                found = model.eval(term.value, model_completion=True)
                case[name] = _plain(found, facts.get(name), name, texts)
        for (name, text), member in self._members.items():
            if z3.is_true(model.eval(self._told(name), model_completion=True)):
                listed = case.setdefault(name, [])
                if isinstance(listed, list) and z3.is_true(model.eval(member)):
                    listed.append(text)
        return case


def _plain(found: Z3, fact: Fact | None, name: str, texts: Mapping[int, str]) -> FactValue:
    """A value of the solver as a fact."""
    if z3.is_bool(found):
        return bool(z3.is_true(found))
    if z3.is_real(found):
        return float(found.as_fraction())
    number = int(found.as_long())
    if name == "now":
        return _instant(number)
    read = _READ.get(FactType.TEXT if fact is None else fact.type)
    if read is not None:
        return read(number)
    is_text = fact is None or fact.type in (FactType.TEXT, FactType.CHOICE)
    return texts.get(number, "other") if is_text and name not in SIZE else number


def _instant(number: int) -> datetime:
    return _EPOCH + number * _MICROSECOND


_READ: Final[Mapping[FactType, Callable[[int], FactValue]]] = {
    FactType.DATE: _instant,
    FactType.TIMESTAMP: _instant,
    FactType.DURATION: _MICROSECOND.__mul__,
}
