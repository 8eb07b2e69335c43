"""The formats of an export."""

from typing import Final

from service.app.export import Csv, JsonLines, Sheet, Sheets


def _parquet(*, opens: bool) -> Sheet:
    """Arrow takes a while to load, and hardly any process writes Parquet."""
    from service.adapters.parquet import Parquet  # noqa: PLC0415

    return Parquet(opens=opens)


SHEETS: Final[Sheets] = {"jsonl": JsonLines, "csv": Csv, "parquet": _parquet}
