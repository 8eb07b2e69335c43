"""``GET /metrics``: what operators scrape tells how it stands, and of nobody."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from threading import Event

from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from service.api.app import create_app
from service.app.errors import Unavailable
from service.app.metrics import MEDIA_TYPE
from service.app.ports import Reader, Store, Transaction
from service.app.standing import KEPT_SECONDS, Standings
from service.bootstrap import open_services
from service.core.decision import Outcome
from tests.api.door import Door
from tests.app.authors import AUTHORS
from tests.app.house import House, shop_files, shop_settings, write_shop
from tests.app.trying import RAISED, compared
from tests.app.trying import shop as trial_shop
from tests.databases import sqlite_url

__all__ = ["sqlite_url"]


def scraped(client: TestClient) -> Mapping[str, Mapping[frozenset[str], float]]:
    """Values by name and by the labels' values."""
    response = client.get("/metrics")
    assert (response.status_code, response.headers["content-type"]) == (200, MEDIA_TYPE)
    found: dict[str, dict[frozenset[str], float]] = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.values())] = sample.value
    return found


def test_it_takes_no_key_and_counts_what_was_asked(door: Door) -> None:
    """By the route's pattern and the status, refusals too."""
    door.propose()
    door.propose(amount="not money")
    door.get("/v1/resolutions/res_1")
    requests = scraped(door.client)["remit_requests_total"]
    assert requests[frozenset({"/v1/resolutions", "POST", "201"})] == 1
    assert requests[frozenset({"/v1/resolutions", "POST", "422"})] == 1
    assert requests[frozenset({"/v1/resolutions/{id}", "GET", "404"})] == 1


def test_paths_and_methods_of_no_route_are_one_series(door: Door) -> None:
    """Whoever walks through a thousand addresses makes no metric longer."""
    for number in range(20):
        door.client.get(f"/v1/elsewhere/{number}")
        door.client.request(f"BREW{number}", "/healthz")
        door.client.request("DELETE", f"/v1/resolutions/{number}")
    requests = scraped(door.client)["remit_requests_total"]
    assert set(requests) == {
        frozenset({"elsewhere", "GET", "404"}),
        frozenset({"elsewhere", "other", "405"}),
    }
    assert sum(requests.values()) == 60


def test_the_document_and_head_have_their_routes(door: Door) -> None:
    """Neither hides among what is asked elsewhere."""
    door.client.get("/openapi.json")
    door.client.head("/healthz")
    requests = scraped(door.client)["remit_requests_total"]
    assert frozenset({"/openapi.json", "GET", "200"}) in requests
    assert frozenset({"/healthz", "HEAD", "200"}) in requests


def test_decisions_are_counted_by_outcome_once_they_are_committed(door: Door) -> None:
    """A repeated request is an answer, and no decision."""
    door.propose(key="k-1")
    door.propose(key="k-1")
    door.propose(amount="400.00")
    door.propose(resolution="cash", amount="5.00")
    found = scraped(door.client)
    decided = {next(iter(key)): value for key, value in found["remit_decisions_total"].items()}
    assert decided == dict.fromkeys(Outcome, 0) | {"approved": 1, "escalated": 1, "denied": 1}
    assert found["remit_entries_total"][frozenset({"decision"})] == 3
    assert found["remit_batch_commands_sum"][frozenset()] == 4
    assert found["remit_decision_seconds_count"][frozenset()] == 4
    assert found["remit_escalations_open"] == {frozenset({"manager"}): 1}


def test_nobody_is_named(door: Door) -> None:
    """No guest, no staff, no key, no case: neither by id nor by value."""
    body = door.propose(guest="G-secret", amount="400.00", note="a note").json()
    text = door.client.get("/metrics").text
    key = door.house.key("ana")
    for hidden in ("G-secret", '"ana"', body["id"], body["entry"]["id"], key.record.id, '"main"'):
        assert hidden not in text


def test_a_set_that_does_not_load_is_told(door: Door) -> None:
    """The last good set decides on; readiness, the metrics and the log say so."""
    services = door.house.services
    assert services.folder is not None
    assert scraped(door.client)["remit_policy_folder_refused"] == {frozenset(): 0}
    policies = services.settings.policies
    write_shop(policies, {**shop_files(), "shop.yaml": b"remit: 1\n"})
    services.folder.look()
    found = scraped(door.client)
    assert found["remit_policy_folder_refused"] == {frozenset(): 1}
    assert found["remit_policy_folder_differs"] == {frozenset(): 1}
    (version,) = found["remit_policy_info"]
    assert version == frozenset({door.get("/v1/policy").json()["version"]})
    assert door.client.get("/readyz").json()["folder"]["problems"]
    assert door.propose().json()["outcome"] == "approved"


def test_a_database_that_is_away_is_no_reason_to_tell_nothing(door: Door) -> None:
    """A scrape answers, says not ready, and leaves out what it cannot ask."""
    door.propose()
    away, services = Away(), door.house.services
    cut_off = replace(services, store=away, standings=Standings(away, services.metrics.ticks))
    found = scraped(TestClient(create_app(cut_off)))
    assert found["remit_ready"] == {frozenset(): 0}
    assert found["remit_decisions_total"][frozenset({"approved"})] == 1
    assert "remit_escalations_open" not in found


def test_a_database_that_goes_away_meanwhile_too(door: Door) -> None:
    """Between two questions as well as before the first."""
    services = door.house.services
    cut_off = replace(services, standings=Standings(Away(), services.metrics.ticks))
    found = scraped(TestClient(create_app(cut_off)))
    assert found["remit_ready"] == {frozenset(): 1}
    assert "remit_log_entries" not in found


def test_scrapes_in_one_second_ask_the_database_once(door: Door) -> None:
    """Whoever asks without a key cannot keep the database busy with it."""
    store, at = Counting(door.house.services.store), [0.0]
    standings = Standings(store, lambda: at[0])
    assert standings.latest() is standings.latest()
    at[0] = KEPT_SECONDS / 2
    standings.latest()
    assert store.reads == 1
    at[0] = KEPT_SECONDS
    standings.latest()
    assert store.reads == 2


def test_a_trial_is_told_while_it_runs(tmp_path: Path, sqlite_url: str) -> None:
    """How many decisions its candidate takes otherwise, of how many."""
    shop = write_shop(tmp_path / "shop", trial_shop(access=AUTHORS))
    with (
        open_services(shop_settings(shop, sqlite_url)) as services,
        TestClient(create_app(services)) as client,
    ):
        door = Door(client, House(services, tmp_path))
        assert scraped(client)["remit_trial_running"] == {frozenset(): 0}
        texts = {name: data.decode() for name, data in trial_shop(*RAISED, access=AUTHORS).items()}
        body = {"files": texts, "mode": "shadow"}
        started = door.post("/v1/policy/trials", body, person="paula").json()
        door.propose(amount="150.00")
        door.propose(amount="20.00", guest="G-2")
        compared(door.house, started["id"])
        found = scraped(client)
        for _ in range(100):  # what was read a moment ago is told for a second
            if found["remit_trial_decisions"][frozenset({"alike"})]:
                break
            Event().wait(0.05)
            found = scraped(client)
    assert found["remit_trial_running"] == {frozenset(): 1}
    told = {next(iter(key)): value for key, value in found["remit_trial_decisions"].items()}
    assert told == {"alike": 1, "otherwise": 1, "failed": 0}


class Away:
    """A database that cannot be reached."""

    def read(self) -> AbstractContextManager[Reader]:
        raise Unavailable("not_decided", "the database is away", "try again")

    def begin(self) -> AbstractContextManager[Transaction]:
        raise Unavailable("not_decided", "the database is away", "try again")

    def sweep(self) -> None:
        """Nothing is reached."""


class Counting(Away):
    """A database that counts how often it is read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.reads = 0

    def read(self) -> AbstractContextManager[Reader]:
        self.reads += 1
        return self._store.read()
