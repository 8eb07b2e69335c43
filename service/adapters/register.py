"""The register of erasures: a file of its own, which no restored backup takes back.

One JSON object a line. It names nobody: an erasure is there by the surrogate that the
person had in the database.
"""

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from service.app.erasurerecords import ErasureRecord
from service.core.factvalue import parse_timestamp, rfc3339

_INSTANTS: Final = ("requested_at", "confirmed_at", "kept_until")
_FIELDS: Final = ("id", "subject", "waived", "requested_by", "confirmed_by", *_INSTANTS)


class RegisterFile:
    """See `service.app.erasureports.ErasureRegister`. Without a path it keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        """Nothing is read or written yet."""
        self._path = path

    def keep(self, erasures: Sequence[ErasureRecord]) -> None:
        """Add them, on the disk when this returns. Raises `OSError`."""
        if self._path is None:
            return
        with self._path.open("ab") as file:
            file.writelines(_line(one) for one in erasures)
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> Sequence[ErasureRecord]:
        """All of them, each once. Raises `ValueError` for a line that is none."""
        if self._path is None or not self._path.exists():
            return ()
        found: dict[str, ErasureRecord] = {}
        text = self._path.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                one = _record(json.loads(line))
            except (KeyError, TypeError, ValueError):
                raise ValueError(f"{self._path}:{number}: this is no erasure") from None
            found[one.id] = one
        return tuple(found.values())


def _line(one: ErasureRecord) -> bytes:
    told = {name: _shown(getattr(one, name)) for name in _FIELDS}
    return json.dumps(told).encode() + b"\n"


def _shown(value: Any) -> Any:  # noqa: ANN401 — JSON
    return rfc3339(value) if isinstance(value, datetime) else value


def _record(told: dict[str, Any]) -> ErasureRecord:
    instants = {name: _instant(told[name]) for name in _INSTANTS}
    requested_at = instants.pop("requested_at")
    if requested_at is None or not isinstance(told["id"], str):
        raise ValueError
    return ErasureRecord(
        id=told["id"],
        subject=told["subject"],
        state="done",
        waived=told["waived"],
        requested_by=told["requested_by"],
        confirmed_by=told["confirmed_by"],
        requested_at=requested_at,
        **instants,
    )


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = parse_timestamp(text)
    if found is None:
        raise ValueError(text)
    return found
