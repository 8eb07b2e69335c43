"""What one role may give otherwise: the change, where it holds, and a request that shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from service.core.expression import FactValue
from service.policyfile.diffcube import Cube, told
from service.policyfile.diffgift import Gift
from service.policyfile.diffspace import Space

Direction = Literal["more", "less", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """Facts at which the sides differ, and the size that only one of them lets pass.

    ``size`` is minor units, or a quantity where the change is ``by_unit``. ``passes`` says
    on which side. ``facts`` has built-ins such as ``site.id`` too.
    """

    facts: Mapping[str, FactValue]
    size: int
    passes: Literal["before", "after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one role may give otherwise in some cells of the space.

    ``brought`` are the sets of evidence with which it is so, fewest first, among ``asked``:
    those that make a difference to somebody. ``is_exact`` says that every request in the
    cells is decided otherwise at the sizes that differ; it is not where a part of a
    condition was not taken apart, or a computed limit was tried at samples only. ``is_own``
    says that a rule of the role itself made it, and not one of a role below. ``rules`` are
    those that only one side has.
    """

    role: str
    resolution: str
    by_unit: bool
    asked: tuple[frozenset[str], ...]
    brought: tuple[frozenset[str], ...]
    before: Gift
    after: Gift
    direction: Direction
    space: Space
    where: tuple[Cube, ...]
    witness: Witness
    rules: tuple[str, ...]
    is_own: bool
    is_exact: bool

    def conditions(self) -> tuple[tuple[str, ...], ...]:
        """Each way in which a request may be concerned: all of its parts hold."""
        return tuple(told(self.space, cube) for cube in self.where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """Where it could not be said whether the sides differ, and why."""

    role: str
    resolution: str
    why: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Authority:
    """All changes, by role in the order of the ladder, then by resolution."""

    changes: tuple[Change, ...] = ()
    unsure: tuple[Unsure, ...] = ()
