"""The JSON about versions of the policy, as models: for documentation, clients and tests."""

from typing import Literal

from pydantic import Field

from service.api.models import EntryReference, Instant, Page, Wire
from service.app.publication import COMMENT_CHARS_MAX

FILES = Field(
    description="The text of every file of the set, by its relative path.",
    examples=[{"policy.yaml": "remit: 1\n…", "access.csv": "g, ana, front_desk, *\n"}],
)
COMMENT = Field(
    default=None,
    max_length=COMMENT_CHARS_MAX,
    description="Why, for colleagues. It is kept in clear: name no guest in it.",
)
REPLACES = Field(
    default=None,
    description="The version that should be in force; with another there, nothing is done.",
)


class PolicyChecked(Wire):
    """A set to check."""

    files: dict[str, str] = FILES
    strict: bool = Field(default=False, description="Whether warnings keep it from being `ok`.")


class PolicyReplay(Wire):
    """A set to replay what was decided under."""

    files: dict[str, str] = FILES
    since: str | None = Field(
        default=None,
        description="From here on: an instant, or a day by the set's clocks.",
        examples=["2026-01-01"],
    )
    until: str | None = Field(
        default=None, description="Report decisions before this.", examples=["2026-04-01T00:00:00Z"]
    )
    site: str | None = Field(
        default=None, description="Report decisions at this site only.", examples=["new_york"]
    )


class PolicyPublication(Wire):
    """A set to put in force."""

    files: dict[str, str] = FILES
    comment: str | None = COMMENT
    replaces: str | None = REPLACES


class PolicyRollback(Wire):
    """A version to put in force again."""

    version: str = Field(description="One of GET /v1/policy/versions.")
    comment: str | None = COMMENT
    replaces: str | None = REPLACES


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
    docs: str = Field(description="Where the code is explained, from the root of the project.")


class PolicyUndecided(Wire):
    """A remark that could neither be shown nor ruled out, and is no warning."""

    code: str
    place: str = Field(description="file:line:column")
    message: str
    docs: str


class PolicyCheck(Wire):
    """Whether a set may be put in force, and what stands in the way."""

    ok: bool = Field(description="Publishable; with `strict`, and nothing is remarked either.")
    publishable: bool
    version: str
    rules: str | None
    name: str | None
    tests: int
    failed: int
    problems: list[PolicyProblem]
    problems_more: int = Field(description="How many more there are than are listed.")
    warnings: list[PolicyProblem] = Field(description="What is odd, and keeps nothing back.")
    warnings_more: int = Field(description="How many more there are than are listed.")
    undecided: list[PolicyUndecided]


class ReplayedSide(Wire):
    """What one side came to."""

    approved: int
    escalated: int
    denied: int
    incomplete: int
    refused: int = Field(description="What the policy could not decide at all.")
    money: str = Field(description="All that was approved, at once or by somebody above.")
    money_unasked: str
    answered: int = Field(description="Escalations that somebody above approved.")
    money_answered: str
    waiting_hours: float
    waiting_unknown: int = Field(description="Escalations of which no wait is known.")


class ReplayedChange(Wire):
    """After less before."""

    money: str
    escalations: int
    waiting_hours: float


class ReplayedMove(Wire):
    """How many decisions went from one outcome to another, or stayed."""

    before: str
    after: str
    count: int


class ReplayedCounts(Wire):
    """Decisions by outcome, and the money that was approved at once."""

    approved: int
    escalated: int
    denied: int
    incomplete: int
    refused: int
    money: str


class ReplayedRow(Wire):
    """Both sides of one part."""

    before: ReplayedCounts
    after: ReplayedCounts


class ReplayedRule(ReplayedRow):
    """A rule that determined on either side."""

    rule: str


class ReplayedMonth(ReplayedRow):
    """A month, UTC."""

    month: str


class ReplayedSite(ReplayedRow):
    """A site."""

    site: str


class ReplayedVerdict(Wire):
    """What came of a request, by which rule, of or to which role."""

    outcome: str
    rule: str | None
    role: str | None


class ReplayedFlip(Wire):
    """A decision that comes out otherwise."""

    entry: str
    at: Instant
    site: str
    agent: str
    resolution: str
    value: str
    before: ReplayedVerdict
    after: ReplayedVerdict


class ReplayedPolicy(Wire):
    """A set that was replayed."""

    name: str
    version: str
    rules: str


class PolicyReplayed(Wire):
    """What a set would have decided of what was decided, beside what was."""

    candidate: ReplayedPolicy
    against: str = Field(description="`the log`.")
    currency: str
    from_: Instant | None = Field(alias="from")
    to: Instant | None
    decisions: int
    flipped: int
    before: ReplayedSide
    after: ReplayedSide
    change: ReplayedChange
    moves: list[ReplayedMove]
    rules: list[ReplayedRule]
    months: list[ReplayedMonth]
    sites: list[ReplayedSite]
    flips: list[ReplayedFlip] = Field(description="The most valuable ones, a hundred at most.")
    notes: dict[str, int] = Field(description="What could not be taken as it was, how often.")
    how: str


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

    files: dict[str, str] = FILES


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

    files: dict[str, str] = FILES
