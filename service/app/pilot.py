"""The pilot: a candidate set that decides some of the cases, beside the one in force.

Which cases these are never depends on the candidate: named sites, or a share of those
who are served, by a keyed hash of who they are. So the same guest is always on the same
side, at every replica, from the first contact on.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from service.app.narrowedaccess import NarrowedAccess
from service.app.ports import Reader, Store, Vault
from service.app.principal import Principal
from service.app.snapshot import Library, Snapshot
from service.app.trialrecords import TrialRecord
from service.policyfile.problem import PolicyErrors

_PERCENT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """A pilot that runs. ``snapshot`` has the candidate's rules and the access in force.

    ``subject`` is the fact that says who is served, as the set in force names it.
    """

    record: TrialRecord
    snapshot: Snapshot
    subject: str | None

    def is_over(self, at: datetime) -> bool:
        """Whether its time is up, though nobody may have ended it yet."""
        return self.record.is_time_up(at)

    def covers(self, principal: Principal, body: Any, vault: Vault) -> bool:  # noqa: ANN401 — JSON
        """Whether the candidate decides what is sent. What has no form is left to the other."""
        record = self.record
        if not isinstance(body, Mapping):
            return False
        if record.sites is not None and body.get("site") not in record.sites:
            return False
        share = record.share_percent
        return share is None or self._lot(principal, body, vault) < share

    def began(self, policy_version: str) -> bool:
        """Whether a case was begun under the candidate: it stays there while the pilot runs."""
        return policy_version == self.record.version

    def _lot(self, principal: Principal, body: Mapping[str, Any], vault: Vault) -> int:
        """0 to 99, evenly: who is served, or where nobody is named who proposes."""
        served = None if self.subject is None else _fact(body.get("facts"), self.subject)
        who = f"agent\0{principal.id}" if served is None else f"{self.subject}\0{served}"
        digest = hashlib.sha256(self.record.id.encode() + vault.fingerprint(who)).digest()
        return int.from_bytes(digest[:8], "big") % _PERCENT


class Pilots:
    """Finds the pilot that runs beside a set. Its candidate is compiled once."""

    def __init__(self, store: Store, library: Library) -> None:
        """Nothing is read before a trial runs."""
        self._store = store
        self._library = library
        self._found: tuple[str, Snapshot, Pilot | None] | None = None

    def find(self, trial: str | None, live: Snapshot) -> Pilot | None:
        """The pilot with an id, beside the set in force; ``None`` for a shadow, or for none.

        A candidate that does not load here decides nothing here, and neither does one
        whose rules were to be tried beside others.
        """
        if trial is None:
            return None
        found = self._found
        if found is None or found[0] != trial or found[1] is not live:
            self._found = found = (trial, live, self._read(trial, live))
        return found[2]

    def in_force(self) -> tuple[Snapshot, Pilot | None]:
        """The set in force at this moment, and the pilot beside it."""
        with self._store.read() as reader:
            live, trial = self._library.seen_by(reader), reader.trials.running()
        return live, self.find(trial, live)

    def _read(self, trial: str, live: Snapshot) -> Pilot | None:
        with self._store.read() as reader:
            record = reader.trials.find(trial)
        if record is None or record.mode != "pilot" or record.beside_rules != live.rulebook.rules:
            return None
        try:
            candidate = self._library.compiled(record.version, record.files)
        except PolicyErrors:
            return None  # the comparison meets the same, and tells the operator
        access = NarrowedAccess(live.access, candidate.rulebook.roles)
        return Pilot(
            record=record,
            snapshot=Snapshot(rulebook=candidate.rulebook, access=access, files=candidate.files),
            subject=live.rulebook.subject,
        )


def tried_roles(reader: Reader, library: Library) -> Collection[str]:
    """The roles of the candidate that decides some cases now: who is asked may be one."""
    trial = reader.trials.running()
    record = None if trial is None else reader.trials.find(trial)
    if record is None or record.mode != "pilot":
        return ()
    try:
        return library.compiled(record.version, record.files).rulebook.roles
    except PolicyErrors:
        return ()


def _fact(facts: Any, path: str) -> str | None:  # noqa: ANN401 — JSON
    """The text of a fact that may be there."""
    found = facts
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return None if found is None or isinstance(found, Mapping | list) else str(found)
