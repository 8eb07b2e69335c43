"""Resolutions over HTTP."""

import pytest

from service.api import models
from tests.api.door import Door, assert_problem
from tests.app.house import proposal


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"amount": "50.00"}, "approved"),
        ({"amount": "300.00", "note": "x"}, "escalated"),
        ({"resolution": "cash"}, "denied"),
        ({"amount": "150.00"}, "incomplete"),
    ],
)
def test_every_outcome_is_created(door: Door, fields: dict[str, str], outcome: str) -> None:
    """A decision was made whatever it was, and it has the shape that is documented."""
    response = door.propose(**fields)
    assert response.status_code == 201
    decision = models.Decision.model_validate(response.json())
    assert decision.outcome == outcome
    assert decision.entry is not None


def test_a_check_decides_without_effect(door: Door) -> None:
    """The same body, 200, and no entry."""
    response = door.post("/v1/resolutions/check", proposal("300.00", note="x"))
    assert response.status_code == 200
    decision = models.Decision.model_validate(response.json())
    assert (decision.id, decision.entry) == (None, None)
    assert door.house.entries(kind="decision") == []


def test_a_resolution_is_found_again(door: Door) -> None:
    """By its id, and in the list."""
    made = door.propose().json()
    case = models.Case.model_validate(door.get(f"/v1/resolutions/{made['id']}").json())
    assert case.proposed_by.id == "ana"
    page = models.ResolutionPage.model_validate(door.get("/v1/resolutions", agent="ana").json())
    assert [item.id for item in page.resolutions] == [made["id"]]
    assert page.next is None


def test_pages_follow_each_other(door: Door) -> None:
    """``next`` of one page is ``after`` of the following."""
    ids = [door.propose(amount="1.00", guest=f"G-{n}").json()["id"] for n in range(3)]
    first = door.get("/v1/resolutions", limit="2").json()
    second = door.get("/v1/resolutions", limit="2", after=first["next"]).json()
    assert [item["id"] for item in first["resolutions"] + second["resolutions"]] == ids[::-1]
    assert second["next"] is None


def test_time_narrows_the_list(door: Door) -> None:
    """From an instant on, and before one."""
    at = door.propose().json()["decided_at"]
    assert len(door.get("/v1/resolutions", since=at).json()["resolutions"]) == 1
    assert door.get("/v1/resolutions", until=at).json()["resolutions"] == []


def test_the_allowance_is_told(door: Door) -> None:
    """Resolution by resolution, in the shape that is documented."""
    facts = {"guest": {"id": "G-1"}, "stay": {"id": "S-1"}}
    response = door.post("/v1/allowance", {"site": "main", "facts": facts})
    allowance = models.Allowance.model_validate(response.json())
    credit = next(one for one in allowance.allowance if one.resolution == "credit")
    assert credit.up_to is not None
    assert credit.up_to.amount == "200.00"


def test_the_policy_is_told(door: Door) -> None:
    """In the shape that is documented."""
    policy = models.PolicyInForce.model_validate(door.get("/v1/policy").json())
    assert (policy.name, policy.currency) == ("shop", "USD")


def test_an_entry_is_told_with_its_bytes(door: Door) -> None:
    """An auditor hashes what is there."""
    entry = door.propose().json()["entry"]
    found = models.ExactEntry.model_validate(
        door.get(f"/v1/log/{entry['id']}", person="audra").json()
    )
    assert found.leaf == entry["leaf"]
    page = door.get("/v1/log", person="audra", kind="decision", outcome="approved").json()
    assert [one.id for one in models.EntryPage.model_validate(page).entries] == [entry["id"]]


@pytest.mark.parametrize(
    ("path", "person", "code"),
    [
        ("/v1/resolutions/res_none", "ana", "no_resolution"),
        ("/v1/escalations/esc_none", "max", "no_escalation"),
        ("/v1/log/ent_none", "audra", "no_entry"),
    ],
)
def test_what_is_not_there_is_not_found(door: Door, path: str, person: str, code: str) -> None:
    """With the kind of thing that it is not."""
    assert_problem(door.get(path, person=person), 404, code)


def test_a_change_of_policy_counts_at_once(door: Door) -> None:
    """The door reads ahead; what it read under an old policy is read again."""
    assert door.propose().json()["outcome"] == "approved"
    door.house.publish(("credit", "voucher"))
    assert_problem(door.propose(), 422, "unknown_resolution")
    assert door.propose(resolution="voucher").json()["outcome"] == "approved"
