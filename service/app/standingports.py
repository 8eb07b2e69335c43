"""What monitoring counts in a database."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol


class StandingReader(Protocol):
    """Counts that cost no more as the log grows."""

    def notices(self) -> Mapping[str, int]:
        """How many notices wait, and how many were given up, by state; none is left out."""

    def erasures(self) -> Mapping[str, int]:
        """How many erasures are ``requested``, and how many done ones are still ``unclean``."""

    def first_unpublished(self, published: int) -> datetime | None:
        """When the first entry was recorded that is not among so many published ones."""
