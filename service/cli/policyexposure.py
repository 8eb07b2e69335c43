"""``remit policy exposure``: the most money that can leave, and what ends it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.policysource import Named, load_named
from service.cli.render import Format, Shape, read_set, say, say_json

if TYPE_CHECKING:
    from service.core.rulebook import Rulebook
    from service.policyfile.exposure import Exposure


def exposure(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the policy set.")],
    form: Shape = Format.TEXT,
) -> None:
    """Say how much money can leave at worst: per guest, per agent and day, per site and month.

    Whoever asks for whatever, no more can leave than is said here, by the people of a role
    and of those below it together. Where nothing ends it, the budget that would is named.

    Example: remit policy exposure policies/hotel
    """
    from service.policyfile.exposure import exposures

    rulebook = load_named(Named(name=str(folder), files=read_set(folder))).rulebook
    found = list(exposures(rulebook))
    if form is Format.JSON:
        say_json({"name": rulebook.name, "exposures": [_json(rulebook, it) for it in found]})
        return
    _tell(rulebook, found)


def _tell(rulebook: "Rulebook", found: list["Exposure"]) -> None:
    titles = dict.fromkeys((it.scope.name, it.owed) for it in found)
    for name, owed in titles:
        say(typer.style(f"{name}{', what is owed' if owed else ''}", bold=True))
        for one in found:
            if (one.scope.name, one.owed) == (name, owed):
                _tell_one(rulebook, one)


def _tell_one(rulebook: "Rulebook", one: "Exposure") -> None:
    at = f" at {one.scope.site}" if one.scope.site is not None else ""
    if one.amount_minor is None:
        say(typer.style(f"  {one.role}{at}: unbounded", fg=typer.colors.YELLOW))
        for loose in one.loose:
            named = f"{', '.join(loose.grants)} ({loose.role})"
            say(f"      by {named}: {', '.join(loose.resolutions)}")
        say(f"      to bound it: {one.would_bound}")
        return
    say(f"  {one.role}{at}: {_money(rulebook, one.amount_minor)}")
    ends = f", ended by {', '.join(one.budgets)}" if one.budgets else ""
    say(f"      by {', '.join(one.grants)}{ends}")


def _money(rulebook: "Rulebook", minor: int) -> str:
    from service.core.money import format_minor

    return f"{format_minor(minor, rulebook.decimals)} {rulebook.currency}"


def _json(rulebook: "Rulebook", one: "Exposure") -> dict[str, Any]:
    from service.core.answer import money_json

    return {
        "scope": one.scope.name,
        "fixed": sorted(one.scope.fixed),
        "horizon": one.scope.horizon,
        "site": one.scope.site,
        "role": one.role,
        "owed": one.owed,
        "unbounded": one.amount_minor is None,
        "most": money_json(rulebook, one.amount_minor),
        "grants": list(one.grants),
        "budgets": list(one.budgets),
        "loose": [
            {"role": it.role, "grants": list(it.grants), "resolutions": list(it.resolutions)}
            for it in one.loose
        ],
        "would_bound": one.would_bound,
        "exact": one.is_exact,
    }
