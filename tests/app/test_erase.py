"""Erasure takes two people, leaves nothing that tells of a third, and breaks no proof or cap."""

import shutil
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from service.app.erase import ConfirmErasure, RequestErasure
from service.app.errors import Conflict, Forbidden, Gone, NotFound
from service.app.idempotency import claim_of
from service.app.ports import Page
from service.core.merkle import leaf_hash
from tests.app.holding import HoldingHouse
from tests.app.house import House, open_house, proposal
from tests.app.test_erased import run

GUEST = "G-secret"
PHONE = "+43 1 234"
FACTS = {"guest": {"id": GUEST, "phone": PHONE}, "stay": {"id": "S-1"}}


def request(house: House, guest: str = GUEST, *, person: str = "olga", waive: bool = False) -> str:
    caller = house.principal(person)
    subject = house.services.erasures.find_subject(caller, guest)
    taken = house.decide(RequestErasure(principal=caller, subject=subject, waived=waive))
    return str(orjson.loads(taken.body)["id"])


def confirm(house: House, erasure: str, *, person: str = "otto") -> dict[str, Any]:
    caller = house.principal(person)
    record, names = house.services.erasures.find(caller, erasure)
    taken = house.decide(ConfirmErasure(principal=caller, erasure=record, names=names))
    found: dict[str, Any] = orjson.loads(taken.body)
    return found


def erase(house: House, guest: str = GUEST, *, waive: bool = False) -> dict[str, Any]:
    """Both people's word, and what follows it."""
    done = confirm(house, request(house, guest, waive=waive))
    assert house.services.erasures.finish() == 1
    return done


def found_of(house: House, guest: str = GUEST) -> list[str]:
    """What an auditor finds by a person's name: what each entry is about."""
    page = house.services.books.search.search(house.principal("audra"), {"subject": guest})
    return [entry["about"] for entry in orjson.loads(page)["entries"]]


def propose(house: House, **fields: Any) -> dict[str, Any]:
    return house.propose(facts=FACTS, **fields)


def test_it_takes_two_people(holding: HoldingHouse) -> None:
    """Nobody confirms their own request; the second person's word is the one that counts."""
    propose(holding)
    erasure = request(holding)
    with pytest.raises(Forbidden, match="asked for"):
        confirm(holding, erasure, person="olga")
    assert found_of(holding)
    assert confirm(holding, erasure)["state"] == "done"
    assert found_of(holding) == []
    with pytest.raises(Conflict, match="otto confirmed"):
        confirm(holding, erasure, person="olga")


def test_it_is_asked_for_once_at_a_time(holding: HoldingHouse) -> None:
    """Whoever asks again is led to the request that waits."""
    propose(holding)
    erasure = request(holding)
    with pytest.raises(Conflict, match="olga asked"):
        request(holding, person="otto")
    confirm(holding, erasure)


def test_it_takes_the_right(holding_embedded: HoldingHouse) -> None:
    """Who may not erase learns nothing of who is known; an AI agent may not at all."""
    house = holding_embedded
    propose(house)
    for guest in (GUEST, "G-nobody"):
        with pytest.raises(Forbidden):
            request(house, guest, person="max")
    with pytest.raises(NotFound, match="nothing is kept"):
        request(house, "G-nobody")
    robot = house.principal("otto", "ai", "max")
    subject = house.services.erasures.find_subject(robot, GUEST)
    with pytest.raises(Forbidden, match="only people"):
        house.decide(RequestErasure(principal=robot, subject=subject, waived=False))


def test_afterwards_nothing_tells_of_the_person(holding: HoldingHouse) -> None:
    """No look-up finds them, what was said is null, and no key is left to open anything with."""
    id_ = propose(holding, note="Mrs Miller fell")["id"]
    escalated = propose(holding, amount="600.00", note="Mrs Miller fell badly")
    holding.answer("gus", escalated["escalation"]["id"], "deny", "Mrs Miller was refunded")
    other = holding.propose(guest="G-other", note="a stain")["id"]
    erase(holding)
    assert found_of(holding) == []
    assert holding.used(GUEST)["stay"] == ("0.00", "0.00", 0)
    for case in (id_, escalated["id"]):
        shown = orjson.dumps(holding.case(case)).decode()
        assert GUEST not in shown
        assert PHONE not in shown
        assert "Miller" not in shown
    assert "a stain" in orjson.dumps(holding.case(other)).decode()
    left = "SELECT (SELECT count(*) FROM subject_keys), (SELECT count(*) FROM openings)"
    assert run(holding, left) == [(1, 1)]


def test_the_key_has_left_the_files(holding: HoldingHouse) -> None:
    """Whoever has the master key and every byte of the database can unwrap nothing."""
    propose(holding, note="Mrs Miller fell")
    ((wrapped,),) = run(holding, "SELECT wrapped FROM subject_keys")
    assert isinstance(wrapped, bytes)
    url = holding.services.settings.database
    assert wrapped in everything(url, "subject_keys") or url.startswith("postgresql")
    erase(holding)
    assert wrapped not in everything(url, "subject_keys")


def everything(url: str, table: str) -> bytes:
    """Every byte of an embedded database and its log; on a server, of the table's file."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as server:
        server.execute("CHECKPOINT")
        read = f"SELECT pg_read_binary_file(pg_relation_filepath('{table}'))"
        row = server.execute(read.encode()).fetchone()
    assert row is not None
    return bytes(row[0])


def test_every_leaf_stands(holding: HoldingHouse) -> None:
    """No entry changes by it, so every proof that was given still holds."""
    propose(holding, note="Mrs Miller fell")
    before = {entry.id: (entry.body, entry.leaf) for entry in holding.entries()}
    erase(holding)
    after = {entry.id: (entry.body, entry.leaf) for entry in holding.entries()}
    assert before.items() <= after.items()
    assert all(leaf == leaf_hash(body) for body, leaf in after.values())
    effects = [orjson.loads(one.body)["effect"] for one in holding.entries(kind="erasure")]
    assert effects == ["confirmed", "requested"]


def test_a_cap_does_not_begin_anew(holding: HoldingHouse) -> None:
    """Who was given three gestures in ninety days has had them, erased or not."""
    for _ in range(3):
        assert propose(holding, amount="10.00")["outcome"] == "approved"
    erase(holding)
    assert propose(holding, amount="10.00")["outcome"] == "escalated"


def test_the_operator_may_let_caps_begin_anew(holding: HoldingHouse) -> None:
    """Where nothing at all may be kept, the person is a stranger the next time."""
    for _ in range(3):
        propose(holding, amount="10.00")
    assert erase(holding, waive=True)["kept_until"] is None
    assert propose(holding, amount="10.00")["outcome"] == "approved"
    assert run(holding, "SELECT count(*) FROM surrogates WHERE kept_until IS NOT NULL") == [(0,)]


def test_who_comes_again_is_found_from_then_on(holding: HoldingHouse) -> None:
    """A new stay is theirs; nothing leads from it to what was erased, and it can be erased, too."""
    before = propose(holding)["id"]
    erase(holding)
    with pytest.raises(NotFound, match="nothing is kept"):
        request(holding)
    after = propose(holding, amount="20.00", note="back again")["id"]
    assert found_of(holding) == [after]
    assert before not in found_of(holding)
    erase(holding)
    assert found_of(holding) == []


def test_a_repeated_key_is_gone(holding: HoldingHouse) -> None:
    """What was answered is not told again, and is not done again either."""
    body = {**proposal(), "facts": FACTS}
    caller, vault = holding.principal("ana"), holding.services.vault
    claim = claim_of(vault, person="ana", route="/v1/resolutions", key="k", body=body)
    command = holding.command("ana", key="k", facts=FACTS)
    assert command.claim == claim
    holding.decide(command)
    erase(holding)
    decided = len(holding.entries(kind="decision"))
    with pytest.raises(Gone, match="erased"):
        holding.decide(holding.command("ana", key="k", facts=FACTS))
    assert len(holding.entries(kind="decision")) == decided
    assert caller.id == "ana"


def test_open_escalations_are_withdrawn(holding: HoldingHouse) -> None:
    """Nobody is asked about a case that nobody can read any more."""
    waiting = propose(holding, amount="600.00")["escalation"]["id"]
    erase(holding)
    holding.sweep()
    with holding.services.store.read() as reader:
        record = reader.find_escalation(waiting)
    assert record is not None
    assert record.state == "withdrawn"
    assert record.answered_by is None


def test_the_last_trace_goes_when_no_cap_needs_it(holding: HoldingHouse) -> None:
    """The keyed hash of who it was outlives the longest window, and no more."""
    propose(holding)
    erase(holding)
    count = "SELECT count(*) FROM surrogates"
    holding.wait(days=399)
    holding.sweep()
    assert run(holding, count) == [(2,)]
    holding.wait(days=2)
    holding.sweep()
    assert run(holding, count) == [(0,)]


def test_who_came_again_keeps_the_new_name(holding: HoldingHouse) -> None:
    """When the caps are over, what was given since is still found by name."""
    propose(holding)
    erase(holding)
    after = propose(holding, amount="20.00")["id"]
    holding.wait(days=401)
    holding.sweep()
    assert found_of(holding) == [after]
    assert run(holding, "SELECT count(*) FROM surrogates WHERE charged_as IS NOT NULL") == [(0,)]


def test_a_restored_backup_forgets_again(tmp_path: Path, sqlite_url: str) -> None:
    """Who was erased after the backup is erased before anybody is served from it."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with open_house(tmp_path, sqlite_url) as house:
        propose(house, note="Mrs Miller fell")
    shutil.copy(file, tmp_path / "backup")
    with open_house(tmp_path, sqlite_url) as house:
        erase(house)
    for beside in file.parent.glob("remit.db-*"):
        beside.unlink()
    shutil.copy(tmp_path / "backup", file)
    with open_house(tmp_path, sqlite_url) as house:
        assert found_of(house) == []
        with house.services.store.read() as reader:
            assert reader.erasures.latest(None, 2)[0].state == "done"
            assert not reader.erasures.unclean()
        effects = [orjson.loads(one.body)["effect"] for one in house.entries(kind="erasure")]
        assert effects == ["reapplied"]
    with open_house(tmp_path, sqlite_url) as house:
        assert len(house.entries(kind="erasure")) == 1


def test_erasures_are_listed_without_saying_whose(holding_embedded: HoldingHouse) -> None:
    """Who asked and who confirmed is told; the list has no name and no surrogate."""
    house = holding_embedded
    propose(house)
    erase(house)
    listed = house.services.erasures.list(house.principal("olga"), Page(limit=10))
    (shown,) = orjson.loads(listed)["erasures"]
    assert (shown["requested_by"], shown["confirmed_by"]) == ("olga", "otto")
    assert shown["cleaned_at"] is not None
    assert b"sub_" not in listed
