"""Roles: ladders without a circle, and the rank in which they are walked."""

from service.core.rulebook import Role
from service.policyfile.draft import Draft
from service.policyfile.problem import Problem
from service.policyfile.suggestion import suggest


def compile_roles(draft: Draft, found: list[Problem]) -> dict[str, Role]:
    """Every role with its rank, in the order of the files; empty where a ladder is a circle."""
    above = _reports(draft, found)
    problems = _circles(draft, above)
    found.extend(problems)
    if problems:
        return {}
    ranks = rank(above)
    return {
        role: Role(id=role, reports_to=superior, rank=ranks[role])
        for role, superior in above.items()
    }


def rank(above: dict[str, str | None]) -> dict[str, int]:
    """0, 1, 2 … by the length of the longest chain below, then by the order given.

    ``above`` is whom each role reports to, and holds no circle.
    """
    below = dict.fromkeys(above, 0)
    for superior in above.values():
        if superior is not None:
            below[superior] += 1
    height = dict.fromkeys(above, 0)
    ready = [role for role, count in below.items() if count == 0]
    for role in ready:  # grows while it is walked: a role is ready when all below it are
        superior = above[role]
        if superior is None:
            continue
        height[superior] = max(height[superior], height[role] + 1)
        below[superior] -= 1
        if below[superior] == 0:
            ready.append(superior)
    by_height = sorted(above, key=height.__getitem__)  # stable: the order given decides ties
    return {role: place for place, role in enumerate(by_height)}


def _reports(draft: Draft, found: list[Problem]) -> dict[str, str | None]:
    """Whom each role reports to; None at the top, and where nobody known is named."""
    above: dict[str, str | None] = {}
    for role, entry in draft.roles.items():
        superior = entry.value.reports_to
        above[role] = superior if superior in draft.roles else None
        if superior is not None and superior not in draft.declared["roles"]:
            found.append(
                entry.place.child("reports_to").problem(
                    "unknown_role",
                    f"No role `{superior}` is declared.",
                    suggest(superior, draft.declared["roles"]),
                )
            )
    return above


def _circles(draft: Draft, above: dict[str, str | None]) -> list[Problem]:
    """One problem for each circle, at the role of it that stands first."""
    problems = []
    done: set[str] = set()
    for role in above:
        walked: dict[str, None] = {}
        rung: str | None = role
        while rung is not None and rung not in done and rung not in walked:
            walked[rung] = None
            rung = above[rung]
        if rung is not None and rung in walked:
            chain = list(walked)
            problems.append(_circle(draft, chain[chain.index(rung) :]))
        done.update(walked)
    return problems


def _circle(draft: Draft, chain: list[str]) -> Problem:
    order = {role: index for index, role in enumerate(draft.roles)}
    first = min(chain, key=order.__getitem__)
    start = chain.index(first)
    names = [*chain[start:], *chain[:start], first]
    return (
        draft.roles[first]
        .place.child("reports_to")
        .problem(
            "role_circle",
            f"The ladder is a circle: {' → '.join(f'`{name}`' for name in names)}.",
            "Delete `reports_to` from the role at the top.",
        )
    )
