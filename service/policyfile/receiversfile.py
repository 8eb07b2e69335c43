"""A receivers file, read whole: every problem at once, each at its place."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from pydantic_core import PydanticCustomError

from service.core.receiver import Hook, Mail, Patience, Receiver, is_secret
from service.policyfile.place import Place
from service.policyfile.problem import PolicyErrors, Problem
from service.policyfile.receiversdocument import (
    ReceiverDocument,
    ReceiversDocument,
    RetryDocument,
    SmtpDocument,
    checked_url,
)
from service.policyfile.shape import Shape
from service.policyfile.source import Source, decode
from service.policyfile.yamltree import read_tree

T = TypeVar("T")

RECEIVERS_MAX: Final = 32
KEPT_BYTES_MAX: Final = 4_096

RECEIVER_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "not_a_url": "A URL cannot be posted to.",
        "other_kind": "A key belongs to receivers of another kind.",
        "said_twice": "A value stands in the file and is said to stand in another one.",
        "secret_malformed": "A secret is none of Standard Webhooks.",
        "too_many_receivers": "The file has more receivers than are served.",
        "unencrypted": "What goes out would not be encrypted.",
        "unreadable_file": "A file that is named cannot be read.",
    }
)
"""What the codes of this file mean; all others are those of policy files."""

_DOCUMENT: Shape[ReceiversDocument] = Shape(ReceiversDocument)
_HOOK_KEYS: Final = ("url", "url_file")
_SECRET_KEYS: Final = ("secret", "secret_file")
_OF_OTHERS: Final[Mapping[str, tuple[str, ...]]] = {
    "webhook": ("smtp",),
    "slack": ("smtp", *_SECRET_KEYS),
    "teams": ("smtp", *_SECRET_KEYS),
    "email": (*_HOOK_KEYS, *_SECRET_KEYS),
}


def read_receivers(path: Path) -> tuple[Receiver, ...]:
    """The receivers of a file, in its order. Paths in it are relative to its folder.

    Raises `PolicyErrors` with every problem, also with those of the files that it names.
    """
    found: list[Problem] = []
    document, place = _read(path, found)
    if document is None or place is None:
        raise PolicyErrors(found)
    reader = _ReceiversReader(path.parent, place, document.console_url, found)
    receivers = reader.receivers(document.receivers)
    if found:
        raise PolicyErrors(found)
    return receivers


def _read(path: Path, found: list[Problem]) -> tuple[ReceiversDocument | None, Place | None]:
    try:
        data = path.read_bytes()
    except OSError as error:
        found.append(
            Source(path.name, "").problem(
                0,
                "unreadable_file",
                f"{path} cannot be read: {error.strerror}.",
                "Name a file that this user may read.",
            )
        )
        return None, None
    source = decode(path.name, data, found)
    tree = read_tree(source, found) if source is not None else None
    if source is None or tree is None:
        return None, None
    place = Place(source, tree)
    document = _DOCUMENT.read(place, found)
    return (None if found else document), place


class _ReceiversReader:
    """Turns documents into receivers, and tells what does not go together."""

    def __init__(self, folder: Path, place: Place, link: str | None, found: list[Problem]) -> None:
        self._folder = folder
        self._place = place
        self._link = link
        self._found = found

    def receivers(self, documents: list[ReceiverDocument]) -> tuple[Receiver, ...]:
        if len(documents) > RECEIVERS_MAX:
            self._tell(
                self._place.child("receivers"),
                "too_many_receivers",
                f"{len(documents)} receivers stand here, more than {RECEIVERS_MAX}.",
                "Let one of them pass on what several want.",
            )
        read = [self._receiver(number, each) for number, each in enumerate(documents)]
        self._check_ids(documents)
        return tuple(receiver for receiver in read if receiver is not None)

    def _check_ids(self, documents: list[ReceiverDocument]) -> None:
        first: dict[str, Place] = {}
        for number, document in enumerate(documents):
            place = self._place.child("receivers", number, "id")
            earlier = first.setdefault(document.id, place)
            if earlier is not place:
                what = f"The receiver at {earlier.where()} has the same id."
                self._tell(place, "duplicate_id", what, "Give it another one.")

    def _receiver(self, number: int, document: ReceiverDocument) -> Receiver | None:
        place = self._place.child("receivers", number)
        self._check_kind(place, document)
        to = (
            self._mail(place, document) if document.kind == "email" else self._hook(place, document)
        )
        if to is None:
            return None
        return Receiver(
            id=document.id,
            kind=document.kind,
            to=to,
            events=_all_or(document.events),
            sites=_all_or(document.sites),
            roles=_all_or(document.roles),
            facts=tuple(document.facts),
            allow_private=document.allow_private,
            link=self._link,
            patience=_patience(document),
        )

    def _check_kind(self, place: Place, document: ReceiverDocument) -> None:
        for key in _OF_OTHERS[document.kind]:
            if key in document.model_fields_set:
                what = f"A receiver of kind {document.kind} has no `{key}`."
                self._tell(place.child(key), "other_kind", what, "Delete it.", on_key=True)

    def _hook(self, place: Place, document: ReceiverDocument) -> Hook | None:
        url = self._kept(place, "url", document.url, document.url_file)
        secret = None
        if document.kind == "webhook":
            secret = self._kept(place, "secret", document.secret, document.secret_file)
            if secret is None or not self._is_sound_secret(place, secret):
                return None
        if url is None or not self._is_sound_url(place, url, document):
            return None
        return Hook(url=url, secret=secret, ca_file=self._ca_file(place, document))

    def _is_sound_url(self, place: Place, url: str, document: ReceiverDocument) -> bool:
        spot = place.child("url_file" if document.url is None else "url")
        try:
            checked_url(url)
        except PydanticCustomError as error:
            context: Mapping[str, str] = error.context or {}
            self._tell(spot, error.type, context["message"], context["remedy"])
            return False
        if url.startswith("http://") and not document.allow_private:
            self._tell(
                spot,
                "unencrypted",
                "Everybody on the way could read what goes out.",
                "Write https://, or `allow_private: true` within your own network.",
            )
            return False
        return True

    def _is_sound_secret(self, place: Place, secret: str) -> bool:
        if is_secret(secret):
            return True
        spot = place.child("secret")
        self._tell(
            spot,
            "secret_malformed",
            "The secret is not `whsec_` and the base64 of 24 to 64 bytes.",
            "Make one: echo whsec_$(openssl rand -base64 32)",
        )
        return False

    def _mail(self, place: Place, document: ReceiverDocument) -> Mail | None:
        smtp = document.smtp
        if smtp is None:
            self._tell(place, "missing_key", "`smtp` is missing.", "Add `smtp:`.")
            return None
        spot = place.child("smtp")
        if smtp.tls == "none" and not document.allow_private:
            self._tell(
                spot.child("tls"),
                "unencrypted",
                "Everybody on the way could read what goes out.",
                "Write starttls or implicit, or `allow_private: true` within your own network.",
            )
        return Mail(
            host=smtp.host,
            port=smtp.port,
            tls=smtp.tls,
            sender=smtp.sender,
            to=tuple(smtp.to),
            user=smtp.user,
            password=self._password(spot, smtp),
            ca_file=self._ca_file(place, document),
        )

    def _password(self, place: Place, smtp: SmtpDocument) -> str | None:
        if smtp.user is None:
            for key in ("password", "password_file"):
                if key in smtp.model_fields_set:
                    what = "A password without a user logs nobody in."
                    self._tell(place.child(key), "missing_key", what, "Add `user:`.", on_key=True)
            return None
        return self._kept(place, "password", smtp.password, smtp.password_file)

    def _kept(self, place: Place, key: str, here: str | None, elsewhere: str | None) -> str | None:
        """A value that stands in the file, or alone in another one."""
        if here is not None and elsewhere is not None:
            what = f"`{key}` and `{key}_file` say the same thing."
            spot = place.child(f"{key}_file")
            self._tell(spot, "said_twice", what, "Keep one of the two.", on_key=True)
            return None
        if elsewhere is not None:
            return self._read_kept(place.child(f"{key}_file"), elsewhere)
        if here is None:
            self._tell(place, "missing_key", f"`{key}` is missing.", f"Add `{key}_file:`.")
        return here

    def _read_kept(self, place: Place, name: str) -> str | None:
        path = self._folder / name
        try:
            with path.open("rb") as file:
                text = file.read(KEPT_BYTES_MAX).decode().strip()
        except OSError as error:
            why = error.strerror
        except UnicodeDecodeError:
            why = "it is not text"
        else:
            if text and text.isprintable():
                return text
            why = "it is not one line of text"
        what = f"{path} cannot be read: {why}."
        self._tell(place, "unreadable_file", what, "Name a file that this user may read.")
        return None

    def _ca_file(self, place: Place, document: ReceiverDocument) -> str | None:
        if document.ca_file is None:
            return None
        path = self._folder / document.ca_file
        if not path.is_file():
            what = f"There is no file {path}."
            remedy = "Name the certificates of whoever signed the receiver's."
            self._tell(place.child("ca_file"), "unreadable_file", what, remedy)
        return str(path)

    def _tell(
        self, place: Place, code: str, message: str, remedy: str, *, on_key: bool = False
    ) -> None:
        self._found.append(place.problem(code, message, remedy, on_key=on_key))


def _patience(document: ReceiverDocument) -> Patience:
    usual, retry = Patience(), document.retry or RetryDocument()
    first = retry.first or usual.first
    return Patience(
        timeout=document.timeout or usual.timeout,
        first=first,
        longest=max(retry.longest or usual.longest, first),
        attempts=retry.attempts or usual.attempts,
        within=retry.within or usual.within,
    )


def _all_or(items: Iterable[T] | None) -> frozenset[T] | None:
    return None if items is None else frozenset(items)
