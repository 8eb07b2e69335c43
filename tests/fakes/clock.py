"""A clock that stands still until it is told to move."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    def __init__(self, at: datetime = datetime(2026, 3, 1, 21, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        """``by`` may be negative: clocks step back."""
        self.at += by
