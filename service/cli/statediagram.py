"""``python -m service.cli.statediagram FILE`` draws the escalation's states into a page.

What stands between the two markers is written anew from the table of transitions.
"""

import sys
from pathlib import Path
from typing import Final

from service.core.diagram import mermaid
from service.core.escalation import TRANSITIONS, State

BEGIN: Final = "<!-- states: generated, make generate writes them anew -->\n"
END: Final = "<!-- /states -->\n"


def drawn(page: str) -> str:
    """The page with the diagram of today. Raises `ValueError` where a marker is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN.strip()} … {END.strip()}")
    return f"{before}{BEGIN}\n```mermaid\n{mermaid(TRANSITIONS, State.OPEN)}```\n\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(drawn(path.read_text(encoding="utf-8")), encoding="utf-8")
