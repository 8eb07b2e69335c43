"""The operator's page: what it names is real, and a backup made its way can be served."""

import re
import sqlite3
from pathlib import Path

import orjson
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from service.adapters.sql.engine import sqlite_warning
from service.api.problems import STATUSES
from service.app.metrics import ELSEWHERE, Exchanged
from service.bootstrap import check_database
from service.config import TOKEN_VARIABLE, Settings, documented
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
    known = {TOKEN_VARIABLE, *(variable for variable, _, _ in documented())}
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
        "not_measured",
        "folder_differs",
        "folder_refused",
        "sqlite",
        "log_refused",
        "log_delayed",
        "attempts_lost",
        "checkpoint_failed",
        "notice_failed",
        "notice_dead",
        "signing_keys_unread",
    ],
)
def test_events_to_watch_are_logged(event: str) -> None:
    """Whatever line the page asks to watch for is one that the service writes."""
    assert f"| `{event}` |" in PAGE.text
    assert any(f'"{event}"' in (ROOT / module).read_text("utf-8") for module in _MODULES)


def test_every_metric_is_documented(tmp_path: Path, sqlite_url: str) -> None:
    """The table has each metric that is served, with its labels, and no other one."""
    with open_house(tmp_path, sqlite_url) as house:
        house.propose(amount="400.00")
        services = house.services
        services.metrics.exchanged(Exchanged(ELSEWHERE, "GET", 404, 0.1))
        text = services.metrics.exposition(services.condition()).decode()
    served: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("remit_"):
                name = re.sub(r"_(bucket|sum|count)$", "", sample.name)
                served.setdefault(name, set()).update(set(sample.labels) - {"le"})
    rows = [
        (row[0].strip("`"), set(re.findall(r"\w+", row[1]))) for row in PAGE.tables["metrics"].rows
    ]
    assert rows == [(name, served.get(name)) for name, _ in rows]
    assert {name for name, _ in rows} == set(served)


def test_alerts_and_scrapes_name_what_there_is() -> None:
    """Every metric in the page's YAML exists, and the YAML can be read."""
    known = {row[0].strip("`") for row in PAGE.tables["metrics"].rows}
    written = [fence.text for fence in PAGE.fences if fence.language == "yaml"]
    alerts = [text for text in written if "alert:" in text]
    assert len(alerts) == 1
    assert len(yaml.safe_load(alerts[0])["groups"][0]["rules"]) == 3
    assert set(re.findall(r"remit_[a-z_]+", alerts[0])) <= known
    (scrape,) = [yaml.safe_load(text) for text in written if "scrape_configs" in text]
    assert len(scrape["scrape_configs"][0]["static_configs"][0]["targets"]) == 3


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
    examples = [fence.text for fence in PAGE.fences if fence.language == "json"]
    (example,) = [text for text in examples if '"event": "sqlite"' in text]
    shown = orjson.loads(example)["says"].removesuffix("…")
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
