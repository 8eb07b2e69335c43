"""Settings: an argument before the environment, the environment before the default."""

from pathlib import Path

import pytest

from service.config import SettingError, Settings, documented

SECRET = "whsec_" + "c2VjcmV0" * 4
POSTED = {
    "REMIT_CHECKPOINT_WEBHOOK": "https://a.example/x",
    "REMIT_CHECKPOINT_WEBHOOK_SECRET": SECRET,
}


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
        {"REMIT_CHECKPOINT_WEBHOOK": "https://a.example/x"},
        {"REMIT_CHECKPOINT_WEBHOOK_SECRET": SECRET},
        {"REMIT_CHECKPOINT_WEBHOOK_PRIVATE": "perhaps"},
        {**POSTED, "REMIT_CHECKPOINT_WEBHOOK_SECRET": "whsec_short"},
        {**POSTED, "REMIT_CHECKPOINT_WEBHOOK": "https://me:secret@a.example/x"},
        {**POSTED, "REMIT_CHECKPOINT_WEBHOOK": "http://a.example/x"},
    ],
)
def test_what_means_nothing_is_an_error(environ: dict[str, str]) -> None:
    """A typo is never taken for a setting, nor demo mode shown to a network."""
    with pytest.raises(SettingError):
        Settings.read(environ)


def test_a_variable_set_to_nothing_is_not_set() -> None:
    """As containers like to do it."""
    assert Settings.read({"REMIT_MASTER_KEY": ""}).master_key is None


def test_checkpoints_go_to_an_encrypted_address() -> None:
    """Unless it is said that it lies within one's own network."""
    assert Settings.read(POSTED).checkpoint_webhook == "https://a.example/x"
    plain = {**POSTED, "REMIT_CHECKPOINT_WEBHOOK": "http://10.0.0.8:9000/x"}
    found = Settings.read({**plain, "REMIT_CHECKPOINT_WEBHOOK_PRIVATE": "true"})
    assert found.checkpoint_webhook == "http://10.0.0.8:9000/x"


ISSUED = {
    "REMIT_JWT_ISSUER": "https://id.example.com/",
    "REMIT_JWT_AUDIENCE": "remit",
    "REMIT_JWKS": "https://id.example.com/keys",
}


def test_an_issuer_is_named_with_everything_that_checks_its_tokens() -> None:
    """Half of it would take tokens for somebody else, or none and say nothing."""
    found = Settings.read({**ISSUED, "REMIT_JWT_AUDIENCE": "remit, remit-test,"}).claim_rules
    assert found is not None
    assert found.audiences == ("remit", "remit-test")
    assert Settings.read({}).claim_rules is None
    for missing in ISSUED:
        with pytest.raises(SettingError, match="go together"):
            Settings.read({**ISSUED, missing: ""})
    with pytest.raises(SettingError, match="go together"):
        Settings.read({**ISSUED, "REMIT_JWT_AUDIENCE": " , "})


@pytest.mark.parametrize(
    "place",
    [
        "http://id.example.com/keys",
        "https://ana:secret@id.example.com/keys",
        "https://id.example.com/keys#a",
        "https://",
        "ftp://id.example.com/keys",
        "file:///etc/keys.json",
        "http://localhost.example.com/keys",
        "http://127.0.0.1.example.com/keys",
    ],
)
def test_keys_come_over_an_encrypted_line(place: str) -> None:
    """Whoever could change them on their way would sign as anybody."""
    with pytest.raises(SettingError, match="REMIT_JWKS"):
        Settings.read({**ISSUED, "REMIT_JWKS": place})


@pytest.mark.parametrize(
    ("place", "private", "is_near"),
    [
        ("https://id.example.com/keys", "", False),
        ("https://10.0.0.8/keys", "", False),
        ("https://10.0.0.8/keys", "true", True),
        ("http://10.0.0.8:8080/keys", "true", True),
        ("http://127.0.0.1:8080/keys", "", True),
        ("http://[::1]:8080/keys", "", True),
        ("http://localhost/keys", "", True),
        ("keys.json", "", False),
    ],
)
def test_a_private_address_is_said_to_be_one(place: str, private: str, *, is_near: bool) -> None:
    """But for this very machine."""
    found = Settings.read({**ISSUED, "REMIT_JWKS": place, "REMIT_JWKS_PRIVATE": private})
    assert found.jwks_near is is_near


def test_secrets_are_not_shown() -> None:
    """Neither the keys nor the database's password."""
    settings = Settings(
        database="postgresql://remit:hunter2@db/remit",
        master_key="5a" * 32,
        signing_key="6b" * 32,
        old_signing_key="7c" * 32,
        checkpoint_webhook="https://a.example/hidden",
        checkpoint_webhook_secret=SECRET,
    )
    for secret in ("hunter2", "5a5a", "6b6b", "7c7c", "hidden", "c2VjcmV0"):
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
        "REMIT_CHECKPOINT_WEBHOOK",
        "REMIT_CHECKPOINT_WEBHOOK_SECRET",
        "REMIT_CHECKPOINT_WEBHOOK_PRIVATE",
        "REMIT_RECEIVERS",
        "REMIT_JWT_ISSUER",
        "REMIT_JWT_AUDIENCE",
        "REMIT_JWKS",
        "REMIT_JWKS_PRIVATE",
        "REMIT_JWT_SUBJECT",
        "REMIT_JWT_ROLES",
    ]
    assert all(says for _, _, says in documented())


@pytest.mark.parametrize(("name", "default", "says"), documented())
def test_every_setting_is_in_the_documentation(name: str, default: str, says: str) -> None:
    """With its default."""
    page = (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8")
    shown = f"`{default}`" if default else "–"
    assert f"| `{name}` | {shown} | {says} |" in page
