"""What every database guarantees of the reads for inboxes, cases and live screens."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from service.adapters.sql.store import SqlStore
from service.app.deskports import Likeness, Pile, Place
from service.app.integrate import Integrator
from service.app.records import Writes
from tests.stored import AT, ENTRY, ESCALATION, KEY, RESOLUTION

MINUTE = timedelta(minutes=1)
EVERY_PILE = [("annex", "manager"), ("main", "manager"), ("main", "owner")]


def case(number: int, **escalation: Any) -> Writes:
    """A decision that was escalated, with everything it wrote."""
    name = f"{number:02}"
    site = escalation.pop("site", "main")
    value = escalation.pop("value", 10_000)
    return Writes(
        resolutions=[
            replace(
                RESOLUTION,
                id=f"res_{name}",
                entry=f"ent_{name}",
                site=site,
                subject=escalation.get("subject", "sub_1"),
                value_minor=value,
                outcome="escalated",
                state="pending",
            )
        ],
        escalations=[
            replace(
                ESCALATION,
                id=f"esc_{name}",
                resolution=f"res_{name}",
                site=site,
                role="manager",
                opened_at=AT + number * MINUTE,
                **escalation,
            )
        ],
        entries=[
            replace(
                ENTRY,
                id=f"ent_{name}",
                about=f"res_{name}",
                site=site,
                subject=escalation.get("subject", "sub_1"),
                reason="over_limit",
                value_minor=value,
            )
        ],
    )


def write(store: SqlStore, *cases: Writes) -> None:
    for one in cases:
        with store.begin() as tx:
            tx.write(one)


def waiting(store: SqlStore, after: Place | None = None, **asked: Any) -> list[str]:
    question: dict[str, Any] = {"piles": EVERY_PILE, "person": "max", "limit": 100, **asked}
    with store.read() as reader:
        found = reader.desk.waiting(question["piles"], question["person"], after, question["limit"])
    return [record.id.removeprefix("esc_") for record in found]


def test_piles_count_what_waits(store: SqlStore) -> None:
    """By site and role, and only what is open or asked."""
    write(
        store,
        case(1),
        case(2, state="asked"),
        case(3, state="denied"),
        case(4, site="annex"),
    )
    with store.read() as reader:
        assert list(reader.desk.piles()) == [
            Pile("annex", "manager", 1),
            Pile("main", "manager", 2),
        ]


def test_the_soonest_come_first_and_pages_meet(store: SqlStore) -> None:
    """Ties go by id, no deadline comes last; a place leads to what follows it, one by one."""
    write(
        store,
        case(1, answer_by=None),
        case(2, answer_by=AT + 2 * MINUTE),
        case(3, answer_by=AT + MINUTE),
        case(4, answer_by=AT + MINUTE),
        case(5, answer_by=None),
    )
    everything = ["03", "04", "02", "01", "05"]
    assert waiting(store) == everything
    after, seen = None, []
    while page := waiting(store, after, limit=1):
        seen += page
        with store.read() as reader:
            record = reader.find_escalation(f"esc_{page[0]}")
        assert record is not None
        after = Place(record.answer_by, record.id)
    assert seen == everything


def test_what_is_ones_own_is_left_out(store: SqlStore) -> None:
    """And what one's agent proposed; an agent without an owner is nobody's."""
    write(
        store,
        case(1, proposer="max"),
        case(2, proposer="robo", proposer_owner="max"),
        case(3, proposer="robo", proposer_owner="mia"),
        case(4, proposer="ana", proposer_owner=None),
    )
    assert waiting(store) == ["03", "04"]
    assert waiting(store, person="mia") == ["01", "02", "04"]


def test_only_the_piles_that_are_asked_for(store: SqlStore) -> None:
    """A role at one site is not the same role at another."""
    write(store, case(1), case(2, site="annex"), case(3, state="approved"))
    assert waiting(store, piles=[("main", "manager")]) == ["01"]
    assert waiting(store, piles=[("annex", "owner")]) == []
    assert waiting(store, piles=[]) == []


def test_a_subjects_resolutions_are_found(store: SqlStore) -> None:
    """The latest first, at the sites that are asked for, and all of them counted."""
    write(
        store,
        case(1),
        case(2, site="annex"),
        case(3, subject="sub_2"),
        case(4),
    )
    answered = replace(ENTRY, id="ent_90", kind="answer", about="res_01")
    write(store, Writes(entries=[answered]))
    with store.read() as reader:
        found = reader.desk.resolutions_of("sub_1", None, 2)
        assert [record.id for record in found] == ["res_04", "res_02"]
        main = frozenset({"main"})
        assert [one.id for one in reader.desk.resolutions_of("sub_1", main, 9)] == [
            "res_04",
            "res_01",
        ]
        assert reader.desk.count_resolutions_of("sub_1", None) == 3
        assert reader.desk.count_resolutions_of("sub_1", main) == 2
        assert reader.desk.count_resolutions_of("sub_1", frozenset()) == 0
        assert set(reader.desk.resolutions({"res_03", "res_99"})) == {"res_03"}


def test_similar_cases_are_found(store: SqlStore) -> None:
    """Ended, of the same resolution and reason, about as much, not long ago, at these sites."""
    denied: dict[str, Any] = {"state": "denied", "answered_by": "max", "answered_at": AT}
    other = case(7, **denied)
    other.resolutions[0] = replace(other.resolutions[0], resolution="night")
    reason = case(8, **denied)
    reason.entries[0] = replace(reason.entries[0], reason="budget_exhausted")
    write(
        store,
        case(1, **denied, value=5_000),
        case(2, **denied, value=20_000),
        case(3, **denied, value=4_999),
        case(4),
        case(5, **denied, site="annex"),
        case(6, **denied),
        other,
        reason,
    )
    like = Likeness(
        escalation="esc_06",
        resolution="goodwill_credit",
        reason="over_limit",
        value_from_minor=5_000,
        value_to_minor=20_000,
        sites=None,
        since=AT + MINUTE,
    )
    with store.read() as reader:
        found = reader.desk.similar(like, 9)
        assert [record.id for record, _ in found] == ["esc_05", "esc_02", "esc_01"]
        assert [about.value_minor for _, about in found] == [10_000, 20_000, 5_000]
        here = replace(like, sites=frozenset({"main"}), since=AT + 2 * MINUTE)
        assert [record.id for record, _ in reader.desk.similar(here, 9)] == ["esc_02"]
        assert len(reader.desk.similar(like, 1)) == 1


def test_what_happened_is_told_in_the_order_of_the_log(store: SqlStore) -> None:
    """Each with its index and how its escalation stands; ranges are half-open."""
    write(store, case(1), case(2))
    plain = replace(ENTRY, id="ent_50", about="res_50")
    answered = replace(ENTRY, id="ent_00", kind="answer", about="res_01", at=AT + MINUTE)
    write(store, Writes(entries=[plain]), Writes(entries=[answered]))
    with store.read() as reader:
        assert (reader.desk.log_size(), list(reader.desk.happened(0, 9))) == (0, [])
    Integrator(store).integrate()
    with store.read() as reader:
        assert reader.desk.log_size() == 4
        told = [(one.kind, one.escalation.id) for one in reader.desk.happened(0, 4)]
        assert sorted(told) == [
            ("answer", "esc_01"),
            ("decision", "esc_01"),
            ("decision", "esc_02"),
        ]
        indexes = [one.leaf_index for one in reader.desk.happened(0, 4)]
        assert indexes == sorted(indexes)
        apart = [*reader.desk.happened(0, 2), *reader.desk.happened(2, 4)]
        assert [one.leaf_index for one in apart] == indexes


def test_live_keys_are_neither_revoked_nor_expired(store: SqlStore) -> None:
    """At the instant that is asked for."""
    keys = [
        KEY,
        replace(KEY, id="key_2", digest=b"\x02" * 32, expires_at=AT + MINUTE),
        replace(KEY, id="key_3", digest=b"\x03" * 32, revoked_at=AT),
    ]
    write(store, Writes(keys=keys))
    ids = [key.id for key in keys]
    with store.read() as reader:
        assert reader.desk.live_keys(ids, AT) == {"key_1", "key_2"}
        assert reader.desk.live_keys(ids, AT + MINUTE) == {"key_1"}
        assert reader.desk.live_keys([], AT) == frozenset()


def test_machines_are_those_without_a_persons_key(store: SqlStore) -> None:
    """Who has keys of both kinds is a person."""
    made = replace(KEY, kind="ai", owner="max")
    write(
        store,
        Writes(
            keys=[
                replace(made, id="key_2", digest=b"\x02" * 32, subject="robo"),
                replace(made, id="key_3", digest=b"\x03" * 32, subject="max"),
                replace(KEY, id="key_4", digest=b"\x04" * 32, subject="max"),
            ]
        ),
    )
    with store.read() as reader:
        assert reader.desk.machines() == {"robo"}
