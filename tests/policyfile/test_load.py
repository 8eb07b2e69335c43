"""The whole way from files to a rulebook."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from service.core.rulebook import (
    Budget,
    EscalationRule,
    Fact,
    FactType,
    Hold,
    Prohibition,
    Role,
    Site,
)
from service.core.window import Calendar
from service.policyfile.folder import read_folder
from service.policyfile.load import load_access, load_rulebook, load_set
from service.policyfile.problem import PolicyErrors

GOOD = Path(__file__).parent / "good"
SHIPPED = Path(__file__).parents[2] / "policies"

SET_OF_ONE = b"""\
remit: 1
name: shop
currency: JPY
timezone: Asia/Tokyo
roles: {clerk: {}}
resolutions: {credit: {}}
grants:
  - {id: small, role: clerk, may: [credit], up_to: 500}
"""


def good() -> dict[str, bytes]:
    return read_folder(GOOD)


def test_the_header_is_what_the_files_say() -> None:
    """Money, clocks and calendar come from whichever file states them."""
    rulebook = load_rulebook(good())
    assert (rulebook.name, rulebook.currency, rulebook.decimals) == ("grand-hotel", "USD", 2)
    assert (rulebook.timezone, rulebook.zone) == ("America/New_York", ZoneInfo("America/New_York"))
    assert rulebook.rates == {"EUR": "1.08"}
    assert rulebook.subject == "guest.id"
    assert rulebook.calendar == Calendar(day_starts=time(4), week_starts=6, year_starts=(4, 1))


def test_sites_have_their_zone_or_that_of_the_set() -> None:
    """A site without a timezone keeps the set's, and hours are minutes of the day."""
    vienna = ZoneInfo("Europe/Vienna")
    assert load_rulebook(good()).sites == {
        "vienna": Site(id="vienna", timezone="Europe/Vienna", zone=vienna, hours=(420, 1380)),
        "new_york": Site(
            id="new_york", timezone="America/New_York", zone=ZoneInfo("America/New_York")
        ),
    }


def test_roles_are_ranked_from_the_bottom() -> None:
    """The rank is the longest chain below, then the place in the files."""
    assert load_rulebook(good()).roles == {
        "front_desk": Role(id="front_desk", reports_to="duty_manager", rank=0),
        "duty_manager": Role(id="duty_manager", reports_to="general_manager", rank=1),
        "general_manager": Role(id="general_manager", reports_to=None, rank=2),
    }


def test_facts_keep_what_was_declared() -> None:
    """Types, choices, bounds and both marks reach the core."""
    facts = load_rulebook(good()).facts
    assert facts["guest.id"] == Fact(path="guest.id", type=FactType.TEXT, personal=True)
    assert facts["guest.tier"].choices == ("member", "silver", "gold")
    assert facts["stay.refund_due"].optional
    assert (facts["incident.severity"].least, facts["incident.severity"].most) == (1, 5)


def test_resolutions_are_valued_and_held() -> None:
    """Worth is computed in minor units; a hold keeps its time and its end."""
    rulebook = load_rulebook(good())
    scope = rulebook.bind({"stay.nightly_rate": 32000})
    worth = rulebook.resolutions["comp_night"].worth
    assert callable(worth)
    assert worth(scope) == 32000
    assert rulebook.resolutions["suite_upgrade"].hold == Hold(
        lasts=timedelta(hours=72), then="release"
    )
    assert rulebook.resolutions["legal_refund"].entitlement


def test_grants_stand_in_file_order_with_their_limits() -> None:
    """Constants are minor units, anything else is an expression over the facts."""
    small, right, recovery, owed = load_rulebook(good()).grants
    assert (small.id, small.up_to, small.when) == ("small-gesture", 20000, None)
    assert small.may == frozenset({"goodwill_credit", "late_checkout"})
    assert right.needs == ("note",)
    assert right.when is not None
    assert right.when.mentions == {"incident.severity", "guest.tier"}
    assert recovery.may is None
    assert callable(owed.exactly)
    assert owed.exactly.text == "stay.refund_due"


def test_budgets_prohibitions_and_escalation_are_plain_data() -> None:
    """Caps, windows, sentences and deadlines reach the core as they were written."""
    rulebook = load_rulebook(good())
    desk = frozenset({"front_desk"})
    assert rulebook.budgets == (
        Budget(id="guest-stay", limit_minor=200000, per=("guest.id", "stay.id"), roles=desk),
        Budget(
            id="shift", limit_minor=150000, per=("agent.id", "site.id"), every="day", roles=desk
        ),
        Budget(id="house", limit_minor=6000000, per=("site.id",), every="month"),
        Budget(id="repeat", count=3, per=("guest.id",), within=timedelta(days=90), roles=desk),
    )
    assert rulebook.prohibitions == (
        Prohibition(
            id="no-cash",
            may_not=frozenset({"cash"}),
            because="Cash leaves no trace. Offer a credit.",
        ),
    )
    assert rulebook.escalation["duty_manager"] == EscalationRule(
        role="duty_manager",
        answer_within=timedelta(minutes=15),
        on_timeout="next",
        at_most=(20, timedelta(hours=1)),
    )
    assert rulebook.escalation["general_manager"].approvals == 2


def test_money_has_the_decimals_of_the_currency() -> None:
    """A yen has no minor unit."""
    rulebook = load_rulebook({"shop.yaml": SET_OF_ONE})
    assert rulebook.grants[0].up_to == 500
    assert rulebook.sites is None


def test_a_prohibition_of_any_spares_entitlements() -> None:
    """What is owed is never forbidden by a rule that does not name it."""
    files = good()
    files["hotel.yaml"] += b"  - {id: closed, may_not: any, because: We are closed.}\n"
    closed = load_rulebook(files).prohibitions[1]
    assert "goodwill_credit" in closed.may_not
    assert "legal_refund" not in closed.may_not


def test_files_are_merged_by_path() -> None:
    """Grants of several files stand in the order of the files' paths."""
    more = b"grants:\n  - {id: %s, role: clerk, may: any}\n"
    files = {
        "b/x.yaml": more % b"third",
        "shop.yaml": SET_OF_ONE,
        "b.yaml": more % b"second",
        "a.yaml": more % b"first",
    }
    grants = load_rulebook(files).grants
    assert [grant.id for grant in grants] == ["first", "second", "third", "small"]


def test_a_long_ladder_is_no_burden() -> None:
    """Ranks are found without recursion, however many rungs there are."""
    rungs = "\n".join(f"  r{n}: {{reports_to: r{n + 1}}}" for n in range(3000))
    text = SET_OF_ONE.replace(b"roles: {clerk: {}}", f"roles:\n{rungs}\n  r3000: {{}}".encode())
    roles = load_rulebook({"shop.yaml": text.replace(b"role: clerk", b"role: r0")}).roles
    assert [roles[f"r{n}"].rank for n in (0, 1, 3000)] == [0, 1, 3000]


def test_without_an_access_list_a_set_loads_with_a_warning() -> None:
    """Nobody may do anything then, which is safe but surely not meant."""
    loaded = load_set({"shop.yaml": SET_OF_ONE})
    assert [problem.code for problem in loaded.warnings] == ["no_access"]
    assert str(loaded.warnings[0]).startswith("access.csv:1:1: warning: ")
    assert loaded.access.memberships == ()


def test_the_access_list_is_plain_data() -> None:
    """Every line is there in order, and people are told from roles."""
    access = load_access(good())
    assert [(it.role, it.object, it.action) for it in access.permissions] == [
        ("agent", "resolution", "propose"),
        ("approver", "escalation", "answer"),
        ("auditor", "log", "read"),
    ]
    last = access.memberships[-2]
    assert (last.member, last.role, last.site) == ("ana", "front_desk", "new_york")
    assert access.people == {"ana", "audra"}
    assert access.model is None


def test_a_model_of_its_own_is_kept_as_text() -> None:
    """What Casbin is given is what stands in the file."""
    model = (
        "[request_definition]\nr = sub, dom, obj, act\n\n[policy_definition]\np = sub, obj, act\n\n"
        "[role_definition]\ng = _, _, _\n\n[policy_effect]\ne = some(where (p.eft == allow))\n\n"
        "[matchers]\nm = g(r.sub, p.sub, r.dom) && r.obj == p.obj && r.act == p.act\n"
    )
    assert load_access(good() | {"model.conf": model.encode()}).model == model


def test_errors_and_warnings_come_together() -> None:
    """One look at a set shows everything there is to mend."""
    with pytest.raises(PolicyErrors) as caught:
        load_set({"shop.yaml": SET_OF_ONE.replace(b"JPY", b"yen") + b"budget: []\n"})
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ["no_access", "unknown_currency", "unknown_key"]
    assert all(str(problem) in str(caught.value) for problem in caught.value.problems)


def test_a_comment_may_follow_a_complete_condition() -> None:
    """Only a condition that a comment cuts in two is refused."""
    text = SET_OF_ONE.replace(
        b", up_to: 500}",
        b"}\n  - id: by-people\n    role: clerk\n    may: any\n"
        b'    when: agent.kind == "human"  # not for machines',
    )
    assert load_rulebook({"shop.yaml": text}).grants[1].when is not None


def test_conditions_are_shared_by_text() -> None:
    """The same condition in two rules is one expression, and answers for both."""
    text = SET_OF_ONE + b"".join(
        b'  - {id: r%d, role: clerk, may: any, when: now > date("2026-01-01")}\n' % n
        for n in range(2)
    )
    rulebook = load_rulebook({"shop.yaml": text})
    first, second = (rulebook.grants[n].when for n in (1, 2))
    assert first is second
    assert first is not None
    assert first(rulebook.bind({"now": datetime(2026, 3, 1, tzinfo=UTC)})) is True


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in SHIPPED.rglob("access.csv")}), ids=lambda it: it.name
)
def test_every_shipped_set_loads_without_a_warning(folder: Path) -> None:
    """What stands beside the code is the first thing a manager reads."""
    assert load_set(read_folder(folder)).warnings == ()
