"""Resolutions: what may be given, and what a unit of it is worth."""

from service.core.rulebook import Hold, Resolution
from service.policyfile.document import HoldDocument, ResolutionDocument
from service.policyfile.draft import Draft
from service.policyfile.formula import Formulas
from service.policyfile.place import Entry
from service.policyfile.problem import Problem


def compile_resolutions(
    draft: Draft, formulas: Formulas, found: list[Problem]
) -> dict[str, Resolution]:
    """Every resolution that has its shape, in the order of the files."""
    return {
        name: _resolution(name, entry, formulas, found) for name, entry in draft.resolutions.items()
    }


def _resolution(
    name: str, entry: Entry[ResolutionDocument], formulas: Formulas, found: list[Problem]
) -> Resolution:
    document, place = entry.value, entry.place
    if document.unit is None and document.worth is not None:
        found.append(
            place.child("worth").problem(
                "worth_without_unit",
                "Only what is counted in a unit has a worth.",
                "Add `unit: night` (or another), or delete `worth`.",
                on_key=True,
            )
        )
    if document.unit is not None and document.worth is None:
        found.append(
            place.child("unit").problem(
                "unit_without_worth",
                "Nobody can tell what a unit is worth.",
                "Add `worth:`, such as `worth: 25` or `worth: stay.nightly_rate`.",
                on_key=True,
            )
        )
    return Resolution(
        id=name,
        unit=document.unit,
        worth=formulas.limit(place.child("worth"), document.worth),
        entitlement=document.entitlement,
        hold=_hold(document.hold),
    )


def _hold(document: HoldDocument | None) -> Hold | None:
    return None if document is None else Hold(lasts=document.lasts, then=document.then)
