"""The operator's page: what it names is real, and a backup made its way can be served."""

import re
import sqlite3
from pathlib import Path

import orjson
import pytest

from service.adapters.sql.engine import sqlite_warning
from service.api.problems import STATUSES
from service.bootstrap import check_database
from service.config import Settings, documented
from tests.app.house import open_house
from tests.databases import sqlite_url
from tests.markdown_page import Page, as_code

__all__ = ["sqlite_url"]

ROOT = Path(__file__).parent.parent
PAGE = Page(ROOT / "docs" / "operating.md")

_LINK = re.compile(r"\]\((?:([\w.-]+\.md))?(?:#([\w-]+))?\)")
_HEADING = re.compile(r"(?m)^#+ (.+)$")
_STATUS = re.compile(r"\b(\d{3}) `(\w+)`")
_MODULES = ("service/bootstrap.py", "service/operatorlog.py", "service/services.py")


def test_every_setting_is_documented() -> None:
    """The table is what the settings say of themselves, with their defaults."""
    rows = [
        [as_code(variable), as_code(default) if default else "", says]
        for variable, default, says in documented()
    ]
    PAGE.expect_rows(PAGE.tables["settings"], rows)


def test_no_setting_is_made_up() -> None:
    """Every variable that the page names exists."""
    known = {variable for variable, _, _ in documented()}
    assert set(re.findall(r"\bREMIT_[A-Z_]+", PAGE.text)) <= known


def test_codes_have_the_status_that_the_page_says() -> None:
    """A status beside a problem's code is the one that the service answers."""
    found = _STATUS.findall(PAGE.text)
    assert found
    assert all(STATUSES[code] == int(status) for status, code in found)


@pytest.mark.parametrize(
    "event",
    [
        "not_decided",
        "not_ready",
        "folder_differs",
        "folder_refused",
        "sqlite",
        "log_refused",
        "log_delayed",
        "notice_failed",
        "notice_dead",
    ],
)
def test_events_to_watch_are_logged(event: str) -> None:
    """Whatever line the page asks to watch for is one that the service writes."""
    assert f"| `{event}` |" in PAGE.text
    assert any(f'"{event}"' in (ROOT / module).read_text("utf-8") for module in _MODULES)


def test_links_lead_somewhere() -> None:
    """Every page and every heading that is linked exists."""
    headings = {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in _HEADING.findall(PAGE.text)
    }
    for page, anchor in _LINK.findall(PAGE.text):
        assert not page or (PAGE.path.parent / page).exists(), page
        assert page or anchor in headings, anchor


def test_the_warning_shown_is_the_one_that_is_logged() -> None:
    """The example of the SQLite warning begins as the real one does."""
    (example,) = [fence for fence in PAGE.fences if fence.language == "json"]
    shown = orjson.loads(example.text)["says"].removesuffix("…")
    assert (sqlite_warning((3, 40, 1)) or "").startswith(shown)


def test_a_backup_taken_while_it_serves_can_be_served(tmp_path: Path, sqlite_url: str) -> None:
    """A backup through SQLite is sound and has every decision; with the key it finds its guests."""
    copy = tmp_path / "backup" / "remit.db"
    copy.parent.mkdir()
    with open_house(tmp_path, sqlite_url) as house:
        first = house.propose(amount="60.00")
        with (
            sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as served,
            sqlite3.connect(copy) as backup,
        ):
            served.backup(backup)  # what the shell's .backup calls
        served.close()
        backup.close()
    assert check_database(Settings(database=f"sqlite:///{copy}")) == []
    with open_house(tmp_path, f"sqlite:///{copy}") as restored:
        assert first["id"] in {entry.about for entry in restored.entries()}
        again = restored.propose(amount="40.00")
    (stay,) = [line for line in again["budgets"] if line["budget"] == "stay"]
    assert stay["used"] == "100.00"
