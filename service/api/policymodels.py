"""The JSON about versions of the policy, as models: for documentation, clients and tests."""

from typing import Literal

from pydantic import Field

from service.api.models import EntryReference, Instant, Page, Wire
from service.app.publication import COMMENT_CHARS_MAX

_Files = Field(
    description="The text of every file of the set, by its relative path.",
    examples=[{"policy.yaml": "remit: 1\n…", "access.csv": "g, ana, front_desk, *\n"}],
)
_Comment = Field(
    default=None,
    max_length=COMMENT_CHARS_MAX,
    description="Why, for colleagues. It is kept in clear: name no guest in it.",
)
_Replaces = Field(
    default=None,
    description="The version that should be in force; with another there, nothing is done.",
)


class PolicyFiles(Wire):
    """A set to check."""

    files: dict[str, str] = _Files


class PolicyPublication(PolicyFiles):
    """A set to put in force."""

    comment: str | None = _Comment
    replaces: str | None = _Replaces


class PolicyRollback(Wire):
    """A version to put in force again."""

    version: str = Field(description="One of GET /v1/policy/versions.")
    comment: str | None = _Comment
    replaces: str | None = _Replaces


class PublicationConfirmation(Wire):
    """Nothing is said: it is put in force now."""


class PolicyProblem(Wire):
    """One thing that is wrong, and where."""

    file: str
    line: int
    column: int
    path: str
    code: str
    message: str
    remedy: str
    severity: Literal["error", "warning"]


class PolicyCheck(Wire):
    """Whether a set may be put in force, and what stands in the way."""

    publishable: bool
    version: str
    rules: str | None
    name: str | None
    tests: int
    failed: int
    problems: list[PolicyProblem]
    problems_more: int = Field(description="How many more there are than are listed.")


class PolicyVersion(Wire):
    """A version that was published; the first time, by whom."""

    version: str
    rules: str
    name: str
    published_at: Instant
    published_by: str
    in_force: bool


class PolicyVersionPage(Page):
    """Versions, newest first."""

    versions: list[PolicyVersion]


class PolicyVersionWithFiles(PolicyVersion):
    """A version that was published, with its files."""

    files: dict[str, str] = _Files


class Publication(Wire):
    """A set that somebody asked to put in force."""

    id: str
    state: Literal["requested", "published"]
    effect: Literal["publish", "rollback"]
    version: str
    rules: str
    name: str
    replaces: str = Field(description="The version that was in force when it was asked for.")
    changes: str = Field(description="The digest of the files that differ between the two.")
    comment: str | None
    requested_by: str
    requested_at: Instant
    confirmed_by: str | None
    confirmed_at: Instant | None


class PublicationTaken(Publication):
    """A publication that was asked for or done, and its entry in the log."""

    entry: EntryReference


class PublicationPage(Page):
    """Publications, newest first."""

    publications: list[Publication]


class PublicationWithFiles(Publication):
    """A publication with its files."""

    files: dict[str, str] = _Files
