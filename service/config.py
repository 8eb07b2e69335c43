"""Settings: read once, from arguments and ``REMIT_*`` environment variables, and then fixed.

An argument wins over the environment, and the environment over the default. A variable
that is set to nothing counts as not set; one that begins with ``REMIT_`` and means
nothing is an error, so that a typo cannot pass for a setting.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from service.app.claimrules import ClaimRules
from service.core.receiver import is_postable, is_secret

PREFIX: Final = "REMIT_"
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")

TOKEN_VARIABLE: Final = "REMIT_TOKEN"  # noqa: S105 — a name
"""The key with which a command asks another Remit: of the command, and not a setting."""

_SECRETS: Final = (
    "master_key",
    "signing_key",
    "old_signing_key",
    "checkpoint_webhook",  # whoever has some addresses may post to them
    "checkpoint_webhook_secret",
)
_ORIGIN = re.compile(r"[!-*,-~]{1,200}")
_PASSWORD = re.compile(r"(?<=://)([^:/@]*):([^/]*)@")


class SettingError(ValueError):
    """A setting that cannot be used. The message names it and says what to write."""


def _says(text: str) -> dict[str, str]:
    return {"says": text}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """What one process runs with. Its ``repr`` shows no secret."""

    policies: Path = field(
        default=Path("policies/hotel"),
        metadata=_says("the folder of the policy set that seeds an empty database"),
    )
    database: str = field(
        default="sqlite:///var/remit.db",
        metadata=_says("sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/NAME"),
    )
    host: str = field(default="127.0.0.1", metadata=_says("the address to listen on"))
    port: int = field(
        default=8000, metadata=_says("the port to listen on; 0 takes any that is free")
    )
    demo: bool = field(
        default=False, metadata=_says("make keys for the people of the set and show them")
    )
    watch: bool = field(
        default=True,
        metadata=_says("follow the folder as it changes; false reads it at the start only"),
    )
    log_level: str = field(default="info", metadata=_says(f"one of: {', '.join(LOG_LEVELS)}"))
    master_key: str | None = field(
        default=None,
        metadata=_says("32 random bytes, hexadecimal or base64; SQLite keeps one beside its file"),
    )
    signing_key: str | None = field(
        default=None,
        metadata=_says("32 random bytes that sign checkpoints; SQLite keeps them beside its file"),
    )
    old_signing_key: str | None = field(
        default=None,
        metadata=_says("the signing key before, while another takes its place"),
    )
    origin: str = field(
        default="localhost/remit",
        metadata=_says("the name of a new log in its checkpoints; one that exists keeps its own"),
    )
    erasure_register: Path | None = field(
        default=None,
        metadata=_says("a file that lists erasures, to repeat them after a restore"),
    )
    checkpoint_copy: Path | None = field(
        default=None,
        metadata=_says("a file that gets each checkpoint; SQLite keeps one beside its file"),
    )
    checkpoint_webhook: str | None = field(
        default=None,
        metadata=_says("an address that checkpoints are posted to as they are signed"),
    )
    checkpoint_webhook_secret: str | None = field(
        default=None,
        metadata=_says("what signs those posts: whsec_ and the base64 of 24 to 64 bytes"),
    )
    checkpoint_webhook_private: bool = field(
        default=False,
        metadata=_says("true lets that address be http:// and lie in a private network"),
    )
    receivers: Path | None = field(
        default=None,
        metadata=_says("the file that names who is told of escalations; nobody if left out"),
    )
    jwt_issuer: str | None = field(
        default=None,
        metadata=_says("who issues the JWTs that are taken beside API keys: their iss"),
    )
    jwt_audience: str | None = field(
        default=None,
        metadata=_says("what their aud must name; of several, with commas between, any will do"),
    )
    jwks: str | None = field(
        default=None,
        metadata=_says("the issuer's public keys: the address of a JWKS, or a file"),
    )
    jwks_private: bool = field(
        default=False,
        metadata=_says("true lets that address be http:// and lie in a private network"),
    )
    jwt_subject: str = field(
        default="sub", metadata=_says("the claim that names the person, as access.csv would")
    )
    jwt_roles: str = field(
        default="remit_roles",
        metadata=_says("the claim with the roles, or a JSON pointer such as /realm_access/roles"),
    )

    @classmethod
    def read(cls, environ: Mapping[str, str], **given: Any) -> "Settings":  # noqa: ANN401 — by name
        """The settings from arguments (``None`` is not given) and the environment.

        Raises `SettingError` for what means nothing.
        """
        names = {PREFIX + each.name.upper(): each.name for each in fields(cls)}
        known = {*names, TOKEN_VARIABLE}
        unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
        if unknown:
            raise SettingError(f"{unknown[0]} is no setting; there are: {', '.join(names)}")
        values = {
            own: _parsed(name, own, environ[name])
            for name, own in names.items()
            if environ.get(name)
        }
        values |= {name: value for name, value in given.items() if value is not None}
        return _checked(cls(**values))

    @property
    def is_embedded(self) -> bool:
        """Whether the database is a file of this machine and not a server."""
        return self.database.startswith("sqlite")

    @property
    def database_shown(self) -> str:
        """The database's address without its password."""
        return _PASSWORD.sub(r"\1:***@", self.database)

    @property
    def jwks_near(self) -> bool:
        """Whether the issuer's keys may come from a private address: said so, or this machine."""
        return self.jwks_private or (self.jwks is not None and is_loopback(self.jwks))

    @property
    def claim_rules(self) -> ClaimRules | None:
        """What a JWT has to say to be taken; ``None`` where none is."""
        if self.jwt_issuer is None:
            return None
        return ClaimRules(
            issuer=self.jwt_issuer,
            audiences=_listed(self.jwt_audience or ""),
            subject=self.jwt_subject,
            roles=self.jwt_roles,
        )

    def __repr__(self) -> str:
        """Every setting by name; secrets as stars."""
        shown = {each.name: getattr(self, each.name) for each in fields(self)}
        shown["database"] = self.database_shown
        for secret in _SECRETS:
            shown[secret] = None if shown[secret] is None else "***"
        listed = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        return f"Settings({listed})"


def documented() -> list[tuple[str, str, str]]:
    """Every setting as its variable, its default and what it is, in order."""
    return [
        (PREFIX + each.name.upper(), _shown(each.default), each.metadata["says"])
        for each in fields(Settings)
    ]


def _shown(default: object) -> str:
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _parsed(variable: str, name: str, text: str) -> Any:  # noqa: ANN401 — as the field
    if name in {"policies", "receivers", "checkpoint_copy", "erasure_register"}:
        return Path(text)
    if name == "port":
        if not text.isdecimal():
            raise SettingError(f"{variable} is a number, not {text!r}")
        return int(text)
    if name in {"demo", "watch", "checkpoint_webhook_private", "jwks_private"}:
        if text not in {"true", "false", "1", "0"}:
            raise SettingError(f"{variable} is true or false, not {text!r}")
        return text in {"true", "1"}
    return text


def _checked(settings: Settings) -> Settings:
    if settings.log_level not in LOG_LEVELS:
        raise SettingError(f"the log level is one of {', '.join(LOG_LEVELS)}")
    if not 0 <= settings.port <= 65_535:  # noqa: PLR2004 — TCP's
        raise SettingError(f"a port is a number up to 65535, not {settings.port}")
    if not _ORIGIN.fullmatch(settings.origin):
        raise SettingError(
            "an origin is like log.example.com/remit: 1 to 200 visible ASCII characters, no plus"
        )
    if settings.demo and settings.host not in LOOPBACK:
        raise SettingError(
            f"demo mode shows its keys to whoever starts it, so it listens on this machine "
            f"only; leave --host out, or leave --demo out to listen on {settings.host}"
        )
    _check_webhook(settings)
    _check_issuer(settings)
    return settings


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _check_issuer(settings: Settings) -> None:
    """What is wrong with whose JWTs are taken."""
    said = (settings.jwt_issuer, settings.jwt_audience, settings.jwks)
    if said == (None, None, None):
        return
    if None in said or not _listed(settings.jwt_audience or ""):
        raise SettingError(
            "REMIT_JWT_ISSUER, REMIT_JWT_AUDIENCE and REMIT_JWKS go together: "
            "set all three, or none to take API keys only"
        )
    _check_jwks(settings.jwks or "", may_be_private=settings.jwks_private)


def _check_jwks(place: str, *, may_be_private: bool) -> None:
    if "://" not in place:
        return
    if not is_postable(place):
        raise SettingError(
            "REMIT_JWKS is no address that keys can be read from; write one like "
            "https://id.example.com/keys, with no password and no # in it, or a file"
        )
    if not place.startswith("https://") and not may_be_private and not is_loopback(place):
        raise SettingError(
            "REMIT_JWKS is not encrypted, and whoever changes it on its way signs as anybody; "
            "write https://, or set REMIT_JWKS_PRIVATE=true within your own network"
        )


def is_loopback(url: str) -> bool:
    """Whether an address is of this very machine."""
    return urlsplit(url).hostname in LOOPBACK


def _check_webhook(settings: Settings) -> None:
    """What is wrong with where checkpoints are posted to; the address itself is not shown."""
    url, secret = settings.checkpoint_webhook, settings.checkpoint_webhook_secret
    if url is None and secret is None:
        return
    if url is None or secret is None:
        raise SettingError(
            "REMIT_CHECKPOINT_WEBHOOK and REMIT_CHECKPOINT_WEBHOOK_SECRET go together: "
            "set both, or neither"
        )
    if not is_secret(secret):
        raise SettingError(
            "REMIT_CHECKPOINT_WEBHOOK_SECRET is not whsec_ and the base64 of 24 to 64 bytes; "
            "make one with: echo whsec_$(openssl rand -base64 32)"
        )
    if not is_postable(url):
        raise SettingError(
            "REMIT_CHECKPOINT_WEBHOOK is no address that can be posted to; write one like "
            "https://auditor.example.com/remit, with no password and no # in it"
        )
    if not url.startswith("https://") and not settings.checkpoint_webhook_private:
        raise SettingError(
            "REMIT_CHECKPOINT_WEBHOOK is not encrypted; write https://, or set "
            "REMIT_CHECKPOINT_WEBHOOK_PRIVATE=true within your own network"
        )
