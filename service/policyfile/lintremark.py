"""What lints say: remarks at places, cases in words, and questions that stayed open."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from service.core.factvalue import json_of
from service.core.money import format_minor
from service.core.rulebook import Grant, Prohibition, Rulebook
from service.policyfile.draft import Draft
from service.policyfile.lintvalues import Case
from service.policyfile.place import Place
from service.policyfile.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """A lint that could neither be shown nor ruled out. ``place`` is ``file:line:column``."""

    code: str
    place: str
    message: str

    def as_json(self) -> dict[str, str]:
        """All fields, by their names."""
        return {"code": self.code, "place": self.place, "message": self.message}


@dataclass(kw_only=True)
class Remarks:
    """Collects what is said about one set."""

    rulebook: Rulebook
    draft: Draft
    warnings: list[Problem] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)

    def warn(
        self, place: Place, code: str, message: str, remedy: str, *, on_key: bool = False
    ) -> None:
        """A warning at a place."""
        self.warnings.append(
            place.problem(code, message, remedy, on_key=on_key, severity="warning")
        )

    def leave_open(self, place: Place, code: str, message: str) -> None:
        """Say what could not be found out about a place."""
        self.undecided.append(Undecided(code=code, place=place.where(), message=message))

    @cached_property
    def rules(self) -> Mapping[str, Place]:
        """Where each grant, budget and prohibition stands, by its id."""
        return {
            entry.value.id: entry.place
            for entries in (self.draft.grants, self.draft.budgets, self.draft.prohibitions)
            for entry in entries
        }

    def in_words(self, case: Case) -> str:
        """A case: the resolution, its size, and what is told."""
        return ", ".join([self._size(case), *self._told(case)])

    def _size(self, case: Case) -> str:
        book, name = self.rulebook, str(case["request.resolution"])
        quantity, amount = case.get("request.quantity"), case.get("request.amount")
        shown = format_minor(amount if isinstance(amount, int) else 0, book.decimals)
        counted = "" if quantity is None else f"{quantity} × "
        return f"{counted}{name} of {shown} {book.currency}"

    def _told(self, case: Case) -> Iterator[str]:
        book = self.rulebook
        if case.get("agent.kind") == "ai":
            yield "proposed by an AI agent"
        if self._sites_matter and book.sites is not None:
            yield f"at {case['site.id']}"
        for name in sorted(case):
            value = case[name]
            if name in book.facts:
                shown = json_of(book.facts[name], value, book.decimals)
                yield f"{name} {_shown(shown)}"
            elif name in ("request.reason", "request.channel", "agent.id", "now"):
                yield f"{name} {value}"

    @cached_property
    def _sites_matter(self) -> bool:
        book = self.rulebook
        rules: list[Grant | Prohibition] = [*book.grants, *book.prohibitions]
        return any(rule.sites is not None for rule in rules)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return str(value)


def listed(names: Iterator[str] | list[str], last: str = "and") -> str:
    """Names as code, in a sentence: `a`, `b` and `c`."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) <= 1:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"
