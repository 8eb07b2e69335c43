"""Numbers for Prometheus, in the text that its own client library writes. Imported here alone.

The counting is ours: the library's counters lock, check and look up for each observation,
which costs a request five times as much. Each of ours is written by one thread only: those
of requests by the event loop's, those of batches by the committer's.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from service import __version__
from service.adapters.clock import ticks
from service.app.metrics import Condition, Exchanged
from service.app.standing import TrialStanding
from service.core.decision import Outcome

METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST"})
"""Callers may call a method as they like: whatever is none of these is ``other``."""

_REQUEST_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_BATCH_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_BATCH_COMMANDS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class PrometheusMetrics:
    """See `service.app.metrics.Metrics`."""

    def __init__(self) -> None:
        """Everything begins at zero."""
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._request_seconds: dict[str, _Distribution] = {}
        # Every outcome is there from the beginning, so that a rate is.
        self._decisions: Counter[str] = Counter({outcome.value: 0 for outcome in Outcome})
        self._entries: Counter[str] = Counter()
        self._refused = 0
        self._decision_seconds = _Distribution(_REQUEST_SECONDS)
        self._batch_seconds = _Distribution(_BATCH_SECONDS)
        self._batch_commands = _Distribution(_BATCH_COMMANDS)

    def ticks(self) -> float:
        """The machine's monotonic clock."""
        return ticks()

    def exchanged(self, exchange: Exchanged) -> None:
        """Count one request."""
        route, method, status, seconds = exchange
        self._requests[route, method if method in METHODS else "other", status] += 1
        times = self._request_seconds.get(route)
        if times is None:
            times = self._request_seconds[route] = _Distribution(_REQUEST_SECONDS)
        times.observe(seconds)

    def committed(self, outcomes: Sequence[str], kinds: Collection[str]) -> None:
        """Count what a batch brought."""
        for outcome in outcomes:
            self._decisions[outcome] += 1
        for kind in kinds:
            self._entries[kind] += 1

    def answered(self, seconds: float, waited: Sequence[float], refused: int) -> None:
        """Count one batch."""
        self._batch_seconds.observe(seconds)
        self._batch_commands.observe(len(waited))
        observe = self._decision_seconds.observe
        for one in waited:
            observe(one)
        self._refused += refused

    def exposition(self, condition: Condition) -> bytes:
        """What was counted, and how it stands now."""
        counted = _Families((*self._of_requests(), *self._of_batches()))
        return b"".join(map(generate_latest, (self._process, counted, _Now(condition))))

    def _of_requests(self) -> Iterator[Metric]:
        labels = ["route", "method", "status"]
        requests = CounterMetricFamily(
            "remit_requests", "Requests that were answered.", labels=labels
        )
        for (route, method, status), count in self._requests.copy().items():
            requests.add_metric([route, method, str(status)], count)
        yield requests
        says = "From the arrival of a request to the first byte of its answer."
        seconds = HistogramMetricFamily("remit_request_seconds", says, labels=["route"])
        for route, times in self._request_seconds.copy().items():
            seconds.add_metric([route], *times.told())
        yield seconds

    def _of_batches(self) -> Iterator[Metric]:
        yield _counts("decisions", "Decisions that were committed.", "outcome", self._decisions)
        yield _counts("entries", "Entries that were committed.", "kind", self._entries)
        says = "Escalations that a flood guard turned away."
        yield CounterMetricFamily("remit_flood_guard_refusals", says, value=self._refused)
        for name, says, found in (
            ("decision_seconds", "From a command's arrival to its reply.", self._decision_seconds),
            ("batch_seconds", "How long a batch took, its commit included.", self._batch_seconds),
            ("batch_commands", "How many commands a batch had.", self._batch_commands),
        ):
            buckets, total = found.told()
            yield HistogramMetricFamily(f"remit_{name}", says, buckets=buckets, sum_value=total)


class _Distribution:
    """How many values lay up to each bound, and their sum. One thread writes it."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total: float = 0

    def observe(self, value: float) -> None:
        """Count a value. It lies in the first bucket whose bound it does not exceed."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def told(self) -> tuple[list[tuple[str, float]], float]:
        """The buckets as Prometheus has them, each with those before it; and the sum."""
        names = (*(str(float(bound)) for bound in self._bounds), "+Inf")
        return list(zip(names, accumulate(self._counts.copy()), strict=True)), self._total


class _Families(Collector):
    """Metrics that are made already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """Each of them."""
        return self._families


def _counts(name: str, says: str, label: str, found: Counter[str]) -> CounterMetricFamily:
    family = CounterMetricFamily(f"remit_{name}", says, labels=[label])
    for value, count in found.copy().items():
        family.add_metric([value], count)
    return family


class _Now(Collector):
    """How one process stands, as gauges that are made when they are asked for."""

    def __init__(self, condition: Condition) -> None:
        self._condition = condition

    def collect(self) -> Iterator[Metric]:
        """Everything; what only the database knows is absent while it is away."""
        now = self._condition
        yield InfoMetricFamily("remit_build", "The release.", {"version": __version__})
        version = {"version": now.policy or ""}
        yield InfoMetricFamily("remit_policy", "The policy in force.", version)
        for name, says, holds in (
            ("ready", "Whether requests can be decided now.", now.is_ready),
            (
                "policy_folder_refused",
                "Whether the folder's newest set does not hold.",
                now.folder_refused,
            ),
            ("policy_folder_differs", "Whether another version is in force.", now.folder_differs),
            (
                "log_alarm",
                "Whether the log does not go on, so that nothing is signed.",
                now.log_alarm,
            ),
        ):
            yield GaugeMetricFamily(f"remit_{name}", says, value=int(holds))
        yield from self._standing()

    def _standing(self) -> Iterator[Metric]:
        standing = self._condition.standing
        if standing is None:
            return
        for name, says, label, counts in (
            (
                "escalations_open",
                "Escalations that wait for an answer.",
                "role",
                standing.waiting_by_role(),
            ),
            ("notices", "Notices that wait, or were given up.", "state", standing.notices),
            (
                "erasures_pending",
                "Erasures that are not done to the end.",
                "state",
                standing.erasures,
            ),
        ):
            family = GaugeMetricFamily(f"remit_{name}", says, labels=[label])
            for value, count in counts.items():
                family.add_metric([value], count)
            yield family
        entries = GaugeMetricFamily(
            "remit_log_entries", "How far the log reaches.", labels=["state"]
        )
        entries.add_metric(["integrated"], standing.log_size)
        entries.add_metric(["published"], standing.log_published)
        yield entries
        yield from _of_trial(standing.trial)
        yield GaugeMetricFamily(
            "remit_log_unpublished_seconds",
            "For how long the oldest entry has waited that no checkpoint covers.",
            value=standing.unpublished_microseconds / 1e6,
        )


def _of_trial(trial: TrialStanding | None) -> Iterator[Metric]:
    """There without a trial too, so that an alert finds a number."""
    yield GaugeMetricFamily("remit_trial_running", "Whether a trial runs.", value=trial is not None)
    says = "Decisions that the running trial has compared."
    compared = GaugeMetricFamily("remit_trial_decisions", says, labels=["result"])
    told = trial or TrialStanding(decisions=0, flipped=0, failed=0)
    compared.add_metric(["alike"], told.decisions - told.flipped)
    compared.add_metric(["otherwise"], told.flipped)
    compared.add_metric(["failed"], told.failed)
    yield compared
