"""Lints of roles: rungs that give nothing, too little, or that nobody can answer."""

from collections.abc import Iterator

from service.core.rulebook import Grant, Role, Rulebook
from service.policyfile.access import EVERY_SITE, Access
from service.policyfile.lintproof import ask
from service.policyfile.lintquestion import Answer, Found
from service.policyfile.lintremark import Remarks, listed
from service.policyfile.lintremit import Remit
from service.policyfile.lintvalues import Case

_ANSWERS = ("escalation", "answer")
_PEOPLE_MIN = 2


def lint_roles(remarks: Remarks, access: Access) -> None:
    """`idle_role`, `idle_escalation`, `weaker_role` and `lone_top`."""
    book = remarks.rulebook
    bosses = {role.reports_to for role in book.roles.values()}
    for role in book.roles.values():
        if not any(grant.role == role.id for grant in book.grants):
            _say_idle(remarks, role)
        else:
            _check_weaker(remarks, role)
        if role.id in book.escalation and role.id not in bosses:
            _say_idle_escalation(remarks, role)
        if role.reports_to is None and role.id in bosses and access.people:
            _check_top(remarks, access, role)


def _say_idle(remarks: Remarks, role: Role) -> None:
    remarks.warn(
        remarks.draft.roles[role.id].place,
        "idle_role",
        f"`{role.id}` may give nothing by itself: nothing is ever handed up to it.",
        f"Add a grant with `role: {role.id}`, or delete the role.",
        on_key=True,
    )


def _say_idle_escalation(remarks: Remarks, role: Role) -> None:
    remarks.warn(
        remarks.draft.escalation[role.id].place,
        "idle_escalation",
        f"Nobody reports to `{role.id}`, so nothing is ever handed up to it.",
        "Delete the entry, or let a role report to it.",
        on_key=True,
    )


# ── less than the one below ───────────────────────────────────────────────────────────


def _check_weaker(remarks: Remarks, role: Role) -> None:
    """Warn where what a role gives by itself is never more than one below gives, and less once."""
    book = remarks.rulebook
    for below in _below(book, role.id):
        weaker: list[tuple[str, Case]] = []
        for resolution in book.resolutions:
            own, others = book.grants_for(role.id, resolution), book.grants_for(below, resolution)
            if not own or not others:
                continue
            if _beyond(book, own, others, resolution).answer is not Answer.NO:
                continue
            found = _beyond(book, others, own, resolution)
            if found.answer is Answer.YES and found.case is not None:
                weaker.append((resolution, found.case))
        if weaker:
            _say_weaker(remarks, role, below, weaker)
            return


def _below(book: Rulebook, role: str) -> Iterator[str]:
    """The roles below, the highest first."""
    ladder = book.ladder((role,)).reach
    return (other for other in reversed(ladder) if other != role)


def _beyond(
    book: Rulebook, grants: tuple[Grant, ...], others: tuple[Grant, ...], resolution: str
) -> Found:
    """Whether some of the grants give what none of the others gives."""
    answers = [
        ask(remit.beyond(resolution, others), all_of_them=remit.is_complete())
        for remit in (Remit(rulebook=book, grant=grant) for grant in grants)
    ]
    for wanted in (Answer.YES, Answer.OPEN):
        found = next((it for it in answers if it.answer is wanted), None)
        if found is not None:
            return found
    return answers[0]


def _say_weaker(remarks: Remarks, role: Role, below: str, found: list[tuple[str, Case]]) -> None:
    names = listed([resolution for resolution, _ in found])
    remarks.warn(
        remarks.draft.roles[role.id].place,
        "weaker_role",
        f"Of {names}, `{role.id}` may give no more than `{below}` below it, and less here: "
        f"{remarks.in_words(found[0][1])}.",
        f"Raise what `{role.id}` may give, or lower what `{below}` may.",
        on_key=True,
    )


# ── who can answer ────────────────────────────────────────────────────────────────────


def _check_top(remarks: Remarks, access: Access, top: Role) -> None:
    """Warn where fewer people than are needed hold the top and may answer."""
    book = remarks.rulebook
    rule = book.escalation.get(top.id)
    needed = max(_PEOPLE_MIN, 1 if rule is None else rule.approvals)
    ladder = frozenset(book.ladder((top.id,)).reach)
    for site in _sites(book, access):
        held = {person: _held(access, person, site) for person in access.people}
        answering = {it for it in held if top.id in held[it] and _may_answer(access, it, site)}
        nobody_asks = all(ladder.isdisjoint(roles) for roles in held.values())
        if nobody_asks or len(answering) >= needed:
            continue
        who = f"only {listed(sorted(answering))}" if answering else "nobody"
        where = "" if site == EVERY_SITE else f" at {site}"
        remarks.warn(
            remarks.draft.roles[top.id].place,
            "lone_top",
            f"`{top.id}` is the top of its ladder, and {who} can answer for it{where}: {needed} "
            "people are needed, since nobody answers their own request.",
            f"Add to access.csv: `g, somebody, {top.id}, {site}`, and let `{top.id}` answer.",
            on_key=True,
        )
        return


def _sites(book: Rulebook, access: Access) -> list[str]:
    """Where people serve."""
    if book.sites is not None:
        return list(book.sites)
    return sorted({it.site for it in access.memberships if it.member in access.people})


def _at(granted: str, site: str) -> bool:
    return granted in (EVERY_SITE, site)


def _held(access: Access, member: str, site: str) -> set[str]:
    """The roles that a person holds at a site, directly or through another role."""
    held, waiting = set[str](), [member]
    while waiting:
        name = waiting.pop()
        found = {it.role for it in access.memberships if it.member == name and _at(it.site, site)}
        waiting.extend(found - held)
        held |= found
    return held


def _may_answer(access: Access, member: str, site: str) -> bool:
    if access.model is not None:  # a model of one's own may allow what no line says
        return True
    held = _held(access, member, site) | {member}
    return any(it.role in held and (it.object, it.action) == _ANSWERS for it in access.permissions)
