"""People with tokens: they may what their roles may, wherever people with keys may."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import orjson
import pytest

from service.app.attempt import find_attempt
from service.app.callers import RevokedToken
from service.app.claims import LEEWAY, expired
from service.app.deskports import Happened
from service.app.errors import Forbidden, TokenRefused
from service.app.feed import Feed
from service.app.inbox import Wanted
from service.app.principal import Principal
from service.app.rederive import Rederiver
from service.app.tokenpeople import REMEMBERED_DAYS
from service.audit.entry import parse_canonical
from service.bootstrap import compile_files
from service.core.refusal import Refused
from tests.app.standing_in import delegate
from tests.app.tokenhouse import CLERK, MANAGER, TokenHouse, open_token_house
from tests.app.upwards import escalated, record_of, say


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[TokenHouse]:
    """On each database in turn."""
    with open_token_house(tmp_path, database_url) as opened:
        yield opened


@pytest.fixture
def embedded(tmp_path: Path, sqlite_url: str) -> Iterator[TokenHouse]:
    """For what does not depend on the database."""
    with open_token_house(tmp_path, sqlite_url) as opened:
        yield opened


def body_of(house: TokenHouse, kind: str) -> dict[str, Any]:
    """The newest entry of a kind."""
    found: dict[str, Any] = orjson.loads(house.entries(kind=kind)[0].body)
    return found


def answerers(house: TokenHouse, escalation: str, person: str = "gus") -> list[str]:
    cases = house.services.approvals.cases
    case = orjson.loads(cases.get(house.principal(person), escalation))
    return [one["id"] for one in case["context"]["answerers"]["people"]]


# ── Proposing ──


def test_a_stranger_to_the_file_proposes_by_claimed_roles(house: TokenHouse) -> None:
    """The entry says who, with which token, and which roles it named."""
    house.comes("tia", CLERK)
    assert house.propose("tia")["authority"] == {"role": "clerk", "grant": "small"}
    told = body_of(house, "decision")
    assert told["by"]["id"] == "tia"
    assert told["by"]["key"].startswith("tok_")
    assert told["by"]["claimed"] == [{"site": "main", "roles": ["clerk"]}]
    assert told["proposal"]["agent"]["roles"] == ["clerk"]


def test_an_entry_takes_sites_in_any_letters(embedded: TokenHouse) -> None:
    """What an issuer claims besides is no reason that a log cannot be verified."""
    embedded.comes("tia", {**CLERK, "Zürich": ["clerk"], "東京": [], "\U0001f3e8": ["manager"]})
    embedded.propose("tia")
    entry = embedded.entries(kind="decision")[0]
    sites = [one["site"] for one in orjson.loads(entry.body)["by"]["claimed"]]
    assert sites == ["Zürich", "main", "東京", "\U0001f3e8"]
    assert parse_canonical(entry.body)["id"] == entry.id


def test_claimed_roles_replace_those_of_the_file(embedded: TokenHouse) -> None:
    """More or fewer, for as long as somebody comes with the token; by key the file counts."""
    embedded.comes("ana", {"main": ["manager"]})
    assert embedded.propose("ana", amount="400.00")["outcome"] == "approved"
    embedded.comes("ana", {"annex": ["clerk"]})
    with pytest.raises(Forbidden):
        embedded.propose("ana")
    embedded.claims.clear()
    assert embedded.propose("ana")["outcome"] == "approved"


def test_a_token_without_roles_leaves_them_to_the_file(embedded: TokenHouse) -> None:
    """An issuer that only says who somebody is."""
    embedded.comes("ana")
    assert embedded.propose("ana")["outcome"] == "approved"
    assert "claimed" not in body_of(embedded, "decision")["by"]
    embedded.comes("tia")
    with pytest.raises(Forbidden):
        embedded.propose("tia")


def test_a_role_that_nobody_knows_is_told(embedded: TokenHouse) -> None:
    """By its name, though another role would do: a typo must not pass for fewer rights."""
    embedded.comes("tia", {"main": ["clerk", "klerk"]})
    with pytest.raises(Forbidden, match="klerk") as caught:
        embedded.propose("tia")
    assert caught.value.code == "unknown_claimed_role"


def test_budgets_and_keys_count_the_person(embedded: TokenHouse) -> None:
    """The same request under one Idempotency-Key has one effect, by key and by token."""
    first = embedded.decide(embedded.command("ana", key="k1"))
    embedded.comes("ana", CLERK)
    again = embedded.decide(embedded.command("ana", key="k1"))
    assert again.replayed
    assert orjson.loads(again.body)["id"] == orjson.loads(first.body)["id"]
    assert len(embedded.entries(kind="decision")) == 1


# ── Answering ──


def test_a_token_answers_with_its_roles(house: TokenHouse) -> None:
    """With the roles that count in the entry, and those that were claimed."""
    house.comes("tom", MANAGER)
    id_ = escalated(house)
    say(house, "tom", id_)
    assert record_of(house, id_).state == "approved"
    told = body_of(house, "answer")
    assert told["roles"] == ["manager"]
    assert told["by"]["claimed"] == [{"site": "main", "roles": ["manager"]}]


def test_a_token_is_no_second_pair_of_eyes(embedded: TokenHouse) -> None:
    """One person by key and by token, and an AI agent's owner, are each the proposer."""
    by_key = escalated(embedded, "900.00", "max")
    embedded.comes("max", {"main": ["owner"]})
    embedded.comes("bot", CLERK, remit_kind="ai", remit_owner="max")
    by_agent = escalated(embedded, "400.00", "bot", guest="G-2")
    for id_ in (by_key, by_agent):
        with pytest.raises(Forbidden) as caught:
            say(embedded, "max", id_)
        assert caught.value.code == "own_request"


def test_an_ai_agent_with_a_token_answers_nothing(embedded: TokenHouse) -> None:
    """Whatever roles it claims."""
    embedded.comes("bot", {"*": ["owner"]}, remit_kind="ai", remit_owner="gus")
    with pytest.raises(Forbidden) as caught:
        say(embedded, "bot", escalated(embedded))
    assert caught.value.code == "humans_only"


def test_an_inbox_is_that_of_the_claimed_roles(embedded: TokenHouse) -> None:
    """Also for who the file knows as somebody else."""
    id_ = escalated(embedded)
    embedded.comes("tom", MANAGER)
    embedded.comes("max", CLERK)

    def mine(person: str) -> list[str]:
        inbox = embedded.services.approvals.inbox
        listed = orjson.loads(inbox.list(embedded.principal(person), Wanted()))
        return [one["id"] for one in listed["escalations"]]

    assert mine("tom") == [id_]
    assert mine("max") == []


def test_who_could_answer_names_who_came_with_a_token(house: TokenHouse) -> None:
    """From their first command on, by the latest token, and no AI agent."""
    id_ = escalated(house)
    before = answerers(house, id_)
    house.comes("tom", MANAGER)
    house.comes("bot", MANAGER, remit_kind="ai", remit_owner="gus")
    assert answerers(house, id_) == before
    house.propose("tom", guest="G-2")
    house.propose("bot", guest="G-3")
    assert set(answerers(house, id_)) == {*before, "tom"}
    house.comes("tom", CLERK)
    house.wait(seconds=1)
    house.propose("tom", guest="G-4")
    assert answerers(house, id_) == before


@pytest.mark.parametrize(("roles", "effect"), [(MANAGER, "approve"), (CLERK, "concur")])
def test_whether_the_agent_could_by_now_is_asked_of_the_latest_token(
    house: TokenHouse, roles: dict[str, list[str]], effect: str
) -> None:
    """One voice of two is enough for what the agent could give alone, with the roles of today."""
    house.comes("tia", MANAGER)
    id_ = escalated(house, "900.00", "tia")
    house.publish(("may: any, up_to: 500}", "may: any, up_to: 1000}"))
    house.comes("tia", roles)
    house.wait(seconds=1)
    house.propose("tia", guest="G-2")
    cases = house.services.approvals.cases
    you = orjson.loads(cases.get(house.principal("gus"), id_))["context"]["you"]
    assert you["answers"]["approve"]["effect"] == effect
    assert say(house, "gus", id_)["effect"] == effect


# ── Standing in ──


def test_people_with_tokens_stand_in_for_each_other(house: TokenHouse) -> None:
    """With the roles of the delegator's latest token, once both have come."""
    house.comes("tom", MANAGER)
    house.comes("tia", CLERK)
    id_ = escalated(house)
    with pytest.raises(Refused) as caught:
        delegate(house, "tom", "tia")
    assert caught.value.faults[0].code == "unknown_person"
    house.propose("tia", guest="G-2")
    delegate(house, "tom", "tia")
    house.claims.pop("tom")
    say(house, "tia", id_)
    assert record_of(house, id_).answered_by == "tia for tom"


def test_a_delegation_ends_with_the_delegators_roles(house: TokenHouse) -> None:
    """With the next token that no longer has them, with a revocation, and in the end by time."""
    house.comes("tom", MANAGER)
    house.propose("ben")
    delegate(house, "tom", "ben")
    waiting = escalated(house)
    house.comes("tom", CLERK)
    house.wait(seconds=1)
    house.propose("tom", guest="G-2")
    with pytest.raises(Forbidden):
        say(house, "ben", waiting)
    house.comes("tom", MANAGER)
    house.wait(seconds=1)
    house.propose("tom", guest="G-3")
    assert "ben" in answerers(house, waiting)
    house.services.keys.revoke_person("tom", by="test")
    assert "ben" not in answerers(house, waiting)


def test_nobody_is_remembered_for_ever(embedded: TokenHouse) -> None:
    """The issuer may have forgotten them long ago."""
    embedded.comes("tom", MANAGER)
    embedded.propose("tom")
    embedded.wait(days=REMEMBERED_DAYS - 1)
    assert "tom" in answerers(embedded, escalated(embedded))
    embedded.wait(days=1)
    assert "tom" not in answerers(embedded, escalated(embedded, guest="G-2"))


def test_an_older_token_takes_nothing_back(embedded: TokenHouse) -> None:
    """Whoever keeps a token of yesterday does not hold what it said for others."""
    embedded.comes("tom", MANAGER)
    old = embedded.principal("tom")
    embedded.wait(minutes=5)
    embedded.comes("tom", CLERK)
    embedded.propose("tom")
    command = embedded.command("tom", guest="G-2")
    command.principal = old
    embedded.decide(command)
    assert "tom" not in answerers(embedded, escalated(embedded))


# ── The end of a token ──


def test_a_batch_refuses_a_token_that_has_ended(house: TokenHouse) -> None:
    """By the database's clock at the moment of the decision, however it came through the door."""
    house.comes("tia", CLERK)
    command = house.command("tia")
    house.wait(seconds=3600 + LEEWAY.total_seconds())
    with pytest.raises(TokenRefused) as caught:
        house.decide(command)
    assert caught.value.code == "token_expired"
    assert not house.entries(kind="decision")


def test_a_batch_refuses_what_was_revoked(house: TokenHouse) -> None:
    """One token, and then all of a person; who comes with a later one is welcome again."""
    house.comes("tia", CLERK)
    one, other = house.command("tia"), house.command("tia", guest="G-2")
    other.principal = house.tokens.identify(house.token("tia", jti="x"), house.clock.now())
    assert one.principal.key != other.principal.key
    house.services.keys.revoke_token(one.principal.key, by="test")
    with pytest.raises(RevokedToken):
        house.decide(one)
    house.decide(other)
    house.services.keys.revoke_person("tia", by="test")
    with pytest.raises(RevokedToken) as caught:
        house.decide(other)
    assert caught.value.principal.id == "tia"
    house.wait(seconds=LEEWAY.total_seconds())
    with pytest.raises(RevokedToken):
        house.propose("tia")
    house.wait(seconds=1)
    assert house.propose("tia")["outcome"] == "approved"


def test_revoking_a_person_revokes_their_keys(embedded: TokenHouse) -> None:
    """Whatever they come with, in one step and one entry; nobody else's."""
    made = [embedded.services.keys.create(subject="ana", by="test").record.id for _ in range(2)]
    embedded.key("ben")
    found = embedded.services.keys.revoke_person("ana", by="test")
    assert [record.id for record in found] == made
    live = [key.id for key in embedded.services.keys.list() if key.revoked_at is None]
    assert live == [embedded.key("ben").record.id]
    told = body_of(embedded, "key")
    assert (told["effect"], told["subject"], told["keys"]) == ("person_revoked", "ana", made)


def test_a_bad_token_spoils_nobody_elses_batch(embedded: TokenHouse) -> None:
    """Each is refused or decided by itself."""
    embedded.comes("tia", CLERK)
    commands = [embedded.command(who, guest=f"G-{n}") for n, who in enumerate(["ana", "tia"] * 5)]
    embedded.services.keys.revoke_person("tia", by="test")
    replies = [embedded.services.committer.submit(command) for command in commands]
    refused = [reply for reply in replies if reply.exception(10) is not None]
    assert len(refused) == 5
    assert len(embedded.entries(kind="decision")) == 5


def test_a_refused_token_is_an_attempt_of_its_holder(embedded: TokenHouse) -> None:
    """The log counts whoever goes on with what was revoked; that a token ends is nobody's fault."""
    embedded.comes("tia", CLERK)
    held = embedded.principal("tia")
    embedded.services.keys.revoke_person("tia", by="test")
    with pytest.raises(RevokedToken) as caught:
        embedded.tokens.current(embedded.token("tia"), embedded.clock.now())
    found = find_attempt(None, "policy.get", caught.value)
    assert found is not None
    assert found[0] == ("tia", "policy.get", "token_revoked")
    assert found[1].key == held.key
    assert find_attempt(held, "policy.get", expired()) is None


class Screen:
    """A watcher that only knows whether it was ended."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self.seen: list[str] = []
        self.told, self.ended = Event(), Event()

    def tell(self, position: int, happened: Sequence[Happened]) -> None:
        del position
        self.seen += [one.escalation.id for one in happened]
        if happened:
            self.told.set()

    def start_anew(self, position: int) -> None:
        """Nothing is shown yet."""

    def end(self) -> None:
        self.ended.set()


@pytest.mark.parametrize("by_time", [True, False])
def test_a_live_screen_lasts_as_long_as_its_token(embedded: TokenHouse, *, by_time: bool) -> None:
    """It shows what the claimed roles see, and ends with the token's time or its revocation."""
    embedded.comes("tom", MANAGER)
    embedded.comes("tia", {"annex": ["manager"]})
    services, failures = embedded.services, list[Exception]()
    feed = Feed(services.store, services.library, failures.append, pause_seconds=0.02)
    tom, tia = Screen(embedded.principal("tom")), Screen(embedded.principal("tia"))
    feed.join(tom, 0)
    feed.join(tia, 0)
    try:
        id_ = escalated(embedded)
        assert tom.told.wait(60)
        assert tom.seen == [id_]
        assert not tom.ended.is_set()
        if by_time:
            embedded.wait(seconds=3600 + LEEWAY.total_seconds())
        else:
            services.keys.revoke_person("tom", by="test")
        assert tom.ended.wait(60)
    finally:
        feed.stop()
    assert tia.seen == []
    assert not failures


# ── Afterwards ──


def test_decisions_of_people_with_tokens_are_rederived(house: TokenHouse) -> None:
    """From the entries alone: the policy of the day never named them."""
    house.comes("tia", CLERK)
    house.comes("tom", {"main": ["manager"]})
    house.propose("tia")
    house.propose("tia", amount="150.00")
    say(house, "tom", escalated(house, "400.00", "tia"))
    house.propose("tia", resolution="cash", amount="5.00")

    def rulebook_of(version: str) -> Any:
        with house.services.store.read() as reader:
            record = reader.find_policy(version)
        return None if record is None else compile_files(record.files).rulebook

    entries = [entry.body for entry in reversed(house.entries())]
    results = list(Rederiver(rulebook_of).results(enumerate(entries), lambda _: True))
    assert len(results) == 5
    assert all(result.why_not is None and not result.differences for result in results)


def test_a_day_of_tokens_is_written_down_once(embedded: TokenHouse) -> None:
    """Nobody's row changes with each request, only with news or a day later."""
    embedded.comes("tia", CLERK)

    def seen_at() -> Any:
        with embedded.services.store.read() as reader:
            return reader.tokens.people({"tia"})["tia"].seen_at

    embedded.propose("tia")
    first = seen_at()
    embedded.wait(hours=5)
    embedded.propose("tia", guest="G-2")
    assert seen_at() == first
    embedded.wait(hours=19)
    embedded.propose("tia", guest="G-3")
    assert seen_at() == first + timedelta(days=1)
