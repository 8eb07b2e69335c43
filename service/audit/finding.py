"""Findings: what is broken, and where; told in full up to a bound, and counted beyond."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

KEPT_PER_CODE: Final = 20
"""How many findings of one code are kept; the others are counted."""


class Code(StrEnum):
    """What can be wrong. Stable: reports and scripts rely on these words."""

    NOTE_MALFORMED = "note_malformed"
    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_WRONG = "signature_wrong"
    OTHER_ORIGIN = "other_origin"
    ROOT_MISMATCH = "root_mismatch"
    FORK = "fork"
    SHRUNK = "shrunk"
    BUNDLE_MISSING = "bundle_missing"
    BUNDLE_MALFORMED = "bundle_malformed"
    TILE_MISSING = "tile_missing"
    TILE_MISMATCH = "tile_mismatch"
    ENTRY_MALFORMED = "entry_malformed"
    ENTRY_NOT_CANONICAL = "entry_not_canonical"
    ENTRY_TWICE = "entry_twice"
    BUDGET_ARITHMETIC = "budget_arithmetic"
    BUDGET_OVERSPENT = "budget_overspent"
    BUDGET_GAP = "budget_gap"
    BUDGET_VERSION_TWICE = "budget_version_twice"
    BUDGET_MISMATCH = "budget_mismatch"
    BUDGET_ROW_CHANGED = "budget_row_changed"
    BUDGET_WINDOW = "budget_window"
    CHARGE_WITHOUT_APPROVAL = "charge_without_approval"
    CHARGE_MISMATCH = "charge_mismatch"
    APPROVED_TWICE = "approved_twice"
    END_WITHOUT_APPROVAL = "end_without_approval"
    END_MISMATCH = "end_mismatch"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold. ``place`` is a path of the log or a checkpoint's size."""

    code: Code
    message: str
    index: int | None = None
    entry: str | None = None
    row: str | None = None
    place: str | None = None

    def where(self) -> str:
        """Everything that is known of the place, for people."""
        named = (
            ("", self.place),
            ("index ", self.index),
            ("", self.entry),
            ("row ", self.row),
        )
        return ", ".join(f"{name}{value}" for name, value in named if value is not None)

    def listed(self) -> dict[str, Any]:
        """The finding as JSON."""
        return {**asdict(self), "code": self.code.value}


class Findings:
    """What was found so far: the first of each code, and how many there were."""

    def __init__(self, kept_per_code: int = KEPT_PER_CODE) -> None:
        """Nothing was found yet."""
        self._kept_per_code = kept_per_code
        self._kept: list[Finding] = []
        self._counts: Counter[Code] = Counter()

    def add(self, finding: Finding) -> None:
        """Keep a finding, or count it where enough of its code are kept."""
        self._counts[finding.code] += 1
        if self._counts[finding.code] <= self._kept_per_code:
            self._kept.append(finding)

    def extend(self, findings: Iterable[Finding]) -> None:
        """Several at once."""
        for finding in findings:
            self.add(finding)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._kept)

    @property
    def counts(self) -> Mapping[Code, int]:
        """How many there were of each code."""
        return self._counts

    @property
    def total(self) -> int:
        """How many there were."""
        return self._counts.total()
