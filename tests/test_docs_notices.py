"""What the operator's page says of notices is what happens."""

import re
from pathlib import Path

from service.core.notice import NoticeEvent
from service.core.receiver import Patience
from service.policyfile.folder import read_folder
from service.policyfile.load import load_set
from service.policyfile.receiversfile import RECEIVERS_MAX, read_receivers
from tests.markdown_page import Page

ROOT = Path(__file__).parent.parent
PAGE = Page(ROOT / "docs" / "operating.md")
MANAGERS = Page(ROOT / "docs" / "escalation.md")

KEPT = {
    "duty-desk.secret": "whsec_" + "c2VjcmV0" * 4,
    "slack.url": "https://chat.example.com/services/T0/B0/x",
    "teams.url": "https://teams.example.com/workflows/x",
    "smtp.password": "let me in",
}


def section(page: Page) -> str:
    found: str = page.text.partition("\n## Notices\n")[2].partition("\n## ")[0]
    return found


def test_the_example_can_be_used(tmp_path: Path) -> None:
    """It loads, and names sites, roles and facts of the hotel that ships."""
    for name, text in KEPT.items():
        (tmp_path / name).write_text(text)
    (example,) = [fence for fence in PAGE.fences if "receivers:" in fence.text]
    file = tmp_path / "receivers.yaml"
    file.write_text(example.text)
    receivers = read_receivers(file)
    assert [receiver.kind for receiver in receivers] == ["webhook", "slack", "teams", "email"]
    hotel = load_set(read_folder(ROOT / "policies" / "hotel")).rulebook
    for receiver in receivers:
        assert set(receiver.sites or ()) <= set(hotel.sites or ())
        assert set(receiver.roles or ()) <= set(hotel.roles)
        assert set(receiver.facts) <= set(hotel.facts)


def test_the_numbers_are_the_ones_in_use() -> None:
    """How often and how long it is tried, and how many receivers there may be."""
    patience, text = Patience(), section(PAGE)
    assert f"({patience.timeout.seconds} s)" in text
    assert f"after {patience.first.seconds} s" in text
    assert f"{patience.longest.seconds // 60} minutes at most" in text
    assert f"After {patience.attempts} attempts" in text
    assert patience.within.days == 3
    assert "three days after" in text
    assert f"up to {RECEIVERS_MAX} receivers" in text
    assert (patience.lease - patience.timeout).seconds == 5
    assert "five seconds after the time-out" in text


def test_every_failure_is_explained() -> None:
    """Each code that an adapter can give stands in the table."""
    text = section(PAGE)
    for name in ("addresses", "outgoing", "webhooks", "mail"):
        source = (ROOT / "service" / "adapters" / f"{name}.py").read_text(encoding="utf-8")
        codes = re.findall(r'Undelivered\("(\w+)"', source)
        codes += re.findall(r'"(private_address|forbidden_address)"', source)
        codes += re.findall(r'(?:Error|gaierror), "(\w+)"\)', source)
        for code in codes:
            assert f"`{code}`" in text, code


def test_managers_read_of_every_event() -> None:
    """In their own page, by its name."""
    assert set(re.findall(r"`(escalation\.\w+)`", section(MANAGERS))) == set(NoticeEvent)
