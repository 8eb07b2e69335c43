"""What trials need of a transaction and of a reader."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from service.app.trialrecords import TrialBudget, TrialCounts, TrialFigures, TrialRecord
from service.core.budget import Balance


class TrialTransaction(Protocol):
    """Trials in a write transaction. Who holds the head (`Transaction.lock_head`) holds them."""

    def running(self) -> str | None:
        """The id of the one that runs, as committed by now."""

    def find(self, id: str) -> TrialRecord | None:  # noqa: A002
        """One trial."""

    def counts(self, id: str) -> TrialCounts:  # noqa: A002
        """What a pilot has decided so far; nothing for one that has not begun."""

    def compared(self, figures: TrialFigures, budgets: Sequence[TrialBudget]) -> bool:
        """Replace figures and put balances, if nobody else did since; whether they were.

        ``figures.version`` is one more than that of the figures they were computed from.
        The balances of figures that are done are deleted.
        """


class TrialReader(Protocol):
    """Trials as committed."""

    def running(self) -> str | None:
        """The id of the one that runs."""

    def find(self, id: str) -> TrialRecord | None:  # noqa: A002
        """One trial."""

    def latest(self, after: str | None, limit: int) -> Sequence[TrialRecord]:
        """Newest first; the cursor is the id of the last one seen."""

    def counts(self, id: str) -> TrialCounts:  # noqa: A002
        """What a pilot has decided so far; nothing for one that has not begun."""

    def find_figures(self, id: str) -> TrialFigures | None:  # noqa: A002
        """How its candidate compares; ``None`` for one that has not begun."""

    def uncompared(self) -> Sequence[str]:
        """The ids of those whose entries are not all compared, oldest first."""

    def budgets(self, id: str, rows: Collection[str]) -> Mapping[str, Balance]:  # noqa: A002
        """By the names of their rows: the balances that only its candidate keeps."""
