"""Personal values stand in clear in no file of the database and in no line of the log."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.app.house import House

PERSONAL = {
    "guest": "G-Wolfeschlegel",
    "phone": "+43-660-5551234",
    "note": "she wept over the broken lamp",
    "reference": "case/Wolfeschlegel/991",
    "answer": "only because it was her birthday",
}


def everything(house: House) -> None:
    """All that may carry a personal value: approved, replayed, escalated, answered, asked."""
    facts = {
        "guest": {"id": PERSONAL["guest"], "phone": PERSONAL["phone"]},
        "stay": {"id": "S-1"},
    }
    told: dict[str, Any] = {
        "facts": facts,
        "note": PERSONAL["note"],
        "evidence": [{"kind": "photo", "reference": PERSONAL["reference"]}],
    }
    first = house.decide(house.command(key="k-1", amount="50.00", **told))
    again = house.decide(house.command(key="k-1", amount="50.00", **told))
    assert PERSONAL["guest"].encode() in first.body
    assert PERSONAL["guest"].encode() not in again.body, "the stored answer has surrogates"
    opened = house.propose(amount="300.00", **told)["escalation"]
    house.answer("max", opened["id"], "approve", PERSONAL["answer"])
    asked = {"site": "main", "resolution": "credit", "amount": "1.00", "facts": facts}
    house.services.asking.check(house.principal("ana"), asked)


def test_no_file_of_the_database_holds_a_personal_value(embedded: House) -> None:
    """Neither the database nor its write-ahead log, whatever was proposed and answered."""
    everything(embedded)
    files = [path for path in embedded.folder.iterdir() if path.is_file()]
    assert any(path.name.endswith("-wal") for path in files)
    for path in files:
        data = path.read_bytes()
        found = [name for name, value in PERSONAL.items() if value.encode() in data]
        assert found == [], path


def test_what_is_not_personal_is_there(embedded: House) -> None:
    """The search would find a value: the stay's id stands in clear."""
    everything(embedded)
    data = b"".join(p.read_bytes() for p in embedded.folder.iterdir() if p.is_file())
    assert b"S-1" in data


LOGGING = """
import sys
from service import logs
import structlog, logging
logs.configure("debug")
log = structlog.get_logger("remit.test")
try:
    try:
        raise KeyError({secret!r})
    except KeyError as error:
        raise ValueError({secret!r}) from error
except ValueError:
    log.error("failed", exc_info=True)
    logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
log.info("told", request_id="req_1")
"""


def test_a_failure_is_logged_without_its_text() -> None:
    """Type and places are enough to mend it; what somebody sent is not repeated."""
    done = subprocess.run(
        [sys.executable, "-c", LOGGING.format(secret=PERSONAL["guest"])],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert PERSONAL["guest"] not in done.stderr
    assert '"failure":"ValueError"' in done.stderr
    assert '"cause":"KeyError"' in done.stderr
    assert '"request_id":"req_1"' in done.stderr
    assert done.stdout == ""
