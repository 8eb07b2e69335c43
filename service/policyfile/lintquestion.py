"""One question: whether there is a case that a grant passes although others come before it.

The others are rivals: wherever one of them passes, the grant is not reached. A case is
looked for among those that can be told apart. Where none is found and all were tried,
there is none; where not all could be tried, a solver is asked, if there is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Final

from service.core.expression import Expression
from service.core.rulebook import Budget, Grant, MoneyLimit, Resolution, Rulebook
from service.policyfile.lintspace import SIZE, Space, size_of
from service.policyfile.lintvalues import Case

CASES_SHOWN_MAX: Final = 500
"""Among so many cases it is looked for examples."""


class Answer(StrEnum):
    """Whether there is such a case."""

    YES = "yes"
    NO = "no"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A grant that is tried before. Where one of the conditions ``unless`` holds it fails.

    ``unless`` are those of budgets that only the rival charges: any of them may be used up.
    """

    grant: Grant
    unless: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whether there is a case in which nothing bars the grant, it passes, and no rival passes.

    ``bars`` must be false, and ``broken`` must end in an error. ``over`` are the budgets that
    the grant charges, empty as yet. ``given`` are the names whose value is settled; ``absent``
    are facts that need not be told, and ``untold`` those that are not.
    """

    rulebook: Rulebook
    resolution: Resolution
    grant: Grant
    rivals: tuple[Rival, ...] = ()
    bars: tuple[Expression, ...] = ()
    broken: Expression | None = None
    over: tuple[Budget, ...] = ()
    given: Case = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    untold: frozenset[str] = frozenset()

    def space(self) -> Space:
        """The cases that the rules of the question can tell apart."""
        limits = [limit_of(grant) for grant in self._grants()]
        money = [budget.limit_minor for budget in self.over]
        own = (limit_of(self.grant), *money)
        return Space(
            rulebook=self.rulebook,
            resolution=self.resolution,
            given=self.given,
            expressions=tuple(self.conditions()),
            limits=tuple(it for it in (*limits, *money) if it is not None),
            absent=self.absent,
            untold=self.untold,
            ceilings=[it for it in own if it is not None] if self._grows() else None,
        )

    def _grows(self) -> bool:
        """Whether the largest proposal that passes is the one that most rivals fail.

        So it is where no condition reads the size, no rival asks for an exact one, and every
        budget applies in each case.
        """
        reads_size = any(not it.mentions.isdisjoint(SIZE) for it in self.conditions())
        return (
            not reads_size
            and all(it.grant.exactly is None for it in self.rivals)
            and all(budget.when is None for budget in self.over)
        )

    def conditions(self) -> Iterator[Expression]:
        """Every condition of the question, the grant's own first."""
        yield from (grant.when for grant in self._grants() if grant.when is not None)
        yield from self.bars
        if self.broken is not None:
            yield self.broken
        yield from (budget.when for budget in self.over if budget.when is not None)
        for rival in self.rivals:
            yield from rival.unless

    def _grants(self) -> Iterator[Grant]:
        yield self.grant
        yield from (rival.grant for rival in self.rivals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The answer, with a case where there is one."""

    answer: Answer
    case: Case | None = None


def search(question: Question) -> Found:
    """Look through the cases; open where they do not stand for all, or are too many."""
    space, inquiry = question.space(), Inquiry(question)
    for case in space.cases(inquiry.is_hopeless):
        if inquiry.is_answered_by(case):
            return Found(answer=Answer.YES, case=case)
    proven = space.complete and space.exhausted
    return Found(answer=Answer.NO if proven else Answer.OPEN)


def rivals_met(question: Question) -> dict[str, Case]:
    """By the ids of rivals that pass first, a case that the grant passes too."""
    space, inquiry = question.space(), Inquiry(question)
    met: dict[str, Case] = {}
    for case in islice(space.cases(inquiry.is_barred), CASES_SHOWN_MAX):
        if inquiry.passes(case):
            rival = inquiry.rival_in(case)
            if rival is not None:
                met.setdefault(rival, case)
    return met


class Inquiry:
    """Asks the rules of one question about cases."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._book = question.rulebook
        self._unlimited = [it for it in question.rivals if limit_of(it.grant) is None]
        self._read = question.space().names()

    def is_hopeless(self, case: Case) -> bool:
        """Whether no case that begins like this can be one that is sought."""
        return self.is_barred(case) or any(self._stands(it, case) for it in self._unlimited)

    def is_barred(self, case: Case) -> bool:
        """Whether the grant passes in no case that begins like this."""
        when = self._question.grant.when
        fails = when is not None and self._says(when, case) is False
        return fails or any(self._says(bar, case) is True for bar in self._question.bars)

    def is_answered_by(self, case: Case) -> bool:
        """Whether the case is one that is sought."""
        return self.passes(case) and self.rival_in(case) is None

    def passes(self, case: Case) -> bool:
        """Whether nothing bars the grant, and it passes."""
        question = self._question
        return (
            self._is_within(question.grant, case)
            and (question.grant.when is None or self._says(question.grant.when, case) is True)
            and all(self._says(bar, case) is False for bar in question.bars)
            and (question.broken is None or self._says(question.broken, case) is None)
            and all(self._affords(budget, case) for budget in question.over)
        )

    def rival_in(self, case: Case) -> str | None:
        """The first rival that passes."""
        for rival in self._question.rivals:
            if self._is_within(rival.grant, case) and self._stands(rival, case):
                return rival.grant.id
        return None

    def _is_within(self, grant: Grant, case: Case) -> bool:
        """Whether the size fits the grant's limit."""
        limit = limit_of(grant)
        if limit is None:
            return True
        cap, value = size_of(self._book, limit, case), case["request.amount"]
        if cap is None or not isinstance(value, int):
            return False
        return value <= cap if grant.exactly is None else value == cap != 0

    def _stands(self, rival: Rival, case: Case) -> bool:
        """Whether a rival passes, its limit aside."""
        when = rival.grant.when
        holds = when is None or self._says(when, case) is True
        return holds and all(self._says(it, case) is False for it in rival.unless)

    def _affords(self, budget: Budget, case: Case) -> bool:
        applies = True if budget.when is None else self._says(budget.when, case)
        if applies is False:
            return True
        value, most = case["request.amount"], budget.limit_minor
        fits = most is None or (isinstance(value, int) and value <= most)
        return applies is True and fits and all(self._is_told(name, case) for name in budget.per)

    def _is_told(self, name: str, case: Case) -> bool:
        """Whether a part of a budget's key is there: what no rule reads is told."""
        return name in case or name not in self._read | self._question.untold

    def _says(self, expression: Expression, case: Case) -> bool | int | None:
        return expression(self._book.bind(case))


def limit_of(grant: Grant) -> MoneyLimit | None:
    """``up_to`` or ``exactly``."""
    return grant.exactly if grant.up_to is None else grant.up_to
