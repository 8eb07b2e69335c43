"""Somebody answers for somebody else: while it holds, and never around four eyes."""

import orjson
import pytest

from service.app.answering import AnswerKind
from service.app.delegate import Delegate
from service.app.delegations import Sought
from service.app.errors import Conflict, Forbidden, NotFound
from service.app.ports import Page
from service.bootstrap import compile_files
from service.core.refusal import Refused
from tests.app.house import ACCESS, POLICY, House, shop_files
from tests.app.standing_in import delegate, delegate_body, in_days, managed, revoke


def escalated(house: House, person: str = "ana", amount: str = "300.00") -> str:
    answer = house.propose(person, amount=amount, note="a leak")
    assert answer["outcome"] == "escalated"
    return str(answer["escalation"]["id"])


def refused_with(house: House, person: str, escalation: str, answer: AnswerKind = "approve") -> str:
    """The code that an answer is refused with; nothing came of it."""
    before = house.services.finder.find_escalation(house.principal("gus"), escalation)
    with pytest.raises(Forbidden) as refused:
        house.answer(person, escalation, answer, "no" if answer == "deny" else None)
    after = house.services.finder.find_escalation(house.principal("gus"), escalation)
    assert after == before
    return refused.value.code


# ── What it gives ──


def test_a_delegate_answers_with_the_delegators_authority(house: House) -> None:
    """A clerk without any right to answer approves what a manager may, in the manager's name."""
    escalation = escalated(house)
    delegate(house, "max", "ben")
    done = house.answer("ben", escalation)
    assert (done["state"], done["answered_by"]) == ("approved", "ben for max")
    assert done["decision"]["authority"] == {"role": "manager", "grant": "more"}
    entry = orjson.loads(house.entries(kind="answer")[0].body)
    assert (entry["by"]["id"], entry["for"], entry["roles"]) == ("ben", ["max"], ["manager"])


def test_it_is_shown_wherever_the_answer_is(house: House) -> None:
    """In the history of the case, and among the voices of a quorum."""
    escalation = escalated(house, amount="900.00")
    delegate(house, "gus", "mia")
    first = house.answer("mia", escalation)
    assert (first["effect"], first["approvals"]) == ("concur", ["mia for gus"])
    seen = orjson.loads(house.services.finder.get_escalation(house.principal("gus"), escalation))
    assert seen["approvals"] == ["mia for gus"]
    assert seen["case"]["history"][-1]["by"] == "mia for gus"


def test_somebody_with_authority_of_their_own_uses_it(house: House) -> None:
    """Whoever may answer anyhow answers as themselves."""
    escalation = escalated(house)
    delegate(house, "max", "mia")
    assert house.answer("mia", escalation)["answered_by"] == "mia"


def test_it_counts_when_the_answer_is_due(house: House) -> None:
    """Neither before it begins nor after it was revoked, whenever the request was made."""
    escalation = escalated(house)
    delegate(house, "max", "ben", **{"from": in_days(house, 1)})
    assert refused_with(house, "ben", escalation) == "not_permitted"
    now = delegate(house, "max", "ben")
    revoke(house, "max", now["id"])
    assert refused_with(house, "ben", escalation) == "not_permitted"
    delegate(house, "max", "ben")
    assert house.answer("ben", escalation)["state"] == "approved"


def test_it_reaches_as_far_as_it_says(house: House) -> None:
    """Not to another site, and not beyond the role that it names."""
    elsewhere = escalated(house)
    delegate(house, "gus", "ben", site="annex")
    assert refused_with(house, "ben", elsewhere) == "not_permitted"
    delegate(house, "gus", "vera", role="manager")
    higher = escalated(house, amount="900.00")
    assert refused_with(house, "vera", higher) == "not_your_remit"
    assert house.answer("vera", elsewhere)["answered_by"] == "vera for gus"


def test_a_chain_passes_it_on(house: House) -> None:
    """Who stands in for a stand-in answers for both, and everybody is named."""
    escalation = escalated(house)
    delegate(house, "gus", "mia", site="main")
    delegate(house, "mia", "ben")
    assert house.answer("ben", escalated(house))["answered_by"] == "ben for mia"
    higher = escalated(house, amount="900.00")
    assert house.answer("ben", higher)["approvals"] == ["ben for mia for gus"]
    assert house.answer("mia", escalation)["answered_by"] == "mia"


def test_a_delegate_of_somebody_who_lost_the_role_has_nothing(house: House) -> None:
    """What the delegator may is asked at the answer, like everything else."""
    escalation = escalated(house)
    delegate(house, "max", "ben")
    access = ACCESS.replace("g, max, manager, main\n", "g, max, clerk, main\n")
    house.services.publisher.publish(compile_files(shop_files(POLICY, access)), by="test")
    assert refused_with(house, "ben", escalation) == "not_permitted"


# ── Ways around four eyes, each of them tried ──


def test_the_proposer_does_not_answer_for_somebody_else(house: House) -> None:
    """Standing in for the owner does not let a manager approve their own request."""
    escalation = escalated(house, "max", "900.00")
    delegate(house, "gus", "max")
    assert refused_with(house, "max", escalation) == "own_request"


def test_the_proposers_delegate_does_not_answer_in_their_name(house: House) -> None:
    """What a manager received, their delegate cannot use for the manager's own request."""
    escalation = escalated(house, "max", "900.00")
    delegate(house, "gus", "max")
    delegate(house, "max", "ben")
    assert refused_with(house, "ben", escalation) == "proposers_delegate"
    assert refused_with(house, "ben", escalation, "deny") == "proposers_delegate"


def test_the_delegate_of_an_agents_owner_does_not_answer_for_it(house: House) -> None:
    """An AI agent's owner counts as its proposer, and so does whoever stands in for the owner."""
    house.key("robo", "ai", "max")
    escalation = escalated(house, "robo")
    delegate(house, "max", "ben")
    assert refused_with(house, "ben", escalation) == "proposers_delegate"
    assert house.answer("mia", escalation)["state"] == "approved"


def test_a_proposer_cannot_disqualify_an_approver_by_delegating_to_them(house: House) -> None:
    """Who has authority of their own keeps it: nobody chooses their approver by exclusion."""
    escalation = escalated(house, "max", "900.00")
    delegate(house, "max", "gus")
    assert house.answer("gus", escalation)["approvals"] == ["gus"]


@pytest.mark.parametrize("order", [("gus", "mia"), ("mia", "gus"), ("mia", "ben")])
def test_one_authority_is_one_voice_of_a_quorum(house: House, order: tuple[str, str]) -> None:
    """Neither the delegator and their delegate, nor two delegates of one, make two."""
    escalation = escalated(house, amount="900.00")
    delegate(house, "gus", "mia")
    delegate(house, "gus", "ben")
    first, second = order
    assert house.answer(first, escalation)["effect"] == "concur"
    assert refused_with(house, second, escalation) == "already_approved"
    assert house.answer("grace", escalation)["state"] == "approved"


def test_one_person_is_one_voice_of_a_quorum(house: House) -> None:
    """Not even for two different people does somebody approve twice."""
    escalation = escalated(house, amount="900.00")
    delegate(house, "gus", "mia")
    delegate(house, "grace", "mia")
    assert house.answer("mia", escalation)["effect"] == "concur"
    assert refused_with(house, "mia", escalation) == "already_approved"


def test_two_authorities_by_two_people_are_a_quorum(house: House) -> None:
    """A delegate of the one and the other themselves are four eyes."""
    escalation = escalated(house, amount="900.00")
    delegate(house, "gus", "mia")
    house.answer("mia", escalation)
    done = house.answer("grace", escalation)
    assert (done["state"], done["approvals"]) == ("approved", ["mia for gus", "grace"])


def test_an_agent_that_is_no_person_stands_in_for_nobody(house: House) -> None:
    """Answers come from people, in whoever's name."""
    house.key("robo", "ai", "ben")
    escalation = escalated(house)
    delegate(house, "max", "robo")
    assert refused_with(house, "robo", escalation) == "humans_only"
    with pytest.raises(Forbidden) as refused:
        delegate(house, "robo", "ben")
    assert refused.value.code == "humans_only"


def test_nobody_hands_themselves_what_others_may(house: House) -> None:
    """Who manages delegations takes no part in those that they make; nor in a roundabout way."""
    managed(house)
    escalation = escalated(house)
    with pytest.raises(Forbidden) as refused:
        delegate(house, "nora", "nora", **{"for": "max"})
    assert refused.value.code == "own_delegation"
    delegate(house, "nora", "ben", **{"for": "max"})
    delegate(house, "nora", "ben", **{"for": "gus", "site": "annex"})
    assert house.answer("ben", escalation)["answered_by"] == "ben for max"


def test_a_proposer_does_not_arrange_who_approves(house: House) -> None:
    """A manager of delegations who proposes something finds no approver among those they made."""
    managed(house)
    escalation = escalated(house, "max", "900.00")
    delegate(house, "max", "ben", **{"for": "gus", "site": "main"})
    assert refused_with(house, "ben", escalation) == "proposers_delegate"


# ── Who may say so, and what is refused ──


def test_only_who_answers_may_delegate_it(house: House) -> None:
    """And for others only who manages delegations at the site, or at every one."""
    for person, fields in (
        ("ana", {}),
        ("max", {"site": "annex"}),
        ("max", {"for": "mia"}),
    ):
        with pytest.raises(Forbidden) as refused:
            delegate(house, person, "ben", **fields)
        assert refused.value.code == "not_permitted"
    managed(house)
    with pytest.raises(Forbidden):
        delegate(house, "max", "ben", **{"for": "mia"})
    made = delegate(house, "max", "ben", **{"for": "mia", "site": "main"})
    assert (made["for"], made["to"], made["created_by"]) == ("mia", "ben", "max")


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"to": None}, "missing_field", "/to"),
        ({"until": None}, "missing_field", "/until"),
        ({"to": "max"}, "own_delegate", "/to"),
        ({"to": "nobody"}, "unknown_person", "/to"),
        ({"to": 7}, "wrong_type", "/to"),
        ({"until": "tomorrow"}, "not_a_timestamp", "/until"),
        ({"until": "2026-01-01T00:00:00Z", "from": "2026-01-01T00:00:00Z"}, None, "/until"),
        ({"until": "2020-01-01T00:00:00Z"}, "already_over", "/until"),
        ({"until": "2099-01-01T00:00:00Z"}, "delegation_too_long", "/until"),
        ({"site": "moon"}, "unknown_site", "/site"),
        ({"role": "king"}, "unknown_role", "/role"),
        ({"why": "holiday"}, "unknown_field", "/why"),
    ],
)
def test_what_cannot_be_read_is_refused(
    embedded: House, fields: dict[str, object], code: str | None, pointer: str
) -> None:
    """With its place, and nothing is made."""
    body = {**delegate_body(embedded, "ben"), **fields}
    with pytest.raises(Refused) as refused:
        delegate(embedded, "max", "ben", body=body)
    fault = refused.value.faults[0]
    assert (fault.code, fault.pointer) == (code or "ends_before_it_begins", pointer)
    assert embedded.entries(kind="delegation") == []


def test_a_circle_is_refused_with_what_to_do(house: House) -> None:
    """And so is a chain that is too long."""
    delegate(house, "max", "mia")
    with pytest.raises(Conflict) as circle:
        delegate(house, "mia", "max")
    assert circle.value.code == "delegation_circle"
    delegate(house, "mia", "gus")
    delegate(house, "gus", "grace")
    with pytest.raises(Conflict) as long:
        delegate(house, "grace", "ben")
    assert long.value.code == "delegation_chain_too_long"


def test_of_two_halves_of_a_circle_that_arrive_together_one_is_made(house: House) -> None:
    """The second sees the first, in whichever batch they are decided."""
    sent = [
        house.services.committer.submit(
            Delegate(principal=house.principal(one), body=delegate_body(house, other))
        )
        for one, other in (("max", "mia"), ("mia", "max"))
    ]
    failures = [future.exception(60) for future in sent]
    assert [type(failure) for failure in failures] == [type(None), Conflict]
    assert len(house.entries(kind="delegation")) == 1


def test_each_change_is_an_entry_of_the_log(house: House) -> None:
    """With who made it, for whom, and until when; a revoked one says when it ended."""
    made = delegate(house, "max", "ben", site="main")
    ended = revoke(house, "ben", made["id"])
    assert (made["state"], ended["state"], ended["revoked_by"]) == ("active", "revoked", "ben")
    last, first = house.entries(kind="delegation")
    assert (first.id, last.id) == (made["entry"]["id"], ended["entry"]["id"])
    body = orjson.loads(first.body)
    assert (body["effect"], body["by"]["id"], first.site) == ("created", "max", "main")
    assert body["delegation"]["until"] == made["until"]
    assert orjson.loads(last.body)["delegation"]["revoked_at"] == ended["revoked_at"]


def test_it_ends_once(house: House) -> None:
    """A second revocation is told that it is over."""
    made = delegate(house, "max", "ben")
    revoke(house, "max", made["id"])
    with pytest.raises(Conflict) as refused:
        revoke(house, "ben", made["id"])
    assert refused.value.code == "delegation_over"


def test_the_same_request_has_one_effect(house: House) -> None:
    """With an Idempotency-Key the answer comes again."""
    body = delegate_body(house, "ben")
    first = delegate(house, "max", "ben", key="k-1", body=body)
    assert delegate(house, "max", "ben", key="k-1", body=body) == first
    assert len(house.entries(kind="delegation")) == 1


# ── What is seen ──


def listed(house: House, reader: str, **sought: object) -> list[str]:
    wanted = Sought(**sought)  # type: ignore[arg-type]
    page = house.services.approvals.delegations.list(house.principal(reader), wanted, Page())
    return [f"{one['to']} for {one['for']}" for one in orjson.loads(page)["delegations"]]


def test_everybody_sees_their_own_and_managers_see_their_sites(house: House) -> None:
    """What was given and what was received; nothing of others."""
    managed(house)
    delegate(house, "max", "ben", site="main")
    delegate(house, "gus", "mia")
    assert listed(house, "ben") == ["ben for max"]
    assert listed(house, "gus") == ["mia for gus"]
    assert listed(house, "vera") == []
    assert listed(house, "nora") == ["mia for gus", "ben for max"]
    assert listed(house, "max") == ["ben for max"]
    assert listed(house, "nora", person="mia") == ["mia for gus"]
    assert listed(house, "nora", site="annex") == ["mia for gus"]


def test_what_is_over_is_listed_apart(house: House) -> None:
    """Current ones are those that hold or will."""
    ended = delegate(house, "max", "ben")
    revoke(house, "max", ended["id"])
    delegate(house, "max", "mia", **{"from": in_days(house, 1)})
    assert listed(house, "max", is_over=True) == ["ben for max"]
    assert listed(house, "max", is_over=False) == ["mia for max"]
    assert len(listed(house, "max")) == 2


def test_others_delegations_are_not_found(house: House) -> None:
    """Who has no part in one cannot end it."""
    made = delegate(house, "max", "ben")
    reader = house.services.approvals.delegations
    assert reader.find(house.principal("ben"), made["id"]).delegator == "max"
    for person, id_ in (("mia", made["id"]), ("max", "del_none")):
        with pytest.raises(NotFound) as missing:
            reader.find(house.principal(person), id_)
        assert missing.value.code == "no_delegation"


def test_who_stands_in_sees_what_they_may_answer(house: House) -> None:
    """The case is there for the delegate as it is for the delegator, and only meanwhile."""
    escalation = escalated(house)
    finder = house.services.finder
    with pytest.raises(NotFound):
        finder.find_escalation(house.principal("ben"), escalation)
    made = delegate(house, "max", "ben")
    assert finder.find_escalation(house.principal("ben"), escalation).id == escalation
    revoke(house, "max", made["id"])
    with pytest.raises(NotFound):
        finder.find_escalation(house.principal("ben"), escalation)
