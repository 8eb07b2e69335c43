"""The connection to the database breaks around a commit: nobody is told what is not known."""

from tests.attack.clients import Outcome, Wish
from tests.attack.policy import TILL, proposal
from tests.attack.proxy import Loss, Proxy
from tests.attack.target import Target


def till(target: Target, outcome: Outcome) -> int:
    """What the site of a decision has used by now."""
    kept = target.kept()
    (line,) = [one for one in kept.entries[outcome.answer["entry"]].lines if one.budget == "till"]
    return kept.rows[line.row].used


def test_a_lost_reply_to_a_commit_is_one_decision(cut: Target, way: Proxy) -> None:
    """The caller is told that nobody knows; with the same key it gets the one decision there is."""
    site = cut.new_site()
    for turn in range(5):
        before = cut.decided()
        way.lose("reply", site.encode())
        outcome = cut.ask(Wish(body=proposal(site, f"{site}-1"), key=f"{site}-{turn}"))
        assert list(outcome.setbacks) == ["outcome_unknown"]
        assert (outcome.status, outcome.replayed) == (201, True)
        assert outcome.answer["outcome"] == "approved"
        assert cut.decided() == before + 1
        assert till(cut, outcome) == 1_000 * (turn + 1)


def test_a_lost_commit_is_decided_when_it_is_asked_again(cut: Target, way: Proxy) -> None:
    """What never reached the server left nothing, and the same key is decided afresh."""
    site = cut.new_site()
    for turn in range(3):
        before = cut.decided()
        way.lose("commit", site.encode())
        outcome = cut.ask(Wish(body=proposal(site, f"{site}-1"), key=f"{site}-{turn}"))
        assert list(outcome.setbacks) == ["outcome_unknown"]
        assert (outcome.status, outcome.replayed) == (201, False)
        assert cut.decided() == before + 1
        assert till(cut, outcome) == 1_000 * (turn + 1)


def test_without_a_key_nobody_claims_to_know(cut: Target, way: Proxy) -> None:
    """A request that cannot be repeated is not repeated by the service either."""
    site, before = cut.new_site(), cut.decided()
    way.lose("reply", site.encode())
    outcome = cut.ask(Wish(body=proposal(site, "nobody")))
    assert (outcome.status, list(outcome.setbacks)) == (0, ["outcome_unknown"])
    assert cut.decided() == before + 1


def test_commits_are_lost_under_load_and_nothing_else_is(cut: Target, way: Proxy) -> None:
    """While commits and replies are lost again and again every key ends with one decision."""
    site, before, lost = cut.new_site(), cut.decided(), way.lost
    losses: list[Loss] = ["reply", "commit", "reply", "reply", "commit"]
    for loss in losses:
        way.lose(loss, site.encode())
    wishes = [Wish(body=proposal(site, f"{site}-{n}"), key=f"{site}-{n}") for n in range(120)]
    outcomes = cut.end(cut.begin([*wishes, *wishes], processes=2, threads=8))
    assert way.lost == lost + len(losses)
    assert {outcome.status for outcome in outcomes} == {201}
    assert {code for outcome in outcomes for code in outcome.setbacks} == {"outcome_unknown"}
    assert cut.decided() == before + 120
    assert till(cut, outcomes[0]) == TILL * 100
