"""What the commands have in common that change what decides: the head is held meanwhile.

The second person is needed where ``access.csv`` of the policy in force gives the right
``policy, confirm`` to any role: then what was asked for waits until somebody else who
holds it has confirmed. Where no role has it, one person suffices.
"""

from datetime import datetime
from typing import ClassVar, Final, TypedDict

from service.app.batch import Batch
from service.app.errors import Busy, Conflict, Forbidden
from service.app.idempotency import Claim
from service.app.plaincommand import PlainCommand
from service.app.principal import Principal, require
from service.app.publicationrecords import PublicationRecord
from service.app.records import PolicyRecord
from service.app.snapshot import Snapshot
from service.app.trialrecords import TrialRecord
from service.core.request import AgentKind
from service.policyfile.digest import digest_changes

EVERYWHERE: Final = "*"


class Asked(TypedDict):
    """Who asked for which set when. ``changes`` is the digest of what differs from the head."""

    version: str
    rules: str
    name: str
    changes: str
    requested_by: str
    requested_kind: AgentKind
    requested_owner: str | None
    requested_at: datetime
    files: dict[str, bytes]


class PolicyCommand(PlainCommand):
    """A command of one caller about what decides."""

    def __init__(self, principal: Principal, claim: Claim | None) -> None:
        """``claim`` is the caller's idempotency key, if one came."""
        super().__init__(claim)
        self.principal = principal

    def hold_head(self, batch: Batch) -> Snapshot:
        """The policy in force, and nobody else changes what decides until the batch ends.

        Raises `Conflict` and `Busy` where somebody has put another one in force meanwhile.
        """
        if batch.writes.head is not None:
            raise moved_on(batch.writes.head)
        if batch.tx.lock_head() != batch.snapshot.rulebook.version:
            raise Busy("another policy was put in force meanwhile")
        return batch.snapshot


class PolicyRequest(PolicyCommand):
    """A set that somebody brings. ``snapshot`` was compiled and tested before."""

    def __init__(
        self,
        principal: Principal,
        snapshot: Snapshot,
        replaces: str | None,
        claim: Claim | None,
    ) -> None:
        """``replaces`` is the version that the caller believes in force, if told."""
        super().__init__(principal, claim)
        self.snapshot = snapshot
        self.replaces = replaces

    def read(self, batch: Batch) -> None:
        """See that the caller may. Raises `Forbidden`."""
        require(batch.snapshot.access, self.principal, "policy", "publish", EVERYWHERE)

    def hold_expected_head(self, batch: Batch) -> Snapshot:
        """The policy in force, held. Raises `Conflict` where the caller believes in another."""
        in_force = self.hold_head(batch)
        head = in_force.rulebook.version
        if self.replaces is not None and self.replaces != head:
            raise moved_on(head)
        return in_force

    def asked(self, batch: Batch, in_force: Snapshot) -> Asked:
        """What is kept of every such request."""
        rulebook, files = self.snapshot.rulebook, self.snapshot.files
        return Asked(
            version=rulebook.version,
            rules=rulebook.rules,
            name=rulebook.name,
            changes=digest_changes(in_force.files, files),
            requested_by=self.principal.id,
            requested_kind=self.principal.kind,
            requested_owner=self.principal.owner,
            requested_at=batch.at,
            files=dict(sorted(files.items())),
        )


class PolicyStep(PolicyCommand):
    """A further step of what was asked for before. ``id`` is its id."""

    def __init__(
        self,
        *,
        principal: Principal,
        id: str,  # noqa: A002
        claim: Claim | None = None,
    ) -> None:
        """Keep what was asked."""
        super().__init__(principal, claim)
        self.id = id


class PolicyConfirmation(PolicyStep):
    """The second person's word."""

    what: ClassVar[str]
    """What is confirmed, in a word."""

    def read(self, batch: Batch) -> None:
        """See that a person asks who may. Raises `Forbidden`."""
        if self.principal.kind != "human":
            raise Forbidden(
                "humans_only",
                f"only people confirm a {self.what}",
                "let a colleague do it with their own key",
            )
        require(batch.snapshot.access, self.principal, "policy", "confirm", EVERYWHERE)

    def require_second(self, record: PublicationRecord | TrialRecord) -> None:
        """See that it is somebody else, and nobody's agent's owner. Raises `Forbidden`."""
        if self.principal.id in {record.requested_by, record.requested_owner}:
            raise Forbidden(
                "second_person_required",
                f"nobody confirms a {self.what} that they or their agent asked for",
                "let a second person who holds policy, confirm do it",
            )


def needs_second_person(snapshot: Snapshot) -> bool:
    """Whether what is to follow this policy has to be confirmed."""
    return snapshot.access.is_granted("policy", "confirm")


def version_of(record: PublicationRecord | TrialRecord, at: datetime) -> PolicyRecord:
    """The version that decides from ``at`` on: kept for ever, so that it can decide again."""
    return PolicyRecord(
        version=record.version,
        rules=record.rules,
        name=record.name,
        files=record.files,
        published_at=at,
        published_by=record.requested_by,
    )


def moved_on(head: str) -> Conflict:
    """Somebody else put another policy in force since the caller looked."""
    return Conflict(
        "policy_moved_on",
        f"the policy in force is {head} by now",
        "compare it with yours (GET /v1/policy/versions), then publish anew",
    )
