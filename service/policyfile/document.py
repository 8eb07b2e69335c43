"""The shape of a policy file: what may stand where.

What it means (whether a role exists, whether an expression has the right type) is checked
when the set is compiled. Editors get the same models as JSON Schema, so every key has a
description and an example.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    field_validator,
)

from service.core.request import AgentKind
from service.core.rulebook import FactType
from service.core.window import Every
from service.policyfile.terms import (
    NAME,
    Condition,
    Currency,
    DayOfYear,
    Duration,
    EvidenceKind,
    FactPath,
    Hours,
    Label,
    Money,
    MoneyOrExpression,
    Name,
    Rate,
    Sentence,
    SiteName,
    TimeOfDay,
    Timezone,
    refuse,
)

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Strict(BaseModel):
    """Nothing is converted, nothing unknown is taken, nothing changes afterwards.

    A key without a value is refused: an empty ``up_to:`` must not read as no limit. Keys
    that may be null are named in ``may_be_null``.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    may_be_null: ClassVar[frozenset[str]] = frozenset()

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_nothing(cls, value: object, info: ValidationInfo) -> object:
        if value is None and info.field_name not in cls.may_be_null:
            refuse("no_value", "The key has no value.", "Write one, or delete the key.")
        return value


def distinct(values: list[str]) -> list[str]:
    """The values, none of them twice."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            refuse("duplicate_item", f"`{value}` stands here twice.", "Keep one of them.")
        seen.add(value)
    return values


def _any_or_list(value: object, handler: ValidatorFunctionWrapHandler) -> list[str] | None:
    if value == "any":
        return None
    if isinstance(value, str):
        refuse(
            "wrong_type",
            "This is the word `any` or a list of resolutions.",
            "Write it as a list: [{raw}]",
        )
    names: list[str] = handler(value)
    return names


_ANY_OR_NAMES_SCHEMA: dict[str, object] = {
    "anyOf": [
        {"const": "any"},
        {
            "type": "array",
            "items": {"type": "string", "pattern": NAME},
            "minItems": 1,
            "uniqueItems": True,
        },
    ]
}

Names = Annotated[list[Name], Field(min_length=1), AfterValidator(distinct)]
Sites = Annotated[list[SiteName], Field(min_length=1), AfterValidator(distinct)]
Kinds = Annotated[list[EvidenceKind], Field(min_length=1), AfterValidator(distinct)]
Labels = Annotated[list[Label], AfterValidator(distinct)]
AgentKinds = Annotated[list[AgentKind], Field(min_length=1), AfterValidator(distinct)]
AnyOrNames = Annotated[
    Names | None, WrapValidator(_any_or_list), WithJsonSchema(_ANY_OR_NAMES_SCHEMA)
]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Whole = Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]


class SiteDocument(Strict):
    """A place where people serve."""

    timezone: Timezone | None = Field(
        None, description="Where its clocks are set; the set's timezone if left out."
    )
    hours: Hours | None = Field(
        None,
        description="Local hours in which the clock of an answer runs; day and night if left out.",
        examples=["07:00-23:00"],
    )


class RoleDocument(Strict):
    """A rung of a ladder."""

    reports_to: Name | None = Field(
        None, description="The role above. The top of a ladder has none.", examples=["duty_manager"]
    )


class FactDocument(Strict):
    """Something that callers must tell."""

    type: Annotated[FactType, Field(strict=False)] = Field(
        description="What values it has.", examples=["money"]
    )
    personal: bool = Field(
        default=False,
        description="Never written in clear, and erasable. May stand only in `per` and `subject`.",
        examples=[True],
    )
    optional: bool = Field(
        default=False, description="That it is absent is normal.", examples=[True]
    )
    of: Annotated[Labels, Field(min_length=1)] | None = Field(
        None, description="The values of a choice.", examples=[["member", "silver", "gold"]]
    )
    least: Whole | None = Field(
        None, alias="from", description="The least value of an integer.", examples=[1]
    )
    most: Whole | None = Field(
        None, alias="to", description="The greatest value of an integer.", examples=[5]
    )


class HoldDocument(Strict):
    """An approval that is kept back, and what happens when its time is up."""

    lasts: Duration = Field(alias="for", description="How long it is kept.", examples=["72h"])
    then: Literal["settle", "release"] = Field(
        description="Whether the money is given or returned at the end.", examples=["release"]
    )


class ResolutionDocument(Strict):
    """Something that may be given."""

    unit: EvidenceKind | None = Field(
        None, description="It is counted, not an amount of money.", examples=["night"]
    )
    worth: MoneyOrExpression | None = Field(
        None,
        description="What one unit is worth: money, or an expression that computes it.",
        examples=["stay.nightly_rate", 'money("25.00")'],
    )
    entitlement: bool = Field(
        default=False,
        description="Owed, not goodwill: only rules that name it concern it.",
        examples=[True],
    )
    hold: HoldDocument | None = Field(
        None,
        description="Keep approvals back until they are settled or released.",
        examples=[{"for": "72h", "then": "release"}],
    )


class GrantDocument(Strict):
    """What a role may give by itself."""

    id: Name = Field(description="Names the rule in decisions.", examples=["small-gesture"])
    role: Name = Field(description="Whose remit it is.", examples=["front_desk"])
    may: AnyOrNames = Field(
        description="Resolutions, or `any`: every one but entitlements.",
        examples=[["goodwill_credit"], "any"],
    )
    up_to: MoneyOrExpression | None = Field(
        None, description="The most that passes.", examples=[200, "percent(stay.total, 100)"]
    )
    exactly: MoneyOrExpression | None = Field(
        None, description="The only sum that passes.", examples=["stay.refund_due"]
    )
    when: Condition | None = Field(
        None, description="Holds only where this is true.", examples=["incident.severity >= 3"]
    )
    needs: Kinds | None = Field(
        None, description="`note`, or kinds of evidence, that must be there.", examples=[["note"]]
    )
    sites: Sites | None = Field(None, description="Holds only there.", examples=[["vienna"]])
    agents: AgentKinds | None = Field(
        None, description="Holds only for proposals of these.", examples=[["human"]]
    )


class BudgetDocument(Strict):
    """A cap across resolutions."""

    id: Name = Field(description="Names the budget in decisions.", examples=["guest-stay"])
    limit: Money | None = Field(None, description="The most money.", examples=[2000, "1999.50"])
    count: Count | None = Field(None, description="The most approvals.", examples=[3])
    per: Annotated[list[Label], AfterValidator(distinct)] | None = Field(
        None,
        description="Facts and built-in names that have a balance each; one for all if left out.",
        examples=[["guest.id", "stay.id"]],
    )
    every: Every | None = Field(
        None, description="Starts anew with each calendar window.", examples=["month"]
    )
    within: Duration | None = Field(
        None, description="Counts what lies less than this back.", examples=["90d"]
    )
    resolutions: Names | None = Field(
        None,
        description="Counts only these; every one but entitlements if left out.",
        examples=[["goodwill_credit"]],
    )
    roles: Names | None = Field(
        None,
        description="Counts only what is given under these roles.",
        examples=[["front_desk"]],
    )
    when: Condition | None = Field(
        None, description="Counts only where this is true.", examples=['guest.tier != "gold"']
    )


class ProhibitionDocument(Strict):
    """What nobody may give."""

    id: Name = Field(description="Names the rule in decisions.", examples=["no-cash"])
    may_not: AnyOrNames = Field(
        description="Resolutions, or `any`: every one but entitlements.", examples=[["cash"]]
    )
    because: Sentence = Field(
        description="What the colleague is told.", examples=["Cash leaves no trace."]
    )
    when: Condition | None = Field(
        None, description="Applies only where this is true.", examples=["incident.severity < 2"]
    )
    sites: Sites | None = Field(None, description="Applies only there.", examples=[["vienna"]])
    roles: Names | None = Field(
        None, description="Applies only to these roles.", examples=[["front_desk"]]
    )
    agents: AgentKinds | None = Field(
        None, description="Applies only to proposals of these.", examples=[["ai"]]
    )


class FloodDocument(Strict):
    """How many escalations one proposer may send in a time."""

    count: Count = Field(description="The most escalations.", examples=[20])
    within: Duration = Field(description="In any stretch of this length.", examples=["1h"])


class EscalationDocument(Strict):
    """How a role answers what is handed up to it."""

    answer_within: Duration | None = Field(
        None, description="When an answer is due.", examples=["15m"]
    )
    on_timeout: Literal["next", "deny"] | None = Field(
        None, description="Hand further up, or deny, when none came.", examples=["next"]
    )
    approvals: Annotated[int, Field(ge=1, le=10)] = Field(
        1, description="How many different people must approve.", examples=[2]
    )
    at_most: FloodDocument | None = Field(
        None,
        description="How many one proposer may send.",
        examples=[{"count": 20, "within": "1h"}],
    )
    around_the_clock: bool = Field(
        default=False,
        description="The clock of an answer runs outside the site's hours too.",
        examples=[True],
    )


class CalendarDocument(Strict):
    """Where days, weeks and years begin."""

    day_starts: TimeOfDay | None = Field(
        None, description="When a business day begins; midnight if left out.", examples=["04:00"]
    )
    week_starts: Weekday | None = Field(
        None, description="The first day of a week; Monday if left out.", examples=["sunday"]
    )
    year_starts: DayOfYear | None = Field(
        None, description="Month and day of the first day; 01-01 if left out.", examples=["04-01"]
    )


class PolicyDocument(Strict):
    """A policy file of Remit. Files of one folder are merged."""

    remit: Literal[1] = Field(1, description="The version of the language.", examples=[1])
    name: Name | None = Field(None, description="The set's name.", examples=["grand-hotel"])
    description: Sentence | None = Field(
        None, description="What the set is for.", examples=["Goodwill at the Grand Hotel."]
    )
    currency: Currency | None = Field(
        None, description="What all amounts are in, by ISO 4217.", examples=["USD"]
    )
    timezone: Timezone | None = Field(
        None, description="Where clocks are set, by IANA name.", examples=["America/New_York"]
    )
    calendar: CalendarDocument | None = Field(
        None, description="Where windows of budgets begin.", examples=[{"day_starts": "04:00"}]
    )
    rates: dict[Currency, Rate] = Field(
        {},
        description="What one unit of another currency is worth in the set's.",
        examples=[{"EUR": "1.08"}],
    )
    sites: dict[SiteName, SiteDocument] = Field(
        {},
        description="Where people serve. Once one is declared, no other will do.",
        examples=[{"vienna": {"timezone": "Europe/Vienna"}}],
    )
    roles: dict[Name, RoleDocument] = Field(
        {}, description="Ladders.", examples=[{"front_desk": {"reports_to": "duty_manager"}}]
    )
    facts: dict[FactPath, FactDocument] = Field(
        {}, description="What callers tell.", examples=[{"stay.total": {"type": "money"}}]
    )
    subject: FactPath | None = Field(
        None, description="The fact that says who is served.", examples=["guest.id"]
    )
    resolutions: dict[Name, ResolutionDocument] = Field(
        {}, description="What may be given.", examples=[{"goodwill_credit": {}}]
    )
    grants: list[GrantDocument] = Field(
        [],
        description="What roles may give by themselves; the first that passes counts.",
        examples=[
            [{"id": "small", "role": "front_desk", "may": ["goodwill_credit"], "up_to": 200}]
        ],
    )
    budgets: list[BudgetDocument] = Field(
        [],
        description="Caps across resolutions.",
        examples=[[{"id": "house", "limit": 60000, "per": ["site.id"], "every": "month"}]],
    )
    prohibitions: list[ProhibitionDocument] = Field(
        [],
        description="What nobody may give.",
        examples=[[{"id": "no-cash", "may_not": ["cash"], "because": "Cash leaves no trace."}]],
    )
    escalation: dict[Name, EscalationDocument] = Field(
        {},
        description="How roles answer what is handed up.",
        examples=[{"duty_manager": {"answer_within": "15m", "on_timeout": "next"}}],
    )
