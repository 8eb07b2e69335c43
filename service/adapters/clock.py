"""The only reader of the clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock. It may step backwards; whoever needs order keeps its own."""

    def now(self) -> datetime:
        """Aware, UTC, to the microsecond."""
        return datetime.now(UTC)


def ticks() -> float:
    """Seconds that never go back, for durations alone; they begin anywhere."""
    return time.monotonic()
