"""What guards of budgets were caught doing, each as what must hold instead."""

from dataclasses import replace
from json import dumps

from tests.attack.clients import Wish
from tests.attack.history import Kept
from tests.attack.policy import GUEST, proposal
from tests.attack.target import Target
from tests.attack.test_contention import said, setbacks

ASKING = 8


def used(kept: Kept, entry: str, budget: str) -> int:
    """What the row of a budget has used that an entry names."""
    (line,) = [line for line in kept.entries[entry].lines if line.budget == budget]
    return kept.rows[line.row].used


def send(target: Target, path: str, body: object, key: str | None = None) -> int:
    """The status that one request gets."""
    headers = {"Authorization": f"Bearer {target.secret}", "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    with target.replicas[0].connected() as connection:
        connection.request("POST", path, dumps(body), headers)
        response = connection.getresponse()
        response.read()
        return response.status


def test_what_was_checked_is_what_is_charged(target: Target) -> None:
    """Of many who ask at one instant for the last of a budget, one gets it."""
    for turn in range(2):
        site = target.new_site()
        guest = f"{site}-{turn}"
        first = target.ask(Wish(body=proposal(site, guest, "100.00"), key=f"{guest}-a"))
        second = target.ask(Wish(body=proposal(site, guest, "100.00"), key=f"{guest}-b"))
        assert first.answer["outcome"] == second.answer["outcome"] == "approved"
        rest = [
            Wish(body=proposal(site, guest, "100.00"), key=f"{guest}-{n}") for n in range(ASKING)
        ]
        outcomes = target.end(target.begin(rest, processes=4, threads=2))
        assert said(outcomes) == {"approved": 1, "denied": ASKING - 1}


def test_what_is_held_is_spent(target: Target) -> None:
    """Holds that are not settled yet count: together with what is settled they fit the limit."""
    site = target.new_site()
    guest = f"{site}-held"
    holds = [
        Wish(body=proposal(site, guest, "90.00", "voucher"), key=f"{guest}-{n}") for n in range(6)
    ]
    outcomes = target.end(target.begin(holds, processes=3, threads=2))
    assert said(outcomes) == {"approved": GUEST // 90, "denied": 6 - GUEST // 90}
    over = target.ask(Wish(body=proposal(site, guest, "30.01"), key=f"{guest}-over"))
    rest = target.ask(Wish(body=proposal(site, guest, "30.00"), key=f"{guest}-rest"))
    assert (over.answer["outcome"], rest.answer["outcome"]) == ("denied", "approved")


def test_a_repeated_request_moves_no_counter(target: Target) -> None:
    """The same key again and again, everywhere at once: the balance moves once, as the row does."""
    site = target.new_site()
    wish = Wish(body=proposal(site, f"{site}-again", "70.00"), key=f"{site}-again")
    outcomes = target.end(target.begin([wish] * 3, processes=4, threads=2, split=False))
    assert said(outcomes) == {"approved": 3 * 4}
    (entry,) = {outcome.answer["entry"] for outcome in outcomes}
    kept = target.kept()
    assert used(kept, entry, "till") == used(kept, entry, "guest") == 7_000
    assert used(kept, entry, "often") == 1


def test_a_key_for_another_request_charges_nothing(target: Target) -> None:
    """One key with many bodies at once: one body is decided, and all others are refused."""
    site = target.new_site()
    wishes = [Wish(body=proposal(site, f"{site}-{n}"), key=f"{site}-mixed") for n in range(ASKING)]
    outcomes = target.end(target.begin(wishes, processes=4, threads=2))
    answers = said(outcomes)
    assert answers.pop("approved") == 1
    assert answers == {"422 {'code': 'idempotency_mismatch'}": ASKING - 1}
    (entry,) = [outcome.answer["entry"] for outcome in outcomes if outcome.status == 201]
    assert used(target.kept(), entry, "till") == 1_000


def test_nothing_is_kept_back_for_what_came_to_nothing(target: Target) -> None:
    """Refused, unreadable, unfinished and abandoned requests leave the whole budget to others."""
    site = target.new_site()
    fine = proposal(site, f"{site}-x", "50.00")
    for n, (body, status) in enumerate(
        [
            ({**fine, "amount": "500.00"}, 201),
            ({**fine, "facts": {}}, 201),
            ({**fine, "amount": "-1"}, 422),
            ({**fine, "resolution": "gold"}, 422),
            ({**fine, "facts": {"guest": {"id": "x", "shoe": "42"}}}, 422),
        ]
    ):
        assert send(target, "/v1/resolutions", body, f"{site}-bad-{n}") == status
    hasty = [
        Wish(body=proposal(site, f"{site}-{n}", "50.00"), key=f"{site}-{n}", patience=0.0005)
        for n in range(40)
    ]
    outcomes = target.end(target.begin(hasty, processes=4, threads=4))
    assert said(outcomes) == {"approved": 1_000 // 50, "denied": 40 - 1_000 // 50}
    assert setbacks(outcomes)["TimeoutError"] > 0, "nobody hung up: the test tried nothing"


def test_asking_takes_nothing(target: Target) -> None:
    """What somebody may do is asked as often as they like; the balance stays where it is."""
    site = target.new_site()
    first = target.ask(Wish(body=proposal(site, f"{site}-ask"), key=f"{site}-first"))
    before = target.kept()
    for _ in range(20):
        assert send(target, "/v1/resolutions/check", proposal(site, f"{site}-ask")) == 200
    after = target.kept()
    assert used(after, first.answer["entry"], "till") == 1_000
    assert after.rows == before.rows
    assert after.entries.keys() == before.entries.keys()


def test_the_first_request_of_a_budget_is_held_to_its_limit(target: Target) -> None:
    """Where nobody has used anything yet there is the whole limit, and not one cent more."""
    site = target.new_site()

    def first(case: str, amount: str) -> str:
        names = {"id": f"{site}-{case}-left", "with": f"{site}-{case}-right"}
        body = proposal(site, f"{site}-{case}", amount, "pair", **names)
        outcome: str = target.ask(Wish(body=body, key=f"{site}-{case}")).answer["outcome"]
        return outcome

    assert first("over", "100.01") == "denied"
    assert first("whole", "100.00") == "approved"


def test_all_budgets_of_a_decision_are_charged_or_none(target: Target) -> None:
    """Where one of several budgets is empty the others keep what they have, whoever else comes."""
    site = target.new_site()
    wishes = [
        Wish(
            body=proposal(
                site, f"{site}-{n}", "60.00", "pair", id=f"{site}-full", **{"with": site}
            ),
            key=f"{site}-{n}",
        )
        for n in range(ASKING)
    ]
    outcomes = target.end(target.begin(wishes, processes=4, threads=2))
    assert said(outcomes) == {"approved": 1, "denied": ASKING - 1}
    (entry,) = [one.answer["entry"] for one in outcomes if one.answer["outcome"] == "approved"]
    kept = target.kept()
    for budget in ("till", "guest", "day", "left", "right"):
        assert used(kept, entry, budget) == 6_000
    refused = [one.answer["entry"] for one in outcomes if one.answer["outcome"] == "denied"]
    assert all(not line.charged for entry in refused for line in kept.entries[entry].lines)


def test_every_answer_says_which_change_it_made(target: Target) -> None:
    """An approval names the version of each row it charged, and nobody else has that version."""
    site = target.new_site()
    wishes = [Wish(body=proposal(site, f"{site}-{n}"), key=f"{site}-{n}") for n in range(30)]
    outcomes = target.end(target.begin(wishes, processes=4, threads=2))
    versions = [
        version
        for outcome in outcomes
        for budget, version in outcome.answer["charged"]
        if budget == "till"
    ]
    assert sorted(versions) == list(range(1, 31))


def test_a_refused_request_does_not_use_up_its_key(target: Target) -> None:
    """What was refused as unreadable may be corrected and sent with the same key: it is decided."""
    site = target.new_site()
    wish = Wish(body=proposal(site, f"{site}-typo"), key=f"{site}-typo")
    wrong = replace(wish, body={**wish.body, "resolution": "gold"})
    assert target.ask(wrong).status == 422
    assert target.ask(wish).answer["outcome"] == "approved"
