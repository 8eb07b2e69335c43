"""The JSON about held money and budgets, as models: for documentation, clients and tests."""

from typing import Any

from pydantic import Field

from service.api.models import Amount, Instant, Page, Wire


class Settlement(Wire):
    """How much of a hold is settled: an amount, a quantity where there is a unit, or all."""

    amount: Amount | None = None
    quantity: int | None = Field(default=None, ge=1, le=1_000_000)


class Release(Wire):
    """Nothing is said: all of it returns."""


class Reversal(Wire):
    """Why the money returns."""

    reason: str = Field(min_length=1, max_length=4_000, examples=["charged to the wrong stay"])


class BurnDay(Wire):
    """What was charged on one local day, and what came back on it."""

    day: str = Field(examples=["2026-03-01"])
    charged: str | int
    returned: str | int


class BudgetRow(Wire):
    """One key of one budget in one window, under the limit in force.

    `used` is `held` and `settled` together; all five are counts where `currency` is null.
    `row` is the name that the log has for it, null where nothing was ever charged.
    """

    budget: str
    row: str | None
    site: str | None
    per: dict[str, str]
    currency: str | None
    limit: str | int
    used: str | int
    held: str | int
    settled: str | int
    remaining: str | int
    version: int
    # "from" is a word of the language
    from_: Instant | None = Field(alias="from")
    until: Instant | None
    burn: list[BurnDay] | None


class BudgetPage(Page):
    """Budget rows by the budget's id, then by key."""

    budgets: list[BudgetRow]


class BudgetSearch(Wire):
    """What the keys of the rows are made of: a site, facts, and an agent if one is meant."""

    site: str = Field(examples=["new_york"], max_length=200)
    agent: str | None = Field(default=None, examples=["ana"], max_length=200)
    budget: str | None = Field(default=None, examples=["guest-stay"], max_length=200)
    burn: bool | None = None
    reason: str | None = Field(default=None, max_length=200)
    channel: str | None = Field(default=None, max_length=200)
    facts: dict[str, Any] | None = Field(
        default=None, examples=[{"guest": {"id": "G-1029"}, "stay": {"id": "S-88"}}]
    )
    unavailable: list[str] | None = Field(default=None, max_length=50)
