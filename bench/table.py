"""Plain tables for the benchmarks."""

from typing import Final

_FLOAT: Final = "{:,.1f}"


class Table:
    """Rows under a head, printed with aligned columns as Markdown."""

    def __init__(self, *head: str) -> None:
        self._rows = [list(head)]

    def row(self, *cells: object) -> None:
        """Add a row; floats get one decimal."""
        self._rows.append(
            [_FLOAT.format(cell) if isinstance(cell, float) else str(cell) for cell in cells]
        )

    def print(self) -> None:
        """Write the table to standard output."""
        widths = [
            max(len(row[column]) for row in self._rows) for column in range(len(self._rows[0]))
        ]
        for number, row in enumerate(self._rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print("| " + " | ".join(cells) + " |")
            if number == 0:
                print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
