"""Who could propose what, and where: the part of a case that is not told as facts.

Only what the rules in question can tell apart is varied.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from service.core.expression import Expression
from service.core.request import AgentKind
from service.core.rulebook import Grant, Prohibition, Rulebook
from service.policyfile.lintvalues import Case, read_uses

KINDS: Final[tuple[AgentKind, ...]] = ("human", "ai")
SOMEWHERE: Final = "somewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A resolution, a site, a kind of proposer and the roles they hold.

    ``authority`` are the roles of whoever answers an escalation instead of the proposer.
    """

    resolution: str
    site: str
    timezone: str
    kind: AgentKind = "human"
    held: tuple[str, ...] = ()
    authority: tuple[str, ...] | None = None

    def names(self) -> Case:
        """The built-in names that it fixes."""
        return {
            "request.resolution": self.resolution,
            "site.id": self.site,
            "site.timezone": self.timezone,
            "agent.kind": self.kind,
            "agent.roles": list(self.held),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The rules in question, as far as they narrow who proposes where."""

    rulebook: Rulebook
    expressions: Sequence[Expression] = ()
    rules: Sequence[Grant | Prohibition] = ()

    def reads(self, *names: str) -> bool:
        """Whether an expression reads one of the names."""
        return any(not expression.mentions.isdisjoint(names) for expression in self.expressions)

    def kinds(self) -> tuple[AgentKind, ...]:
        """Both kinds of proposers where the rules tell them apart, else people."""
        told_apart = self.reads("agent.kind") or any(rule.agents is not None for rule in self.rules)
        return KINDS if told_apart else KINDS[:1]

    def sites(self) -> Iterator[tuple[str, str]]:
        """Sites with their timezones: those that the rules name, and one for all others."""
        book, named = self.rulebook, self._named_sites()
        if book.sites is None:
            yield from ((site, book.timezone) for site in (*sorted(named), SOMEWHERE))
            return
        seen: set[str] = set()
        for site in book.sites.values():
            zone = site.timezone if self.reads("site.timezone") else ""
            if site.id in named or zone not in seen or self._reads_sites_loosely():
                yield site.id, site.timezone
            if site.id not in named:
                seen.add(zone)

    def _named_sites(self) -> set[str]:
        cuts = read_uses(self.expressions).of("site.id")
        named = {site for rule in self.rules for site in rule.sites or ()}
        return named | {cut for cut in cuts if isinstance(cut, str)}

    def _reads_sites_loosely(self) -> bool:
        return self.reads("site.id") and "site.id" in read_uses(self.expressions).loose

    def is_complete(self) -> bool:
        """Whether no site could be told apart from all those that are tried."""
        return self.rulebook.sites is not None or not self._reads_sites_loosely()


def is_for(rule: Grant | Prohibition, frame: Frame) -> bool:
    """Whether the rule holds at that site, for that kind of proposer."""
    return (rule.sites is None or frame.site in rule.sites) and (
        rule.agents is None or frame.kind in rule.agents
    )
