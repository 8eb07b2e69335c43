"""A stream is decided line by line, in order, with budgets carried and refusals in their place."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.app.balances import Balances
from service.app.decide import Decider, decide_lines
from service.app.line import LINE_BYTES_MAX
from service.core.evaluate import evaluate
from service.core.proposal import read_proposal
from service.core.refusal import Refused
from service.core.request import Agent
from tests.policyfile.suites import rulebook

NOON = "2026-03-01T12:00:00Z"


def proposal(amount: str = "10.00", **more: object) -> dict[str, Any]:
    facts = {"customer": {"id": "C-1", "tier": "loyal"}}
    return {"site": "main", "resolution": "credit", "amount": amount, "facts": facts, **more}


def line(request: object = None, *, at: object = NOON, **agent: object) -> bytes:
    who = {"id": "ana", "kind": "human", "roles": ["clerk"], **agent}
    return json.dumps({"at": at, "agent": who, "request": request or proposal()}).encode()


def answers(lines: Iterable[bytes], *, explain: bool = False) -> list[dict[str, Any]]:
    return [json.loads(answer) for answer in decide_lines(rulebook(), lines, explain=explain)]


def outcomes(lines: Iterable[bytes]) -> list[str]:
    return [it["outcome"] if "outcome" in it else it["error"]["code"] for it in answers(lines)]


def test_an_answer_is_a_decision_that_nothing_recorded() -> None:
    """No id and no entry: settled at once, with everything else that a Decision has."""
    (answer,) = answers([line()])
    assert answer["id"] is None
    assert answer["entry"] is None
    assert answer["state"] == "settled"
    assert answer["authority"] == {"role": "clerk", "grant": "small"}
    assert answer["value"] == {"amount": "10.00", "currency": "USD"}
    assert answer["decided_at"] == NOON
    assert [it["budget"] for it in answer["budgets"]] == ["day", "often"]


def test_an_escalation_says_where_it_would_go() -> None:
    """Nothing is opened, so it has no id; without a time to answer in there is no deadline."""
    (answer,) = answers([line(proposal("900.00"))])
    assert answer["state"] is None
    assert answer["escalation"] == {"id": None, "to": "owner", "answer_by": None}


def test_order_is_kept_and_budgets_are_carried() -> None:
    """The third credit of one customer is refused by what the first two used."""
    found = answers([line(), line(proposal("0.01")), line()])
    assert [it["outcome"] for it in found] == ["approved", "approved", "escalated"]
    assert [it["budgets"][0]["used"] for it in found] == ["10.00", "10.01", "10.01"]


def test_a_refused_line_stands_in_its_place_and_changes_nothing() -> None:
    """The lines around it are answered as if it were not there."""
    decider = Decider(rulebook())
    bad = line(proposal("10.001"))
    found = [json.loads(answer) for answer in decider.answers([line(), bad, line()])]
    assert [it.get("outcome") for it in found] == ["approved", None, "approved"]
    assert found[1]["error"]["code"] == "too_many_decimals"
    assert found[1]["error"]["pointer"] == "/request/amount"
    assert set(found[1]["error"]) == {"code", "pointer", "message", "remedy"}
    assert found[2]["budgets"][0]["version"] == 2
    assert decider.refused == 1


@pytest.mark.parametrize(
    ("bad", "code", "pointer"),
    [
        (b"{", "not_json", ""),
        (b"[]", "wrong_type", ""),
        (b'{"at": NaN}', "not_json", ""),
        (b"\xff", "not_json", ""),
        (b" " * LINE_BYTES_MAX + b"{}", "line_too_long", ""),
        (line(at="yesterday"), "not_a_timestamp", "/at"),
        (line(at="2026-03-01T12:00:00"), "not_a_timestamp", "/at"),
        (line(at="9999-12-31T23:59:59Z"), "out_of_range", "/at"),
        (line(at=None), "missing_field", "/at"),
        (line(roles=["boss"]), "unknown_role", "/agent/roles/0"),
        (line(roles=["clerk", 1]), "unknown_role", "/agent/roles/1"),
        (line(roles="clerk"), "wrong_type", "/agent/roles"),
        (line(roles=None), "missing_field", "/agent/roles"),
        (line(id=None), "missing_field", "/agent/id"),
        (line(id=" "), "empty_text", "/agent/id"),
        (line(id={}), "wrong_type", "/agent/id"),
        (line(kind="robot"), "not_a_choice", "/agent/kind"),
        (line(kind=[]), "not_a_choice", "/agent/kind"),
        (line(owner=5), "wrong_type", "/agent/owner"),
        (line(name="Ana"), "unknown_field", "/agent/name"),
        (b'{"at": "2026-03-01T12:00:00Z", "agent": 5}', "wrong_type", "/agent"),
        (b'{"at": "2026-03-01T12:00:00Z"}', "missing_field", "/agent"),
        (b'{"who/": 1}', "unknown_field", "/who~1"),
        (line([]), "wrong_type", "/request"),
        (line(proposal(site="mars")), "unknown_site", "/request/site"),
        (line(proposal(resolution="voucher")), "unknown_resolution", "/request/resolution"),
        (line(proposal(currency="EUR")), "unknown_currency", "/request/currency"),
    ],
)
def test_what_cannot_be_decided_is_refused_with_its_place(
    bad: bytes, code: str, pointer: str
) -> None:
    """Each fault has its code and a pointer into the line."""
    if bad == line([]):
        bad = bad.replace(json.dumps(proposal()).encode(), b"[]")
    (answer,) = answers([bad])
    assert (answer["error"]["code"], answer["error"]["pointer"]) == (code, pointer)


def test_blank_lines_are_passed_over() -> None:
    """A file may end in a line break, and have air between its lines."""
    assert outcomes([b"", line(), b"\n", b"  \r\n", line() + b"\n"]) == ["approved", "approved"]


def test_an_agent_known_already_is_checked_all_the_same() -> None:
    """What was kept of an agent is never used for another that only looks alike."""
    found = outcomes([line(), line(roles="clerk"), line(kind=None), line(id=True), line()])
    assert found == ["approved", "wrong_type", "not_a_choice", "wrong_type", "approved"]


def test_a_window_that_rolls_over_begins_anew() -> None:
    """On the next day the day's budget is whole again."""
    full = proposal("50.00", note="late")
    tomorrow = "2026-03-02T00:00:00Z"
    assert outcomes([line(full), line(full), line(full, at=tomorrow)]) == [
        "approved",
        "escalated",
        "approved",
    ]


def test_a_charge_ages_out_of_a_rolling_window() -> None:
    """Two credits within thirty days are the most; on the thirtieth day the first is over."""
    days = [datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(days=days) for days in (0, 1, 29, 30)]
    lines = [line(at=day.isoformat()) for day in days]
    assert outcomes(lines) == ["approved", "approved", "escalated", "approved"]


def test_explain_adds_the_walk() -> None:
    """Every grant that was tried, in order, with what kept it from passing."""
    (answer,) = answers([line(proposal("30.00"))], explain=True)
    told = [(it["role"], it["grant"], it["verdict"]) for it in answer["explain"]]
    assert told == [("clerk", "small", "fails"), ("clerk", "larger", "lacks")]
    assert answer["explain"][0]["failures"] == [
        {
            "code": "over_limit",
            "rule": "small",
            "message": "small lets clerk give up to 20.00 USD; this is worth 30.00 USD.",
        }
    ]
    assert [it["code"] for it in answer["explain"][1]["lacks"]] == ["missing_evidence"]


def test_explaining_changes_no_decision() -> None:
    """The same stream with and without the walk gives the same decisions."""
    lines = [line(proposal(amount, note="late")) for amount in ("15.00", "45.00", "45.00", "2.00")]
    explained = answers(lines, explain=True)
    told = ("explain", "would_pass")
    assert [{k: v for k, v in it.items() if k not in told} for it in explained] == answers(lines)


def _charge(balances: Balances, day: int, *, agent: str = "ana") -> None:
    book, at = rulebook(), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    facts = {"customer": {"id": f"C-{day}", "tier": "new"}}
    body = {"site": "main", "resolution": "credit", "amount": "1.00", "facts": facts}
    request = read_proposal(book, body, Agent(id=agent, roles=("clerk",)))
    balances.open(at)
    balances.charge(evaluate(book, request, balances.kept, at))


def test_keys_whose_window_is_over_are_dropped() -> None:
    """A stream of a thousand days keeps some months of keys, and none that still counts."""
    balances = Balances(rulebook(), keys_before_sweep=100)
    for day in range(1_000):
        _charge(balances, day)
    assert len(balances.kept) < 200
    last = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=999)
    rolling = {key.per for key in balances.kept if key.budget == "often"}
    assert {(f"C-{day}",) for day in range(970, 1_000)} <= rolling
    assert any(key.budget == "day" and key.starts_at == last for key in balances.kept)


def test_a_line_before_what_was_dropped_is_refused() -> None:
    """Its window would look unused, and approve what was spent already."""
    balances = Balances(rulebook(), keys_before_sweep=100)
    for day in range(100):
        _charge(balances, day)
    balances.open(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=99, hours=-20))
    with pytest.raises(Refused) as refused:
        _charge(balances, 50)
    assert refused.value.faults[0].code == "out_of_order"


def test_a_short_stream_may_be_in_any_order() -> None:
    """Nothing was dropped yet, so every instant finds its balances."""
    later, earlier = line(at="2026-06-01T12:00:00Z"), line(at="2026-03-01T12:00:00Z")
    assert outcomes([later, earlier, later]) == ["approved", "approved", "escalated"]
