"""What is stored of erasures. No record of one says who was erased."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

ErasureState = Literal["requested", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRecord:
    """One erasure: asked for by one person, done when a second one confirms it.

    ``subject`` is the surrogate that the person had. ``waived`` says that caps may begin
    anew at once. ``kept_until`` is when the last trace of who it was goes; ``cleaned_at``
    is when the database's own remains were swept.
    """

    id: str
    subject: str
    state: ErasureState
    waived: bool
    requested_by: str
    requested_at: datetime
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    kept_until: datetime | None = None
    cleaned_at: datetime | None = None
