"""Cases: each approval is one, ends once, and gives back no more than it had."""

from collections.abc import Callable
from typing import Final, TypeAlias

from service.audit.deed import Deed, Part
from service.audit.finding import Code, Finding, Findings

Waiting: TypeAlias = tuple[Deed, int, str]
"""What was done, and the index and the id of its entry."""

Recall: TypeAlias = Callable[[int], tuple[Part, ...]]
"""What the entry at an index left settled on rows: asked only where something is reversed."""

_OPEN: Final = -1
_GONE: Final = -2


class Cases:
    """The resolutions by their ids.

    A case is what it holds while it is held, else the index of the entry that settled it,
    `_OPEN` while nobody above has answered, or `_GONE`.
    """

    def __init__(self, findings: Findings, recall: Recall) -> None:
        """Nothing was approved yet."""
        self._findings = findings
        self._recall = recall
        self._cases: dict[str, int | tuple[Part, ...]] = {}
        self._early: dict[str, list[Waiting]] = {}
        self._approved = 0

    @property
    def approved(self) -> int:
        """How many approvals there were."""
        return self._approved

    def add(self, about: str, deed: Deed, index: int, entry: str) -> None:
        """Take what an entry did to its case. What comes before what it needs, waits for it."""
        if deed[0] == "answer":
            return
        if not self._moves(about, (deed, index, entry)):
            self._early.setdefault(about, []).append((deed, index, entry))
        elif about in self._early:
            self._catch_up(about)

    def finish(self) -> None:
        """No further entry will come: what still waits has no approval to stand on."""
        for about, early in self._early.items():
            for deed, index, entry in early:
                if deed[0] == "approve":
                    what = f"{about} was approved by an answer, and nobody had proposed it"
                    code = Code.CHARGE_WITHOUT_APPROVAL
                else:
                    what = f"{about} cannot be ended by {deed[0]}: it is not {_needs(deed)}"
                    code = Code.END_WITHOUT_APPROVAL
                self._findings.add(Finding(code, what, index, entry))

    def _moves(self, about: str, waiting: Waiting) -> bool:
        """Take a deed, unless the case is not where the deed begins."""
        (what, is_first, _), _, _ = waiting
        case = self._cases.get(about)
        if what == "open":
            self._cases.setdefault(about, _OPEN)
        elif what == "approve":
            if case is None and not is_first:
                return False
            self._approve(about, case, waiting)
        elif self._can_end(case, waiting[0]):
            self._end(about, case, waiting)
        else:
            return False
        return True

    def _approve(self, about: str, case: int | tuple[Part, ...] | None, waiting: Waiting) -> None:
        (_, is_first, parts), index, entry = waiting
        if case is not None and (case != _OPEN or is_first):
            what = f"{about} was decided before: a charge belongs to one approval"
            self._findings.add(Finding(Code.APPROVED_TWICE, what, index, entry))
            return
        self._approved += 1
        self._cases[about] = parts or index

    def _can_end(self, case: int | tuple[Part, ...] | None, deed: Deed) -> bool:
        what, _, parts = deed
        is_settled = isinstance(case, int) and case >= 0
        if what == "reverse":
            return is_settled
        # What was held on no row at all is not told from what was settled on none.
        return isinstance(case, tuple) or (is_settled and not parts)

    def _end(self, about: str, case: int | tuple[Part, ...] | None, waiting: Waiting) -> None:
        (what, _, parts), index, entry = waiting
        if isinstance(case, tuple):
            charged = {row: held for row, held, _, _ in case}
        else:
            had = self._recall(case) if case is not None and parts else ()
            charged = {row: settled for row, _, settled, _ in had if settled > 0}
        ends_all = sorted(charged) == sorted(part[0] for part in parts)
        if not ends_all or not all(_is_sound(what, part, charged[part[0]]) for part in parts):
            says = f"{what} of {about} moves what it does not have: it had {charged}"
            self._findings.add(Finding(Code.END_MISMATCH, says, index, entry))
        self._cases[about] = index if what == "settle" else _GONE

    def _catch_up(self, about: str) -> None:
        """Take what waited, as far as it can be taken by now."""
        waiting = self._early.pop(about)
        left = [each for each in waiting if not self._moves(about, each)]
        if left:
            self._early[about] = left
            if len(left) < len(waiting):
                self._catch_up(about)


def _is_sound(what: str, part: Part, had: int) -> bool:
    """Whether an end moves all that was there, and no more.

    All of a hold is over, and some of it may be spent. What was spent returns; in a rolling
    window it may have aged out already.
    """
    _, held, settled, rolls = part
    if what == "reverse":
        return held == 0 and (settled == -had or (rolls and settled == 0))
    if held != -had:
        return False
    return settled == 0 if what == "release" else 0 < settled <= had


def _needs(deed: Deed) -> str:
    return "settled" if deed[0] == "reverse" else "held"
