"""Numbers as Prometheus reads them: counted once, and labelled by nothing that callers make up."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.adapters.prometheus import PrometheusMetrics
from service.app.deskports import Pile
from service.app.metrics import ELSEWHERE, UNMEASURED, Condition, Exchanged
from service.app.standing import Standing, TrialStanding

STANDING = Standing(
    piles=[Pile("vienna", "manager", 2), Pile("york", "manager", 1), Pile("york", "owner", 4)],
    notices={"waiting": 5, "dead": 1},
    erasures={"requested": 2, "unclean": 0},
    log_size=90,
    log_published=80,
    unpublished_microseconds=1_500_000,
)
WELL = Condition(
    is_ready=True,
    policy="sha256:1",
    folder_differs=False,
    folder_refused=False,
    log_alarm=False,
    standing=STANDING,
)
Labels = frozenset[tuple[str, str]]


def samples(
    metrics: PrometheusMetrics, condition: Condition = WELL
) -> Mapping[tuple[str, Labels], float]:
    """Every sample as a parser reads it that is not the one that wrote it."""
    text = metrics.exposition(condition).decode()
    found = [
        ((sample.name, frozenset(sample.labels.items())), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
    assert len({key for key, _ in found}) == len(found), "a series stands there twice"
    return dict(found)


def named(name: str, **labels: str) -> tuple[str, Labels]:
    return f"remit_{name}", frozenset(labels.items())


def test_requests_are_counted_by_route_and_status() -> None:
    """Each one once, and its time with its route."""
    metrics = PrometheusMetrics()
    for status, seconds in ((201, 0.004), (201, 0.02), (422, 0.001)):
        metrics.exchanged(Exchanged("/v1/resolutions", "POST", status, seconds))
    found = samples(metrics)
    assert found[named("requests_total", route="/v1/resolutions", method="POST", status="201")] == 2
    assert found[named("requests_total", route="/v1/resolutions", method="POST", status="422")] == 1
    assert found[named("request_seconds_count", route="/v1/resolutions")] == 3
    assert found[named("request_seconds_bucket", route="/v1/resolutions", le="0.005")] == 2
    assert found[named("request_seconds_sum", route="/v1/resolutions")] == pytest.approx(0.025)


def test_methods_that_callers_make_up_are_one() -> None:
    """A thousand of them are one series."""
    metrics = PrometheusMetrics()
    for number in range(1_000):
        metrics.exchanged(Exchanged(ELSEWHERE, f"BREW{number}", 404, 0.001))
    found = samples(metrics)
    assert found[named("requests_total", route=ELSEWHERE, method="other", status="404")] == 1_000
    assert sum(name == "remit_requests_total" for name, _ in found) == 1


def test_a_batch_counts_its_decisions_its_entries_and_its_commands() -> None:
    """One by one for decisions and commands, once for the batch."""
    metrics = PrometheusMetrics()
    metrics.committed(["approved", "denied", "approved"], ["decision", "decision", "answer"])
    metrics.answered(0.003, [0.004, 0.02], 1)
    found = samples(metrics)
    assert found[named("decisions_total", outcome="approved")] == 2
    assert found[named("decisions_total", outcome="denied")] == 1
    assert found[named("entries_total", kind="answer")] == 1
    assert found[named("batch_commands_sum")] == 2
    assert found[named("batch_seconds_count")] == 1
    assert found[named("decision_seconds_bucket", le="0.005")] == 1
    assert found[named("decision_seconds_count")] == 2
    assert found[named("flood_guard_refusals_total")] == 1


def test_every_outcome_begins_at_zero() -> None:
    """An alert on a rate holds from the first scrape on."""
    found = samples(PrometheusMetrics())
    outcomes = ("approved", "escalated", "denied", "incomplete")
    assert [found[named("decisions_total", outcome=each)] for each in outcomes] == [0] * 4


def test_what_waits_is_told_by_role_and_state() -> None:
    """Sites, which anybody may name where none is declared, are added up."""
    found = samples(PrometheusMetrics())
    assert found[named("escalations_open", role="manager")] == 3
    assert found[named("escalations_open", role="owner")] == 4
    assert found[named("notices", state="dead")] == 1
    assert found[named("erasures_pending", state="requested")] == 2
    assert found[named("log_entries", state="integrated")] == 90
    assert found[named("log_entries", state="published")] == 80
    assert found[named("log_unpublished_seconds")] == 1.5
    assert found[named("policy_info", version="sha256:1")] == 1


def test_a_trial_is_told_while_one_runs() -> None:
    """What came out alike and otherwise; zeros without one, so that alerts find a number."""
    none = samples(PrometheusMetrics())
    assert none[named("trial_running")] == 0
    trial = TrialStanding(decisions=9, flipped=2, failed=1)
    found = samples(PrometheusMetrics(), replace(WELL, standing=replace(STANDING, trial=trial)))
    results = ("alike", "otherwise", "failed")
    assert found[named("trial_running")] == 1
    assert [found[named("trial_decisions", result=each)] for each in results] == [7, 2, 1]
    assert [none[named("trial_decisions", result=each)] for each in results] == [0, 0, 0]


@pytest.mark.parametrize(
    "name", ["ready", "policy_folder_refused", "policy_folder_differs", "log_alarm"]
)
def test_a_condition_is_one_or_zero(name: str) -> None:
    """Each by itself, so that no two of them can be exchanged."""
    field = {
        "ready": "is_ready",
        "policy_folder_refused": "folder_refused",
        "policy_folder_differs": "folder_differs",
        "log_alarm": "log_alarm",
    }
    flags = dict.fromkeys(field.values(), False) | {field[name]: True}
    found = samples(PrometheusMetrics(), Condition(policy=None, standing=None, **flags))
    assert {each: found[named(each)] for each in field} == dict.fromkeys(field, 0) | {name: 1}


def test_without_a_database_the_process_still_tells_of_itself() -> None:
    """What only the database knows is absent, and not zero."""
    away = Condition(
        is_ready=False,
        policy=None,
        folder_differs=False,
        folder_refused=False,
        log_alarm=False,
        standing=None,
    )
    names = {name for name, _ in samples(PrometheusMetrics(), away)}
    assert "remit_ready" in names
    assert not names & {"remit_escalations_open", "remit_notices", "remit_log_entries"}


def test_ticks_never_go_back() -> None:
    """They are a clock for durations."""
    metrics = PrometheusMetrics()
    assert metrics.ticks() <= metrics.ticks()


def test_what_is_not_measured_is_nothing() -> None:
    """Who decides without a service around it is told no number."""
    UNMEASURED.exchanged(Exchanged("/", "GET", 200, 1.0))
    UNMEASURED.committed(["approved"], ["decision"])
    UNMEASURED.answered(1.0, [1.0], 1)
    assert (UNMEASURED.ticks(), UNMEASURED.exposition(WELL)) == (0.0, b"")
