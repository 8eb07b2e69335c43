"""The difference between two policy sets: in authority, and in everything else that they say."""

from dataclasses import dataclass

from service.core.rulebook import Rulebook
from service.policyfile.access import Access
from service.policyfile.diffauthority import compare_authority
from service.policyfile.diffchange import Authority
from service.policyfile.diffitem import Item, compare_access, compare_items
from service.policyfile.difflikeness import Likeness


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A set that is compared."""

    rulebook: Rulebook
    access: Access


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs between two sets.

    ``authority`` is who may give how much more or less by themselves, budgets aside;
    ``items`` are the declarations, rules and lines that differ.
    """

    old: Side
    new: Side
    authority: Authority
    items: tuple[Item, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing at all differs that a decision or a person's access hangs on."""
        return not (self.authority.changes or self.authority.unsure or self.items)


def compare(old: Side, new: Side) -> Difference:
    """Compare two sets.

    Authority is compared in minor units of each set's own currency: where that differs, the
    items say so first.
    """
    alike = Likeness()
    items = (
        *compare_items(old.rulebook, new.rulebook, alike),
        *compare_access(old.access, new.access),
    )
    authority = compare_authority(old.rulebook, new.rulebook, alike)
    return Difference(old=old, new=new, authority=authority, items=items)
