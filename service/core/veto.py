"""What ends a request before the walk: a prohibition, or something every rule needs."""

from typing import NamedTuple

from service.core.decision import Code, Outcome, Reason
from service.core.request import Request
from service.core.rulebook import Prohibition
from service.core.situation import Absent, Situation


class Veto(NamedTuple):
    """The outcome, the one reason for it, and what to add where that would help."""

    outcome: Outcome
    reason: Reason
    missing: tuple[str, ...] = ()

    @classmethod
    def lacking(cls, absent: Absent, rule: str | None, request: Request) -> "Veto":
        """Incomplete, or denied where the proposer says that the facts cannot be had."""
        missing = tuple(f"fact:{fact}" for fact in absent.facts)
        reason = Reason(Code.MISSING_FACT, rule, None, (("missing", missing),))
        if request.unavailable.issuperset(missing):
            return cls(Outcome.DENIED, reason)
        return cls(Outcome.INCOMPLETE, reason, missing)


def find_veto(situation: Situation) -> Veto | None:
    """The first prohibition that denies; else the first that wants facts; else nothing.

    A prohibition whose condition ends in an error denies.
    """
    request = situation.request
    wanting: Veto | None = None
    for prohibition in situation.rulebook.prohibitions_for(request.resolution):
        veto = _veto_of(prohibition, situation) if concerns(prohibition, request) else None
        if veto is not None and veto.outcome is Outcome.DENIED:
            return veto
        wanting = wanting or veto
    return wanting


def concerns(prohibition: Prohibition, request: Request) -> bool:
    """Whether a prohibition is about this site, this kind of agent and these roles."""
    return (
        (prohibition.sites is None or request.site in prohibition.sites)
        and (prohibition.agents is None or request.agent.kind in prohibition.agents)
        and (prohibition.roles is None or not prohibition.roles.isdisjoint(request.agent.roles))
    )


def _veto_of(prohibition: Prohibition, situation: Situation) -> Veto | None:
    says = True if prohibition.when is None else situation.says(prohibition.when)
    if says is False:
        return None
    if says is True:
        return Veto(Outcome.DENIED, Reason(Code.PROHIBITED, prohibition.id))
    if isinstance(says, Absent):
        return Veto.lacking(says, prohibition.id, situation.request)
    return Veto(Outcome.DENIED, Reason(Code.RULE_ERROR, prohibition.id))
