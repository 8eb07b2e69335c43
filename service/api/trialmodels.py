"""The JSON about trials, as models: for documentation, clients and tests."""

from pydantic import Field

from service.api.models import EntryReference, Instant, Page, Wire
from service.api.policymodels import COMMENT, FILES, REPLACES
from service.api.trialbody import DECISIONS_MAX, PERCENT_MAX, SITES_MAX
from service.app.trialrecords import TrialMode, TrialReason, TrialState
from service.app.trialstart import DECISIONS_MIN


class TrialGuardrail(Wire):
    """What ends a pilot by itself: each bound that is reached. One at least."""

    approved: str | None = Field(
        default=None, description="So much money approved in the pilot; what comes back counts."
    )
    approved_a_day: str | None = Field(
        default=None, description="So much in one day of the candidate's timezone."
    )
    escalated_percent: int | None = Field(
        default=None, ge=1, lt=PERCENT_MAX, description="More escalations than this share."
    )
    after_decisions: int | None = Field(
        default=None,
        ge=1,
        le=DECISIONS_MAX,
        description=f"From how many decisions on that share counts; {DECISIONS_MIN} if left out.",
    )


class TrialStart(Wire):
    """A candidate to try beside the policy in force."""

    files: dict[str, str] = FILES
    mode: TrialMode = Field(
        description="A shadow has no effect; a pilot decides the cases in its scope."
    )
    comment: str | None = COMMENT
    replaces: str | None = REPLACES
    sites: list[str] | None = Field(
        default=None, min_length=1, max_length=SITES_MAX, description="Only for these sites."
    )
    share_percent: int | None = Field(
        default=None,
        ge=1,
        le=PERCENT_MAX,
        description="A pilot's share of those who are served; the same guest is always in or out.",
    )
    guardrail: TrialGuardrail | None = None
    ends_at: Instant | None = None


class TrialConfirmation(Wire):
    """Nothing is said: the pilot begins now."""


class TrialEnd(Wire):
    """Nothing is said: the trial ends now."""


class Trial(Wire):
    """A candidate that is tried, or was."""

    id: str
    mode: TrialMode
    state: TrialState
    name: str
    version: str
    rules: str
    beside: str = Field(description="The version that was in force when it was asked for.")
    changes: str = Field(description="The digest of the files that differ between the two.")
    sites: list[str] | None
    share_percent: int | None
    guardrail: TrialGuardrail | None
    comment: str | None
    requested_by: str
    requested_at: Instant
    confirmed_by: str | None
    confirmed_at: Instant | None
    started_at: Instant | None
    ends_at: Instant | None
    ended_at: Instant | None
    ended_by: str | None = Field(description="`remit` where nobody ended it.")
    reason: TrialReason | None


class TrialTaken(Trial):
    """A trial that was asked for, started or ended, and its entry in the log."""

    entry: EntryReference


class TrialPage(Page):
    """Trials, newest first."""

    trials: list[Trial]


class TrialDecided(Wire):
    """What a pilot has decided, as its guardrail counts it."""

    decisions: int
    escalated: int
    approved: str
    approved_on_last_day: str


class TrialSide(Wire):
    """What one set came to; `refused` is what it cannot read."""

    approved: int
    escalated: int
    denied: int
    incomplete: int
    refused: int
    money: str = Field(description="Approved without asking.")


class TrialMove(Wire):
    """How many decisions came out so under one set and so under the other."""

    live: str
    candidate: str
    decisions: int
    value: str


class TrialShare(Wire):
    """What a rule determined."""

    decisions: int
    money: str


class TrialRule(Wire):
    """A rule, or a code where none determined, on both sides."""

    rule: str
    live: TrialShare
    candidate: TrialShare


class TrialVerdict(Wire):
    """What came of a case under one set. `role` gave it, or would be asked."""

    outcome: str
    rule: str | None
    role: str | None


class TrialFlip(Wire):
    """A decision that comes out otherwise."""

    entry: str
    about: str
    at: Instant
    site: str
    resolution: str
    live: TrialVerdict
    candidate: TrialVerdict
    value: str


class TrialNote(Wire):
    """What could not be compared, or only in part."""

    note: str
    times: int


class TrialComparison(Wire):
    """The same cases under both sets, each on the balances of its decision."""

    decisions: int
    flipped: int
    failed: int = Field(description="Those that could not be decided again.")
    live: TrialSide
    candidate: TrialSide
    approved_more: str
    approved_less: str
    escalations_more: int
    escalations_less: int
    moves: list[TrialMove]
    rules: list[TrialRule]
    last_flips: list[TrialFlip] = Field(description="The last ones, newest first.")
    notes: list[TrialNote]
    entries_left: int = Field(description="Entries of the log that were not looked at yet.")
    is_complete: bool = Field(description="Whether everything until its end is in.")


class TrialWithFigures(Trial):
    """A trial with what was decided and compared, and its files."""

    decided: TrialDecided | None = Field(description="A pilot's.")
    compared: TrialComparison | None = Field(description="Null before it begins.")
    files: dict[str, str] = FILES
