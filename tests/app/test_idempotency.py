"""The same request twice has one effect, and the same answer to the byte."""

from concurrent.futures import wait

import pytest

from service.app.errors import Mismatch
from tests.app.house import House


def decisions(house: House) -> int:
    return len(house.entries(kind="decision"))


def test_a_repeated_request_gets_the_stored_answer(house: House) -> None:
    """Byte for byte, with the personal values that the database does not hold in clear."""
    first = house.decide(house.command(key="k-1", guest="G-secret"))
    second = house.decide(house.command(key="k-1", guest="G-secret"))
    assert (first.replayed, second.replayed) == (False, True)
    named = house.services.finder.named(second.unnamed or "", second.body)
    assert named == first.body
    assert b"G-secret" in named
    assert second.status == first.status == 201
    assert decisions(house) == 1


def test_duplicates_in_one_batch_are_decided_once(house: House) -> None:
    """Requests that wait together see what the first of them was answered."""
    commands = [house.command(key="k-1") for _ in range(20)]
    pending = [house.services.committer.submit(command) for command in commands]
    wait(pending, timeout=60)
    assert sorted(future.result().replayed for future in pending) == [False] + [True] * 19  # type: ignore[attr-defined]
    assert decisions(house) == 1


def test_another_body_under_the_same_key_is_a_mismatch(house: House) -> None:
    """A key stands for one request for ever."""
    house.decide(house.command(key="k-1", amount="10.00"))
    with pytest.raises(Mismatch):
        house.decide(house.command(key="k-1", amount="11.00"))
    assert decisions(house) == 1


def test_a_denial_replays_as_a_denial(house: House) -> None:
    """Whatever changed since, a repeated request is not decided again."""
    first = house.decide(house.command(key="k-1", resolution="cash"))
    house.publish(("may_not: [cash]", "may_not: [night]"))
    second = house.decide(house.command(key="k-1", resolution="cash"))
    assert second.replayed
    assert second.body == first.body


def test_a_replay_outlives_the_policy_that_could_read_it(house: House) -> None:
    """The body need not be readable any more to be answered again."""
    first = house.decide(house.command(key="k-1", resolution="cash"))
    house.publish(("cash", "coins"))
    assert house.decide(house.command(key="k-1", resolution="cash")).body == first.body


def test_keys_are_a_persons_own(house: House) -> None:
    """Two people who choose the same key do not meet."""
    house.decide(house.command("ana", key="k-1"))
    assert not house.decide(house.command("ben", key="k-1")).replayed
    assert decisions(house) == 2


def test_a_refused_request_leaves_its_key_free(house: House) -> None:
    """What was never decided stands for nothing, so the mended request may use the key."""
    with pytest.raises(ValueError, match="decimals"):
        house.decide(house.command(key="k-1", amount="1.234"))
    assert not house.decide(house.command(key="k-1", amount="1.23")).replayed
