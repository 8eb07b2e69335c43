"""The shape of a suite: proposals in order, and what is expected of each decision."""

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from service.core.decision import Code, Outcome
from service.core.request import AgentKind
from service.policyfile.document import Labels, Strict, Whole, distinct
from service.policyfile.terms import (
    EvidenceKind,
    Instant,
    Label,
    Money,
    Name,
    Sentence,
    SiteName,
    kind_of,
    refuse,
)

NestedFacts: TypeAlias = dict[str, Any]
"""Facts as a proposal has them: ``{"guest": {"tier": "gold"}}``. Types are checked later."""


def _nested(value: object) -> NestedFacts:
    if not isinstance(value, dict):
        refuse(
            "wrong_type",
            f"Facts are a mapping, not {kind_of(value)}.",
            "Nest them by their names: `{guest: {tier: gold}}`.",
        )
    return value


def _name_or_nested(value: object) -> str | NestedFacts:
    return value if isinstance(value, str) else _nested(value)


def _one_or_list(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    return handler(value if isinstance(value, list) else [value])


def _evidence(value: object) -> object:
    """A kind alone stands for some evidence of that kind."""
    return {"kind": value, "reference": value} if isinstance(value, str) else value


_FACTS_SCHEMA: dict[str, Any] = {"type": "object"}
_NAME_OR_FACTS_SCHEMA: dict[str, Any] = {"anyOf": [{"type": "string"}, _FACTS_SCHEMA]}
_MONEY_OR_NULL_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}, {"type": "null"}]
}

Facts = Annotated[NestedFacts, PlainValidator(_nested), WithJsonSchema(_FACTS_SCHEMA)]
FactsOfStep = Annotated[
    list[Annotated[str | NestedFacts, PlainValidator(_name_or_nested)]],
    WrapValidator(_one_or_list),
    WithJsonSchema(
        {
            "anyOf": [
                *_NAME_OR_FACTS_SCHEMA["anyOf"],
                {"type": "array", "items": _NAME_OR_FACTS_SCHEMA},
            ]
        }
    ),
]
MoneyOrNull = Annotated[Money | None, WithJsonSchema(_MONEY_OR_NULL_SCHEMA)]


class EvidenceDocument(Strict):
    """Something that proves the case."""

    kind: EvidenceKind = Field(description="What it is.", examples=["photo"])
    reference: Label = Field(description="Where it lies.", examples=["case/991/1"])


class AgentDocument(Strict):
    """Somebody who proposes."""

    roles: Annotated[list[Name], AfterValidator(distinct)] = Field(
        description="The roles held at the site.", examples=[["front_desk"]]
    )
    site: SiteName | None = Field(
        None, description="Where they serve; each step may say another.", examples=["new_york"]
    )
    kind: AgentKind = Field("human", description="Human or AI.", examples=["ai"])
    owner: Label | None = Field(None, description="Who answers for an AI agent.", examples=["max"])


class BalanceDocument(Strict):
    """How a budget stands after the step: money, or a count."""

    used: Money | None = Field(None, description="What is used.", examples=["500.00"])
    remaining: Money | None = Field(None, description="What is left.", examples=["1500.00"])


class EntryDocument(Strict):
    """What the decision's entry in the log says: the columns that auditors search by."""

    may_be_null: ClassVar[frozenset[str]] = frozenset({"rule"})

    kind: Literal["decision"] = Field(
        "decision", description="What the entry records.", examples=["decision"]
    )
    outcome: Annotated[Outcome, Field(strict=False)] | None = Field(
        None, description="The answer.", examples=["approved"]
    )
    rule: Label | None = Field(
        None, description="The rule that determined it; null is none.", examples=["small-gesture"]
    )
    reason: Annotated[Code, Field(strict=False)] | None = Field(
        None, description="The code that determined it.", examples=["within_limits"]
    )
    value: Money | None = Field(
        None, description="What it is worth, in the set's currency.", examples=["150.00"]
    )


class ExpectDocument(Strict):
    """What a decision must be. What is not named is not compared."""

    may_be_null: ClassVar[frozenset[str]] = frozenset({"cap", "counter_offer"})

    outcome: Annotated[Outcome, Field(strict=False)] | None = Field(
        None, description="The answer; needed unless an error is expected.", examples=["approved"]
    )
    error: Label | None = Field(
        None,
        description="The code with which the proposal is refused before it is decided.",
        examples=["unknown_resolution"],
    )
    grant: Name | None = Field(
        None, description="The grant that passes.", examples=["small-gesture"]
    )
    role: Name | None = Field(
        None, description="The role it is decided under.", examples=["front_desk"]
    )
    to: Name | None = Field(
        None, description="The role it is handed up to.", examples=["duty_manager"]
    )
    reasons: list[Annotated[Code, Field(strict=False)]] | None = Field(
        None,
        description="Codes that must be among the reasons; the first must determine.",
        examples=[["over_limit"]],
    )
    missing: Labels | None = Field(
        None, description="Exactly what is asked for.", examples=[["note", "fact:stay.total"]]
    )
    cap: MoneyOrNull = Field(
        None,
        alias="without_escalation_up_to",
        description="The most that would pass unasked; null is no cap.",
        examples=["500.00"],
    )
    counter_offer: MoneyOrNull = Field(
        None, description="What is owed instead; null is nothing.", examples=["250.00"]
    )
    budgets: dict[Name, BalanceDocument] = Field(
        {}, description="Budgets after the step.", examples=[{"guest-stay": {"used": "500.00"}}]
    )
    entry: EntryDocument | None = Field(
        None,
        description="What the log has of it.",
        examples=[{"rule": "small-gesture", "reason": "within_limits"}],
    )


class StepDocument(Strict):
    """One proposal."""

    by: Label = Field(alias="as", description="Which agent proposes.", examples=["ana"])
    site: SiteName | None = Field(
        None, description="Where; the agent's site if left out.", examples=["vienna"]
    )
    propose: Label = Field(description="The resolution.", examples=["goodwill_credit"])
    amount: Money | None = Field(None, description="How much money.", examples=["150.00"])
    quantity: Whole | None = Field(None, description="How many units.", examples=[2])
    currency: Label | None = Field(
        None, description="Of the amount; the set's if left out.", examples=["EUR"]
    )
    facts: FactsOfStep = Field(
        [],
        description="A name from `facts`, nested facts, or a list of both; later ones win.",
        examples=["gold", ["gold", {"incident": {"severity": 4}}]],
    )
    note: Sentence | None = Field(None, description="The note.", examples=["AC broken"])
    reason: Label | None = Field(None, description="The reason.", examples=["noise"])
    channel: Label | None = Field(None, description="The channel.", examples=["front_desk"])
    evidence: list[
        Annotated[
            EvidenceDocument,
            BeforeValidator(_evidence, json_schema_input_type=EvidenceKind | EvidenceDocument),
        ]
    ] = Field(
        [],
        description="Kinds of evidence, or kinds with references.",
        examples=[["photo"], [{"kind": "photo", "reference": "case/991/1"}]],
    )
    unavailable: Labels = Field(
        [], description="What cannot be had.", examples=[["photo", "fact:stay.total"]]
    )
    at: Instant | None = Field(None, description="When; the test's instant if left out.")
    expect: ExpectDocument = Field(
        description="What the decision must be.", examples=[{"outcome": "approved"}]
    )


class CaseDocument(Strict):
    """One test: steps in order, budgets carried from one to the next."""

    name: Sentence = Field(
        description="What must be true.", examples=["the 2000 dollars are per guest and stay"]
    )
    at: Instant | None = Field(None, description="When; the suite's instant if left out.")
    steps: Annotated[list[StepDocument], Field(min_length=1)] = Field(
        description="Proposals in order.",
        examples=[
            [
                {
                    "as": "ana",
                    "propose": "goodwill_credit",
                    "amount": "150.00",
                    "facts": "gold",
                    "expect": {"outcome": "approved"},
                }
            ]
        ],
    )


class SuiteDocument(Strict):
    """A suite of tests for a policy set of Remit."""

    suite: Label = Field(description="The suite's name.", examples=["goodwill"])
    at: Instant | None = Field(None, description="When everything happens.")
    agents: dict[Label, AgentDocument] = Field(
        {},
        description="Who proposes.",
        examples=[{"ana": {"roles": ["front_desk"], "site": "new_york"}}],
    )
    facts: dict[Label, Facts] = Field(
        {}, description="Facts that steps name.", examples=[{"gold": {"guest": {"tier": "gold"}}}]
    )
    tests: Annotated[list[CaseDocument], Field(min_length=1)] = Field(
        description="What must be true.",
        examples=[
            [
                {
                    "name": "a cent above goes up",
                    "steps": [
                        {
                            "as": "ana",
                            "propose": "goodwill_credit",
                            "amount": "500.01",
                            "facts": "gold",
                            "expect": {"outcome": "escalated", "to": "duty_manager"},
                        }
                    ],
                }
            ]
        ],
    )
