"""Who is told of what happens: the receivers that an operator names."""

import re
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

from service.core.notice import NoticeEvent

ReceiverKind = Literal["webhook", "slack", "teams", "email"]
MailTls = Literal["starttls", "implicit", "none"]


SECRET_BYTES: Final = range(24, 65)
"""How long a secret is: what Standard Webhooks allows."""

_SECRET: Final = "whsec_"  # noqa: S105 — what every one begins with


URL: Final = r"^https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[1-9][0-9]{0,4})?([/?][!-~]*)?$"
URL_CHARACTERS_MAX: Final = 2000


def is_postable(text: str) -> bool:
    """Whether a text is an address of a host, without a password and without a fragment."""
    fits = len(text) <= URL_CHARACTERS_MAX and "#" not in text
    return fits and re.fullmatch(URL, text) is not None


def is_secret(text: str) -> bool:
    """Whether a text is a symmetric secret as Standard Webhooks writes it."""
    try:
        key = b64decode(text.removeprefix(_SECRET), validate=True)
    except ValueError:
        return False
    return text.startswith(_SECRET) and len(key) in SECRET_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where to post. ``url`` may be a secret by itself; ``secret`` signs (Standard Webhooks)."""

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    ca_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """Where to hand in mail, for whom, and as whom."""

    host: str
    port: int
    tls: MailTls
    sender: str
    to: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long an attempt may take, and how often and how long there is another one.

    The wait doubles from ``first`` up to ``longest``. After so many ``attempts``, or
    ``within`` after the notice was queued, it is given up.
    """

    timeout: timedelta = timedelta(seconds=10)
    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=15)
    attempts: int = 50
    within: timedelta = timedelta(days=3)

    def wait(self, attempts: int) -> timedelta:
        """The longest wait after so many attempts that failed, one at least."""
        doublings = min(attempts - 1, 32)
        return min(self.first * (1 << doublings), self.longest)

    @property
    def lease(self) -> timedelta:
        """How long nobody else may take up the line: longer than any attempt lasts."""
        return self.timeout + timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Somebody to tell, of what, and how much. ``None`` is no restriction.

    ``facts`` are the paths of those facts that may go out, personal ones included; no
    other fact ever does. Without ``allow_private`` nothing is sent to an address that
    is not public. ``link`` is the address of the console, which a case's id is added to.
    """

    id: str
    kind: ReceiverKind
    to: Hook | Mail
    events: frozenset[NoticeEvent] | None = None
    sites: frozenset[str] | None = None
    roles: frozenset[str] | None = None
    facts: tuple[str, ...] = ()
    allow_private: bool = False
    link: str | None = None
    patience: Patience = field(default_factory=Patience)

    def wants(self, event: NoticeEvent, site: str, role: str) -> bool:
        """Whether it is told of an event that concerns a role at a site."""
        return (
            (self.events is None or event in self.events)
            and (self.sites is None or site in self.sites)
            and (self.roles is None or role in self.roles)
        )
