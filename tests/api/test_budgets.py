"""Budgets over HTTP."""

import pytest

from service.api.budgetmodels import BudgetPage
from tests.api.door import Door, assert_problem

CASE = {"site": "main", "facts": {"guest": {"id": "G-1"}, "stay": {"id": "S-1"}}}


def test_budgets_are_listed(door: Door) -> None:
    """What is kept for no person, in the shape that is documented."""
    door.propose()
    page = BudgetPage.model_validate(door.get("/v1/budgets", person="max").json())
    assert [(row.budget, row.used, row.burn) for row in page.budgets] == [("day", "50.00", None)]
    assert page.next is None


def test_burn_is_told_where_it_is_asked_for(door: Door) -> None:
    """Day by day."""
    door.propose()
    page = BudgetPage.model_validate(door.get("/v1/budgets", person="max", burn="true").json())
    (row,) = page.budgets
    assert row.burn is not None
    assert [(day.charged, day.returned) for day in row.burn] == [("50.00", "0.00")]


def test_pieces_of_the_key_narrow_the_list(door: Door) -> None:
    """By the name that stands under ``per``."""
    door.propose()
    found = door.get("/v1/budgets", person="gus", **{"per.site.id": "main"}).json()
    assert len(found["budgets"]) == 1
    found = door.get("/v1/budgets", person="gus", **{"per.site.id": "annex"}).json()
    assert found["budgets"] == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("per.guest.id", "G-1", "kept_per_person"),
        ("budget", "stay", "kept_per_person"),
        ("per.weather", "x", "unknown_parameter"),
        ("guest", "G-1", "unknown_parameter"),
        ("at", "yesterday", "invalid_parameter"),
        ("at", "9999-12-31T00:00:00Z", "invalid_parameter"),
        ("burn", "yes", "invalid_parameter"),
        ("limit", "0", "invalid_parameter"),
    ],
)
def test_what_cannot_be_asked_is_a_problem(door: Door, name: str, value: str, code: str) -> None:
    """A person's id never stands in a URL, and no misspelt filter is taken for none."""
    assert_problem(door.get("/v1/budgets", person="max", **{name: value}), 400, code)


def test_what_is_kept_per_person_is_searched_for(door: Door) -> None:
    """With the facts in the body."""
    door.propose()
    response = door.post("/v1/budgets/search", CASE, person="max")
    rows = {row.budget: row for row in BudgetPage.model_validate(response.json()).budgets}
    assert (rows["stay"].per, rows["stay"].used) == ({"guest.id": "G-1", "stay.id": "S-1"}, "50.00")
    assert (rows["often"].used, rows["often"].remaining) == (1, 2)


def test_who_may_not_read_budgets_is_refused(door: Door) -> None:
    """A clerk, and a manager of another site."""
    assert_problem(door.get("/v1/budgets", person="ana"), 403, "not_permitted")
    body = {**CASE, "site": "annex"}
    assert_problem(door.post("/v1/budgets/search", body, person="max"), 403, "not_permitted")


def test_a_search_is_checked(door: Door) -> None:
    """As every body is."""
    body = {**CASE, "guest": "G-1"}
    assert_problem(door.post("/v1/budgets/search", body, person="max"), 422, "unknown_field")
