"""Each way around four eyes that people have found elsewhere is closed here, for everybody."""

from datetime import timedelta

import pytest

from service.app.delegate import Delegate
from service.app.errors import Forbidden
from service.app.principal import Principal
from service.bootstrap import compile_files
from service.core.factvalue import rfc3339
from service.policyfile.access import PERMISSIONS
from tests.app.holding import HoldingHouse
from tests.app.house import ACCESS, shop_files
from tests.app.upwards import answering, escalated, record_of, say, withdraw


def refused(holding: HoldingHouse, person: str, id_: str, answer: str = "approve") -> str:
    with pytest.raises(Forbidden) as found:
        say(holding, person, id_, answer, "x")  # type: ignore[arg-type]
    assert record_of(holding, id_).state == "open"
    return found.value.code


@pytest.mark.parametrize("answer", ["approve", "counter", "ask", "deny"])
def test_the_proposer_gives_no_answer_at_all(holding_embedded: HoldingHouse, answer: str) -> None:
    """Not even a denial, which leaves no trace that it was one's own; withdrawing does."""
    id_ = escalated(holding_embedded, "900.00", "max")
    assert refused(holding_embedded, "max", id_, answer) == "own_request"


def test_who_may_do_everything_may_not_do_this(holding_embedded: HoldingHouse) -> None:
    """A right to do anything to anything is no second pair of eyes."""
    rights = [f"p, boss, {thing}, {action}\n" for thing, action in sorted(PERMISSIONS)]
    files = shop_files(access="".join([ACCESS, *rights, "g, max, boss, *\n"]))
    assert holding_embedded.services.publisher.publish(compile_files(files), by="test")
    id_ = escalated(holding_embedded, "900.00", "max")
    assert refused(holding_embedded, "max", id_) == "own_request"


def test_an_agents_owner_is_its_proposer(holding_embedded: HoldingHouse) -> None:
    """Whoever the agent belongs to proposed what it proposed."""
    holding_embedded.key("robo", "ai", "max")
    id_ = escalated(holding_embedded, person="robo")
    assert refused(holding_embedded, "max", id_) == "own_request"


def test_an_agent_answers_nothing(holding_embedded: HoldingHouse) -> None:
    """Neither its own request, nor anybody's, with whatever roles its name holds."""
    holding_embedded.key("mia", "ai", "gus")
    assert refused(holding_embedded, "mia", escalated(holding_embedded)) == "humans_only"


def test_a_second_key_is_not_a_second_person(holding_embedded: HoldingHouse) -> None:
    """Keys are counted by whom they belong to."""
    id_ = escalated(holding_embedded, "900.00")
    say(holding_embedded, "gus", id_)
    keys = holding_embedded.services.keys
    other = keys.create(subject="gus", kind="human", by="test").record
    command = answering(holding_embedded, "gus", id_)
    command.principal = Principal(id="gus", kind="human", owner=None, key=other.id)
    with pytest.raises(Forbidden) as found:
        holding_embedded.decide(command)
    assert found.value.code == "already_approved"


def test_who_voted_for_another_amount_votes_once(holding_embedded: HoldingHouse) -> None:
    """Changing the amount makes nobody two people."""
    id_ = escalated(holding_embedded, "900.00")
    say(holding_embedded, "gus", id_, "counter", amount="800.00")
    assert refused(holding_embedded, "gus", id_) == "already_approved"
    assert say(holding_embedded, "grace", id_)["approvals"] == ["grace"]
    assert say(holding_embedded, "gus", id_)["state"] == "approved"


def test_nobody_decides_what_is_for_themselves(holding: HoldingHouse) -> None:
    """A manager who stays as a guest: no answer to what is for that guest, by any manager's name.

    The id is compared by its keyed hash, so nothing personal is read for it.
    """
    id_ = escalated(holding, guest="max")
    assert refused(holding, "max", id_) == "served_person"
    assert refused(holding, "max", id_, "deny") == "served_person"
    assert say(holding, "mia", id_)["state"] == "approved"


def test_a_stranger_with_that_id_elsewhere_is_nobody(holding_embedded: HoldingHouse) -> None:
    """Only the subject's own fact counts: a phone that reads like a name is no person."""
    facts = {"guest": {"id": "G-1", "phone": "max"}, "stay": {"id": "S-1"}}
    id_ = escalated(holding_embedded, facts=facts)
    assert say(holding_embedded, "max", id_)["state"] == "approved"


def delegate(holding: HoldingHouse, person: str, to: str) -> None:
    until = rfc3339(holding.clock.now() + timedelta(hours=8))
    command = Delegate(principal=holding.principal(person), body={"to": to, "until": until})
    holding.decide(command)


def test_nobody_answers_for_the_proposer(holding_embedded: HoldingHouse) -> None:
    """What max proposed, no delegate of max approves by what max passed on."""
    delegate(holding_embedded, "max", "ben")
    id_ = escalated(holding_embedded, "300.00")
    assert say(holding_embedded, "ben", id_)["answered_by"] == "ben for max"
    own = escalated(holding_embedded, "900.00", "max")
    delegate(holding_embedded, "gus", "max")
    assert refused(holding_embedded, "max", own) == "own_request"


def test_nobody_answers_for_the_person_who_is_served(holding_embedded: HoldingHouse) -> None:
    """A delegate of the guest is the guest."""
    delegate(holding_embedded, "max", "ben")
    id_ = escalated(holding_embedded, guest="max")
    assert refused(holding_embedded, "ben", id_) == "served_person"


def test_one_authority_is_one_vote(holding_embedded: HoldingHouse) -> None:
    """A delegate and who delegated are one of the two that a quorum takes."""
    delegate(holding_embedded, "gus", "max")
    id_ = escalated(holding_embedded, "900.00")
    assert say(holding_embedded, "max", id_)["approvals"] == ["max for gus"]
    assert refused(holding_embedded, "gus", id_) == "already_approved"
    assert say(holding_embedded, "grace", id_)["state"] == "approved"


def test_who_withdrew_did_not_deny(holding_embedded: HoldingHouse) -> None:
    """The log tells the two apart."""
    id_ = escalated(holding_embedded)
    withdraw(holding_embedded, id_)
    assert record_of(holding_embedded, id_).state == "withdrawn"
    assert holding_embedded.entries(kind="answer") == []
