"""The only reader of the clock."""

from datetime import UTC, datetime


class SystemClock:
    """The machine's clock. It may step backwards; whoever needs order keeps its own."""

    def now(self) -> datetime:
        """Aware, UTC, to the microsecond."""
        return datetime.now(UTC)
