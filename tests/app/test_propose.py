"""A proposal is decided, charged and logged in one transaction."""

import json
from concurrent.futures import wait
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import rfc8785

from service.app.errors import Forbidden
from service.core.canonical import canonical_bytes
from service.core.disclosure import digest_of
from service.core.merkle import leaf_hash
from service.core.refusal import Refused
from tests.app.house import House, leaf_of, proposal, readings


def test_an_approval_is_settled_and_charged(house: House) -> None:
    """Every budget of the authority has it, and the answer says where it stands in the log."""
    answer = house.propose(amount="50.00")
    assert (answer["outcome"], answer["state"]) == ("approved", "settled")
    assert answer["authority"] == {"role": "clerk", "grant": "small"}
    assert {line["budget"]: line["used"] for line in answer["budgets"]} == {
        "stay": "50.00",
        "day": "50.00",
        "often": 1,
    }
    (entry,) = house.entries(kind="decision")
    assert answer["entry"] == {"id": entry.id, "leaf": entry.leaf.hex()}


def test_balances_are_carried_from_one_decision_to_the_next(house: House) -> None:
    """What was used before counts, whoever proposes."""
    house.propose("ana", amount="90.00")
    answer = house.propose("ben", amount="90.00")
    assert answer["budgets"][0]["used"] == "180.00"
    assert answer["budgets"][0]["version"] == 2


def test_an_escalation_charges_nothing(house: House) -> None:
    """It goes to exactly the role that can say yes, and the money stays where it is."""
    answer = house.propose(amount="300.00", note="a leak")
    assert (answer["outcome"], answer["state"]) == ("escalated", "pending")
    assert answer["escalation"]["to"] == "manager"
    assert house.balances() == {}


def test_a_denial_is_logged_like_an_approval(house: House) -> None:
    """All four outcomes are decisions."""
    assert house.propose(resolution="cash")["outcome"] == "denied"
    assert house.propose(amount="150.00")["missing"] == ["note"]
    assert [entry.outcome for entry in house.entries(kind="decision")] == ["incomplete", "denied"]


def test_an_exhausted_budget_hands_upwards(house: House) -> None:
    """The fourth gesture for one guest is above the colleague's remit."""
    for _ in range(3):
        assert house.propose(amount="10.00")["outcome"] == "approved"
    answer = house.propose(amount="10.00")
    assert (answer["outcome"], answer["escalation"]["to"]) == ("escalated", "manager")


def test_what_is_kept_back_counts_as_used(house: House) -> None:
    """A resolution with a hold is held, not settled, and its money is not there twice."""
    first = house.propose(amount=None, resolution="upgrade", quantity=10)
    assert (first["outcome"], first["state"]) == ("approved", "held")
    assert first["budgets"][0]["used"] == "100.00"


def test_the_instant_is_the_databases(house: House) -> None:
    """The decision names the clock of its transaction."""
    before = datetime.now(UTC)  # noqa: TID251 — compared with the machine's own clock
    decided_at = datetime.fromisoformat(house.propose()["decided_at"])
    assert abs((decided_at - before).total_seconds()) < 60


@pytest.mark.parametrize("person", ["audra", "nobody"])
def test_who_may_not_propose_changes_nothing(house: House, person: str) -> None:
    """The right to propose is asked for at the site of the proposal."""
    house.principal(person)
    before = len(house.entries())
    with pytest.raises(Forbidden):
        house.propose(person)
    assert len(house.entries()) == before


def test_a_right_at_one_site_is_none_at_another(house: House) -> None:
    """Domains are sites."""
    with pytest.raises(Forbidden):
        house.propose("ana", site="annex")


def test_a_refusal_changes_nothing(house: House) -> None:
    """What cannot be read is not decided."""
    house.principal("ana")
    before = len(house.entries())
    with pytest.raises(Refused):
        house.propose(amount="1.234")
    assert len(house.entries()) == before


def test_every_entry_is_canonical_and_its_leaf_is_its_hash(house: House) -> None:
    """The bytes are RFC 8785's, the leaf is RFC 6962's, whatever was decided."""
    for fields in _some_of_everything():
        house.propose(**fields)
    entries = house.entries()
    assert len(entries) >= len(_some_of_everything())
    for entry in entries:
        value = json.loads(entry.body)
        assert entry.body == rfc8785.dumps(value)
        assert entry.body == canonical_bytes(value)
        assert entry.leaf == leaf_of(entry) == leaf_hash(entry.body)


def test_commitments_open_to_what_was_said(house: House) -> None:
    """Each personal value is in the entry as an RFC 9901 digest, and as nothing else."""
    answer = house.propose(
        amount="150.00",
        guest="G-secret",
        note="she wept",
        evidence=[{"kind": "photo", "reference": "case/991"}],
    )
    (entry,) = house.entries(kind="decision")
    body = orjson.loads(entry.body)
    disclosed = _opened(house, entry.id)
    assert sorted(digest_of(one) for one in disclosed.values()) == body["_sd"]
    assert set(disclosed) == {"guest.id", "note", "evidence/0"}
    assert answer["budgets"][0]["per"] == {"guest.id": "G-secret", "stay.id": "S-1"}


def test_two_hundred_at_once_never_overspend(house: House) -> None:
    """One budget, a hundred times its worth in flight: it is used up and not a cent more."""
    commands = [
        house.command(amount="50.00", guest=f"G-{number}", resolution="credit")
        for number in range(200)
    ]
    pending = [house.services.committer.submit(command) for command in commands]
    wait(pending, timeout=120)
    outcomes = [orjson.loads(future.result().body)["outcome"] for future in pending]  # type: ignore[attr-defined]
    assert outcomes.count("approved") == 2000 // 50
    assert _highest(house, "day") == 200_000


def test_versions_of_a_row_have_no_gap(house: House) -> None:
    """The history of each row can be added up again: before is always the last after."""
    for number in range(5):
        house.propose(amount="20.00", guest=f"G-{number}")
    lines = [
        line
        for entry in reversed(house.entries(kind="decision"))
        for line in readings(entry)
        if line["budget"] == "day"
    ]
    assert [line["version"] for line in lines] == [1, 2, 3, 4, 5]
    assert [line["before"] for line in lines] == [0, 2000, 4000, 6000, 8000]


def _some_of_everything() -> list[dict[str, Any]]:
    odd = 'quote " slash / back \\ tab\t ünï €  😀'
    return [
        {"amount": "50.00"},
        {"amount": "150.00", "note": odd},
        {"amount": "400.00", "reason": "noise ü €"},
        {"resolution": "cash"},
        {"amount": None, "resolution": "upgrade", "quantity": 2},
        {"facts": {"guest": {"id": odd.replace("\t", " ")}, "stay": {"id": "😀", "weight": 1.5}}},
    ]


def _opened(house: House, entry: str) -> dict[str, str]:
    """The encoded disclosures of an entry by name."""
    vault = house.services.vault
    with house.services.store.read() as reader:
        opening = reader.openings([entry])[entry]
        wrapped = reader.subject_keys([opening.subject])[opening.subject]
    encoded: list[str] = orjson.loads(vault.unseal(wrapped, opening.sealed, entry))
    return {_name(one): one for one in encoded}


def _name(encoded: str) -> str:
    import base64  # noqa: PLC0415 — only here

    salt, name, _ = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    assert len(salt) >= 22, "128 bits"
    return str(name)


def _highest(house: House, budget: str) -> int:
    after = [
        int(line["after"])
        for entry in house.entries()
        for line in readings(entry)
        if line["budget"] == budget
    ]
    return max(after)


def test_the_shop_proposes_what_it_says() -> None:
    """The proposals of these tests are what their keywords say."""
    assert proposal("1.00", "G-9", note="x") == {
        "site": "main",
        "resolution": "credit",
        "facts": {"guest": {"id": "G-9"}, "stay": {"id": "S-1"}},
        "amount": "1.00",
        "note": "x",
    }
