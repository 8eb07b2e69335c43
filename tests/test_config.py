"""Settings: an argument before the environment, the environment before the default."""

from pathlib import Path

import pytest

from service.config import SettingError, Settings, documented


def test_nothing_given_is_the_default() -> None:
    """The defaults run the hotel on this machine."""
    assert Settings.read({}) == Settings()
    assert Settings().policies == Path("policies/hotel")


def test_an_argument_wins_over_the_environment() -> None:
    """And an argument that was not given does not."""
    environ = {"REMIT_PORT": "9000", "REMIT_HOST": "::1", "REMIT_DEMO": "true", "HOME": "/x"}
    settings = Settings.read(environ, port=9001, host=None)
    assert (settings.port, settings.host, settings.demo) == (9001, "::1", True)


@pytest.mark.parametrize(
    "environ",
    [
        {"REMIT_PROT": "1"},
        {"REMIT_PORT": "x"},
        {"REMIT_PORT": "70000"},
        {"REMIT_DEMO": "yes"},
        {"REMIT_LOG_LEVEL": "loud"},
        {"REMIT_DEMO": "1", "REMIT_HOST": "10.0.0.1"},
        {"REMIT_ORIGIN": "two words"},
        {"REMIT_ORIGIN": "a+b"},
    ],
)
def test_what_means_nothing_is_an_error(environ: dict[str, str]) -> None:
    """A typo is never taken for a setting, nor demo mode shown to a network."""
    with pytest.raises(SettingError):
        Settings.read(environ)


def test_a_variable_set_to_nothing_is_not_set() -> None:
    """As containers like to do it."""
    assert Settings.read({"REMIT_MASTER_KEY": ""}).master_key is None


def test_secrets_are_not_shown() -> None:
    """Neither the keys nor the database's password."""
    settings = Settings(
        database="postgresql://remit:hunter2@db/remit",
        master_key="5a" * 32,
        signing_key="6b" * 32,
        old_signing_key="7c" * 32,
    )
    for secret in ("hunter2", "5a5a", "6b6b", "7c7c"):
        assert secret not in repr(settings)
    assert settings.database_shown == "postgresql://remit:***@db/remit"


def test_every_setting_says_what_it_is() -> None:
    """In words, for the documentation."""
    assert [name for name, _, _ in documented()] == [
        "REMIT_POLICIES",
        "REMIT_DATABASE",
        "REMIT_HOST",
        "REMIT_PORT",
        "REMIT_DEMO",
        "REMIT_WATCH",
        "REMIT_LOG_LEVEL",
        "REMIT_MASTER_KEY",
        "REMIT_SIGNING_KEY",
        "REMIT_OLD_SIGNING_KEY",
        "REMIT_ORIGIN",
        "REMIT_ERASURE_REGISTER",
        "REMIT_CHECKPOINT_COPY",
        "REMIT_RECEIVERS",
    ]
    assert all(says for _, _, says in documented())


@pytest.mark.parametrize(("name", "default", "says"), documented())
def test_every_setting_is_in_the_documentation(name: str, default: str, says: str) -> None:
    """With its default."""
    page = (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8")
    shown = f"`{default}`" if default else "–"
    assert f"| `{name}` | {shown} | {says} |" in page
