"""Questions about grants: who could propose what so that a grant decides.

What a grant is up against depends on who proposes: the roles that are walked before its
own, and the grants before it in its own role. Balances may be any, so a budget that only a
rival charges may be used up; evidence that only a rival needs may not be had.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from service.core.expression import Expression
from service.core.rulebook import Budget, Grant, Prohibition, Rulebook
from service.policyfile.lintframe import Frame, Setting, is_for
from service.policyfile.lintquestion import Question, Rival, limit_of
from service.policyfile.lintspace import OPTIONAL_BUILT_INS, computed
from service.policyfile.lintvalues import subsets

ROLES_MIXED_MAX: Final = 4
"""With more roles, not every selection of roles that somebody could hold is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remit:
    """One grant in the set that it stands in.

    ``told`` says whether every fact that is not optional is told. ``apart`` remembers which
    resolutions have rules that ask for roles; all remits of a set share it.
    """

    rulebook: Rulebook
    grant: Grant
    told: bool = True
    apart: dict[str, bool] = field(default_factory=dict)

    def resolutions(self) -> tuple[str, ...]:
        """What the grant names."""
        book, grant = self.rulebook, self.grant
        return tuple(it for it in book.resolutions if grant in book.grants_for(grant.role, it))

    def absent(self) -> frozenset[str]:
        """The facts that need not be told."""
        facts = self.rulebook.facts.values()
        optional = (fact.path for fact in facts if fact.optional or not self.told)
        return OPTIONAL_BUILT_INS | frozenset(optional) - {self.rulebook.subject or ""}

    def against_all(self) -> Iterator[Question]:
        """Whether it is ever the least sufficient one: each way to get there."""
        for resolution in self.resolutions():
            for held, authority in self._proposers(resolution):
                tried = self._tried_before(resolution, authority or held)
                if tried is not None:
                    yield from self._questions(resolution, tried, held, authority)

    def alone(self) -> Iterator[Question]:
        """Whether it ever passes, whatever comes before it."""
        for resolution in self.resolutions():
            for held, authority in self._proposers(resolution):
                if self._tried_before(resolution, authority or held) is not None:
                    yield from self._questions(resolution, (), held, authority)

    def unbounded(self, resolution: str, unless: Sequence[Budget]) -> Iterator[Question]:
        """Whether it ever passes where none of some budgets with conditions applies."""
        conditions = [budget.when for budget in unless if budget.when is not None]
        for held, authority in self._proposers(resolution):
            yield from self._questions(resolution, (), held, authority, bars=conditions)

    def beyond(self, resolution: str, others: Sequence[Grant]) -> Iterator[Question]:
        """Whether it gives what none of others gives, evidence and budgets aside."""
        for frame in self._frames(resolution, others, (self.grant.role,), None):
            bars = _bars(self.rulebook, frame)
            if bars is not None and is_for(self.grant, frame):
                rivals = tuple(Rival(grant=it) for it in others if is_for(it, frame))
                yield self._question(frame, rivals, bars, over=())

    def is_complete(self) -> bool:
        """Whether no proposer is left out."""
        book = self.rulebook
        return all(
            (len(book.roles) <= ROLES_MIXED_MAX or not self._tells_roles_apart(resolution))
            and (book.sites is not None or self._setting(resolution, book.grants).is_complete())
            for resolution in self.resolutions()
        )

    # ── who proposes ──

    def _proposers(
        self, resolution: str
    ) -> Iterator[tuple[tuple[str, ...], tuple[str, ...] | None]]:
        """The roles held by a proposer, and of whoever answers instead.

        Who holds one role at the bottom meets the fewest rivals, so others matter only
        where a rule asks for roles.
        """
        roles = self.rulebook.roles
        below = [it for it in roles if self.grant.role in (it, *self._above(it))]
        bosses = {role.reports_to for role in roles.values()}
        yield from (((it,), None) for it in below if it not in bosses)
        if self._tells_roles_apart(resolution):
            few = len(roles) <= ROLES_MIXED_MAX
            held = list(subsets(roles)) if few else [(it,) for it in roles]
            answering = [None, *((it,) for it in roles)]
            yield from product(held, answering)

    def _above(self, role: str) -> Iterator[str]:
        rung = self.rulebook.roles[role].reports_to
        while rung is not None:
            yield rung
            rung = self.rulebook.roles[rung].reports_to

    def _tells_roles_apart(self, resolution: str) -> bool:
        known = self.apart.get(resolution)
        if known is None:
            book = self.rulebook
            narrowed = any(it.roles is not None for it in book.prohibitions_for(resolution))
            read = self._setting(resolution, book.grants).reads("agent.roles")
            known = self.apart[resolution] = narrowed or read
        return known

    def _tried_before(self, resolution: str, held: tuple[str, ...]) -> tuple[Grant, ...] | None:
        """The grants that are tried before this one; None where it is out of reach."""
        ladder = self.rulebook.ladder(held)
        tried: list[Grant] = []
        for role in (*ladder.reach, *ladder.above):
            for grant in self.rulebook.grants_for(role, resolution):
                if grant is self.grant:
                    return tuple(tried)
                tried.append(grant)
        return None

    # ── what is asked ──

    def _questions(
        self,
        resolution: str,
        tried: tuple[Grant, ...],
        held: tuple[str, ...],
        authority: tuple[str, ...] | None,
        *,
        bars: Sequence[Expression] = (),
    ) -> Iterator[Question]:
        over = self.rulebook.budgets_for(self.grant.role, resolution)
        for frame in self._frames(resolution, tried, held, authority):
            barred = _bars(self.rulebook, frame)
            if barred is not None and is_for(self.grant, frame):
                rivals = tuple(self._rivals(tried, frame, over))
                yield self._question(frame, rivals, (*barred, *bars), over)

    def _frames(
        self,
        resolution: str,
        tried: Sequence[Grant],
        held: tuple[str, ...],
        authority: tuple[str, ...] | None,
    ) -> Iterator[Frame]:
        setting = self._setting(resolution, tried)
        for kind, (site, timezone) in product(setting.kinds(), setting.sites()):
            yield Frame(
                resolution=resolution,
                site=site,
                timezone=timezone,
                kind=kind,
                held=held,
                authority=authority,
            )

    def _setting(self, resolution: str, others: Sequence[Grant]) -> Setting:
        """The rules that could tell proposers apart."""
        book = self.rulebook
        grants = [self.grant, *(it for it in others if it.may is None or resolution in it.may)]
        prohibitions = book.prohibitions_for(resolution)
        budgets = [it for grant in grants for it in book.budgets_for(grant.role, resolution)]
        rules: list[Grant | Prohibition | Budget] = [*grants, *prohibitions, *budgets]
        conditions = [rule.when for rule in rules if rule.when is not None]
        limits = computed([*map(limit_of, grants), book.resolutions[resolution].worth])
        return Setting(
            rulebook=book, expressions=(*conditions, *limits), rules=(*grants, *prohibitions)
        )

    def _rivals(
        self, tried: Iterable[Grant], frame: Frame, over: Sequence[Budget]
    ) -> Iterator[Rival]:
        """Those of the grants before that nothing else need keep from passing."""
        for grant in tried:
            extra = [
                budget
                for budget in self.rulebook.budgets_for(grant.role, frame.resolution)
                if budget not in over
            ]
            unless = tuple(budget.when for budget in extra if budget.when is not None)
            has_all = set(grant.needs) <= set(self.grant.needs)
            if is_for(grant, frame) and has_all and len(unless) == len(extra):
                yield Rival(grant=grant, unless=unless)

    def _question(
        self,
        frame: Frame,
        rivals: tuple[Rival, ...],
        bars: tuple[Expression, ...],
        over: tuple[Budget, ...],
    ) -> Question:
        return Question(
            rulebook=self.rulebook,
            resolution=self.rulebook.resolutions[frame.resolution],
            grant=self.grant,
            rivals=rivals,
            bars=bars,
            over=over,
            given=frame.names(),
            absent=self.absent(),
        )


def _bars(rulebook: Rulebook, frame: Frame) -> tuple[Expression, ...] | None:
    """The conditions of prohibitions that must not hold; None where one always applies."""
    found = [
        rule
        for rule in rulebook.prohibitions_for(frame.resolution)
        if is_for(rule, frame) and (rule.roles is None or not rule.roles.isdisjoint(frame.held))
    ]
    conditions = tuple(rule.when for rule in found if rule.when is not None)
    return conditions if len(conditions) == len(found) else None
