"""Durations: a whole number and a unit, such as ``90d``."""

import re
from datetime import timedelta

DURATION_PATTERN = r"^[1-9][0-9]{0,6}[smhdw]$"
"""What is read: an integer ≥ 1 and s (seconds), m (minutes), h, d (of 24 hours) or w."""

DURATION_MAX = timedelta(days=3660)

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(DURATION_PATTERN)


def parse_duration(text: str) -> timedelta:
    """``"90d"`` as a timedelta. Raises `ValueError` for any other text, and beyond ten years."""
    if not _DURATION.fullmatch(text):
        raise ValueError(text)
    lasts = timedelta(seconds=int(text[:-1]) * _SECONDS[text[-1]])
    if lasts > DURATION_MAX:
        raise ValueError(text)
    return lasts
