"""The page of commands is what ``--help`` prints."""

from pathlib import Path

from service.cli.helppages import page

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"


def test_the_page_of_commands_is_up_to_date() -> None:
    """Every command and option is on it, as it is now."""
    assert PAGE.read_text(encoding="utf-8") == page(), "Run: make generate"


def test_no_machine_leaves_its_mark_on_the_page() -> None:
    """The same page in every terminal, folder and environment."""
    assert page() == page()
    assert str(Path.cwd()) not in page()
