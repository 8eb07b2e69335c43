"""After a person's erasure what they were given runs its course, and nothing tells of them."""

import sqlite3

import orjson
import psycopg
import pytest

from service.core.hold import Move
from service.core.refusal import Refused
from tests.app.holding import HoldingHouse

REASON = {"reason": "Mrs Miller was charged twice"}


def run(house: HoldingHouse, *statements: str) -> list[tuple[object, ...]]:
    """Statements beside the service; what the last one returns."""
    url = house.services.settings.database
    found: list[tuple[object, ...]] = []
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as file:
            for statement in statements:
                found = file.execute(statement).fetchall()
        file.close()
        return found
    with psycopg.connect(url.replace("+psycopg", "", 1)) as server:
        for statement in statements:
            cursor = server.execute(statement.encode())
            found = cursor.fetchall() if cursor.description else []
    return found


def erase(house: HoldingHouse) -> None:
    """Destroy every key and every opening, and keep who is who among the surrogates."""
    run(house, "DELETE FROM openings", "DELETE FROM subject_keys")


def keys_and_openings(house: HoldingHouse) -> tuple[object, ...]:
    count = "SELECT (SELECT count(*) FROM subject_keys), (SELECT count(*) FROM openings)"
    return run(house, count)[0]


def approved(house: HoldingHouse, resolution: str = "bond") -> str:
    answer = house.propose(resolution=resolution, amount="50.00", guest="G-secret")
    assert answer["outcome"] == "approved"
    return str(answer["id"])


@pytest.mark.parametrize(
    ("move", "state", "used"),
    [
        (Move.SETTLE, "settled", ("0.00", "50.00", 2)),
        (Move.RELEASE, "released", ("0.00", "0.00", 2)),
    ],
)
def test_a_hold_of_somebody_erased_is_ended(
    holding: HoldingHouse, move: Move, state: str, used: tuple[str, str, int]
) -> None:
    """It is settled or released under the surrogate, and the budgets move as ever."""
    id_ = approved(holding)
    erase(holding)
    done = holding.finish("ana", id_, move)
    assert done["state"] == state
    assert done["budgets"][0]["per"]["guest.id"].startswith("sub_")
    assert keys_and_openings(holding) == (0, 0)
    assert holding.used("G-secret")["stay"] == used


def test_a_hold_of_somebody_erased_runs_out(holding: HoldingHouse) -> None:
    """Its end needs nobody's key."""
    id_ = approved(holding)
    erase(holding)
    holding.wait(hours=24)
    holding.sweep()
    assert holding.case(id_)["state"] == "released"
    assert keys_and_openings(holding) == (0, 0)


def test_a_reversal_after_an_erasure_takes_no_reason(holding: HoldingHouse) -> None:
    """The money returns; who reversed it is in the log, and no key was made anew."""
    id_ = approved(holding, "credit")
    erase(holding)
    done = holding.finish("max", id_, Move.REVERSE, {})
    assert done["state"] == "reversed"
    assert holding.used("G-secret")["stay"] == ("0.00", "0.00", 2)
    body = orjson.loads(holding.entries(kind="reverse")[0].body)
    assert (body["by"]["id"], body["_sd"]) == ("max", [])
    assert keys_and_openings(holding) == (0, 0)


def test_a_reason_is_refused_after_an_erasure(holding: HoldingHouse) -> None:
    """It is not taken and thrown away: whoever gave it is told, and nothing was changed."""
    id_ = approved(holding, "credit")
    erase(holding)
    with pytest.raises(Refused) as refused:
        holding.finish("max", id_, Move.REVERSE, REASON)
    (fault,) = refused.value.faults
    assert (fault.code, fault.pointer) == ("reason_not_kept", "/reason")
    assert holding.case(id_)["state"] == "settled"
    assert holding.entries(kind="reverse") == []
    assert keys_and_openings(holding) == (0, 0)


def test_without_an_erasure_a_reason_is_required(holding: HoldingHouse) -> None:
    """Nobody gets around saying why by sending nothing."""
    id_ = approved(holding, "credit")
    with pytest.raises(Refused) as refused:
        holding.finish("max", id_, Move.REVERSE, {})
    assert refused.value.faults[0].code == "reason_required"


def test_a_person_who_came_back_has_a_key_again(holding: HoldingHouse) -> None:
    """A reason is kept under it, whenever the resolution was given, and can be erased again."""
    before = approved(holding, "credit")
    erase(holding)
    approved(holding, "credit")
    done = holding.finish("max", before, Move.REVERSE, REASON)
    assert done["state"] == "reversed"
    assert holding.case(before)["history"][-1]["text"] == REASON["reason"]


def test_what_is_left_of_somebody_erased_can_be_read(holding: HoldingHouse) -> None:
    """The case shows surrogates in place of the person, and no text."""
    answer = holding.propose(
        resolution="bond", amount="50.00", guest="G-secret", note="she was in tears"
    )
    erase(holding)
    holding.settle(answer["id"])
    case = holding.case(answer["id"])
    assert case["proposal"]["facts"]["guest"]["id"].startswith("sub_")
    assert case["proposal"]["note"] is None
    assert [step["text"] for step in case["history"]] == [None, None]
    assert b"G-secret" not in orjson.dumps(case)
