"""Where the rows of real cases lie: beside the checkout, never inside it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

Row: TypeAlias = dict[str, Any]
"""One case as it was written down: facts, a proposal, what is expected and why."""

ROOT = Path(__file__).resolve().parents[2]
POLICIES = ROOT / "policies"
_CASES = ROOT.parent / "shared" / "cases"


def read_rows(name: str) -> list[Row]:
    """Every row of a file of cases. Skips the asking module where the file is absent."""
    path = _CASES / name
    if not path.is_file():
        pytest.skip(f"shared/cases/{name} is not beside this checkout", allow_module_level=True)
    return list(_rows(path))


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
