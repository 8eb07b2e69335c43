"""Erasures from beginning to end: who is meant, what is left to do, and what came back."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final

import orjson

from service.app.committer import Committer
from service.app.erase import (
    EVERYWHERE,
    NoteSwept,
    Outlive,
    ReapplyErasure,
    WithdrawErased,
    erasure_json,
    no_erasure,
)
from service.app.erasureports import ErasureRegister
from service.app.erasurerecords import ErasureRecord
from service.app.errors import NotFound, ServiceError
from service.app.ports import Page, Reader, Store, Vault
from service.app.principal import Principal, require
from service.app.records import SurrogateRecord
from service.app.snapshot import Library
from service.core.refusal import Fault, Refused

ANSWER_SECONDS: Final = 30
LEFT_MAX: Final = 200
"""How many are taken up in one go."""


def left_open(reader: Reader) -> Sequence[WithdrawErased]:
    """The withdrawal of each escalation whose subject was erased."""
    return [WithdrawErased(one) for one in reader.erasures.left_open(LEFT_MAX)]


def outlived(reader: Reader) -> Sequence[Outlive]:
    """The end of each name that was kept for caps alone."""
    return [Outlive(name) for name in reader.erasures.outlived(LEFT_MAX)]


class Erasures:
    """Reads what erasing needs, and does what follows it."""

    def __init__(
        self,
        store: Store,
        library: Library,
        vault: Vault,
        committer: Committer,
        register: ErasureRegister,
        report: Callable[[Exception], None],
    ) -> None:
        """Keep the ports."""
        self._store = store
        self._library = library
        self._vault = vault
        self._committer = committer
        self._register = register
        self._report = report

    def find_subject(self, principal: Principal, value: str) -> str:
        """The surrogate of a person. Raises `Forbidden`, `Refused`, and `NotFound` for nobody."""
        snapshot = self._library.in_force()
        require(snapshot.access, principal, "erasure", "request", EVERYWHERE)
        path = snapshot.rulebook.subject
        if path is None or path not in snapshot.rulebook.personal:
            raise Refused((_NOBODY,))
        fingerprint = self._vault.fingerprint(f"{path}\0{value}")
        with self._store.read() as reader:
            found = reader.surrogates([fingerprint]).get(fingerprint)
            is_kept = found is not None and (
                found.charged_as is None or bool(reader.subject_keys([found.subject]))
            )
        if found is None or not is_kept:
            raise NotFound(
                "no_such_person",
                "nothing is kept of such a person",
                "look at how the value was written when it was proposed",
            )
        return found.surrogate

    def find(self, principal: Principal, id_: str) -> tuple[ErasureRecord, list[SurrogateRecord]]:
        """An erasure and the names of whom it is about. Raises `Forbidden`, `NotFound`."""
        access = self._library.in_force().access
        require(access, principal, "erasure", "request", EVERYWHERE)
        with self._store.read() as reader:
            found = reader.erasures.find(id_)
            if found is None:
                raise no_erasure(id_)
            return found, list(reader.erasures.names(found.subject))

    def list(self, principal: Principal, page: Page) -> bytes:
        """Erasures as JSON, newest first. Raises `Forbidden`."""
        access = self._library.in_force().access
        require(access, principal, "erasure", "request", EVERYWHERE)
        with self._store.read() as reader:
            found = reader.erasures.latest(page.after, page.limit + 1)
        following = found[page.limit - 1].id if len(found) > page.limit else None
        shown: list[dict[str, Any]] = [erasure_json(one) for one in found[: page.limit]]
        return orjson.dumps({"erasures": shown, "next": following})

    def finish(self) -> int:
        """Put what is done into the register and sweep the files; how many that were.

        What fails is reported and done when the next one is, or when a process starts.
        """
        with self._store.read() as reader:
            unclean = reader.erasures.unclean()
        if not unclean:
            return 0
        try:
            self._register.keep(unclean)
            self._store.sweep()
        except (OSError, ServiceError) as failure:
            self._report(failure)
            return 0
        noted = [self._committer.submit(NoteSwept(one)) for one in unclean]
        return _succeeded(noted)

    def reapply(self) -> int:
        """Erase again whoever a restored backup brought back; how many that were.

        Raises `ValueError` where the register cannot be read: who is in it is unknown then.
        """
        missing = []
        for one in self._register.read():
            with self._store.read() as reader:
                known = reader.erasures.find(one.id)
                names = reader.erasures.names(one.subject)
            if known is None or known.state != "done":
                missing.append(ReapplyErasure(one, names))
        return _succeeded([self._committer.submit(command) for command in missing])


def _succeeded(sent: Sequence[Future[object]]) -> int:
    return [future.result(ANSWER_SECONDS) for future in sent].count(True)


_NOBODY: Final = Fault(
    code="no_subject",
    pointer="/subject",
    message="the policy in force names nobody who is served by a personal fact",
    remedy="declare the fact as personal, and name it as the subject",
)
