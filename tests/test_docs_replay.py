"""The replay on the managers' page is the real one, where the bookings it is made of are at hand.

The data are not part of the project: ``HOTEL_BOOKINGS`` names the file.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.markdown_page import Page

ROOT = Path(__file__).resolve().parents[1]
PAGE = Page(ROOT / "docs" / "managing-policy.md")
BOOKINGS = os.environ.get("HOTEL_BOOKINGS", "")

_DIGEST = re.compile(r"\b[0-9a-f]{12}\b")


@pytest.mark.skipif(not BOOKINGS, reason="HOTEL_BOOKINGS names no file of bookings")
def test_the_replay_that_is_shown_is_the_real_one(tmp_path: Path) -> None:
    """The commands of the page, over the same bookings, print what it shows; digests aside."""
    fence = next(it for it in PAGE.fences if it.word == "bookings")
    shown = PAGE.after(fence)
    (tmp_path / "policies").symlink_to(ROOT / "policies")
    (tmp_path / "bookings.csv.gz").symlink_to(BOOKINGS)
    (tmp_path / "remit").write_text(f'#!/bin/sh\nexec {sys.executable} -m service "$@"\n')
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for name in ("remit", "python"):
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["sh", "-euc", fence.text],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    written = f"{fence.written}\n\n{shown.written}"
    computed = f"{fence.written}\n\n```text\n{done.stdout}```"
    if _DIGEST.sub("…", written) != _DIGEST.sub("…", computed):
        PAGE.expect(written, computed)
    page = (tmp_path / "replay.html").read_text("utf-8")
    assert page.count("<svg") == 5
    assert not re.search(r"<script|src=|https?://", page)
