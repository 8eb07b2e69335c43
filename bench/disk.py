"""What a flush to this disk costs: it stands beside every figure that has one in it."""

import os
import statistics
import tempfile
import time
from typing import Final

FLUSHES: Final = 200
BYTES: Final = 4_096


def fsync_microseconds() -> float:
    """The median of so many small writes, each flushed."""
    with tempfile.NamedTemporaryFile() as file:
        times = []
        for _ in range(FLUSHES):
            file.write(b"x" * BYTES)
            file.flush()
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e6


def tell() -> None:
    """Print it as a line under a table."""
    print(f"\nfdatasync of this disk: {fsync_microseconds():,.0f} µs", flush=True)
