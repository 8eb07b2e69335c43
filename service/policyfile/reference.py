"""References: every name that a rule mentions is declared somewhere in the set."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.policyfile.draft import Draft
from service.policyfile.place import Place
from service.policyfile.problem import Problem
from service.policyfile.suggestion import suggest


@dataclass(frozen=True, slots=True)
class References:
    """Looks names up in what the files declare, and tells of those that nobody declares."""

    draft: Draft
    found: list[Problem]

    def role(self, place: Place, name: str) -> None:
        """``name`` is a role."""
        self._check(place, name, "role", self.draft.declared["roles"])

    def roles(self, place: Place, names: Iterable[str] | None) -> frozenset[str] | None:
        """Every one is a role; None stays None."""
        return self._all(place, names, "role", self.draft.declared["roles"])

    def resolutions(self, place: Place, names: Iterable[str] | None) -> frozenset[str] | None:
        """Every one is a resolution; None stays None."""
        return self._all(place, names, "resolution", self.draft.declared["resolutions"])

    def sites(self, place: Place, names: Iterable[str] | None) -> frozenset[str] | None:
        """Every one is a site, where the set declares its sites; None stays None."""
        sites = self.draft.declared["sites"]
        if names is None or not sites:
            return None if names is None else frozenset(names)
        return self._all(place, names, "site", sites)

    def _all(
        self, place: Place, names: Iterable[str] | None, noun: str, known: Iterable[str]
    ) -> frozenset[str] | None:
        if names is None:
            return None
        for index, name in enumerate(names):
            self._check(place.child(index), name, noun, known)
        return frozenset(names)

    def _check(self, place: Place, name: str, noun: str, known: Iterable[str]) -> None:
        if name not in known:
            self.found.append(
                place.problem(
                    f"unknown_{noun}", f"No {noun} `{name}` is declared.", suggest(name, known)
                )
            )
