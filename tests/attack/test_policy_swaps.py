"""Another policy is published while everybody works: each decision has one version, none fails."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from service.bootstrap import compile_files, open_services
from service.config import Settings
from service.services import Services
from tests.attack import policy
from tests.attack.clients import START_SECONDS, Wish
from tests.attack.policy import TILL, proposal
from tests.attack.replicas import MASTER_KEY, SIGNING_KEY
from tests.attack.target import Target
from tests.attack.test_contention import said, setbacks


@contextmanager
def publishing(target: Target) -> Iterator[Services]:
    """A process that publishes; in the end what was in force before is in force again."""
    settings = Settings(
        policies=target.policies,
        database=target.database,
        master_key=MASTER_KEY,
        signing_key=SIGNING_KEY,
    )
    with open_services(settings) as services:
        yield services
        publish(services, TILL)


def publish(services: Services, till: int) -> str:
    """Put a policy with another limit in force; its version."""
    snapshot = compile_files(policy.files(till=till))
    services.publisher.publish(snapshot, by="paula")
    return snapshot.rulebook.version


def test_a_policy_is_swapped_under_load(target: Target) -> None:
    """While versions come and go every request is decided under exactly one of them."""
    site = target.new_site()
    wishes = [
        Wish(body=proposal(f"{site}-{n % 9}", f"{site}-{n % 90}", "5.00"), key=f"{site}-{n}")
        for n in range(600)
    ]
    spans: list[tuple[str, float, float]] = []
    with publishing(target) as services:
        running = target.begin(wishes, processes=4, threads=4)
        time.sleep(START_SECONDS)
        for turn in range(6):
            version = publish(services, TILL + turn % 3 + 1)
            since = time.monotonic()
            time.sleep(0.12)
            spans.append((version, since, time.monotonic()))
        outcomes = target.end(running)
    assert set(said(outcomes)) <= {"approved", "denied"}
    assert setbacks(outcomes) == {}
    found = [outcome.answer["policy"] for outcome in outcomes]
    assert len(set(found)) >= 2, "everything was decided before the first swap"
    for version, since, until in spans:
        within = {
            outcome.answer["policy"]
            for outcome in outcomes
            if since < outcome.sent_at and outcome.answered_at < until
        }
        assert within <= {version}


def test_limits_follow_the_policy_and_what_was_given_stays(target: Target) -> None:
    """A raised limit is there at once; one below what is used refuses, and takes nothing back."""
    site = target.new_site()

    def ask(turn: str, number: int) -> dict[str, int]:
        wishes = [
            Wish(body=proposal(site, f"{site}-{turn}-{n}", "50.00"), key=f"{site}-{turn}-{n}")
            for n in range(number)
        ]
        return dict(said(target.end(target.begin(wishes, processes=1, threads=4))))

    with publishing(target) as services:
        assert ask("full", 24) == {"approved": TILL // 50, "denied": 24 - TILL // 50}
        publish(services, TILL + 100)
        assert ask("raised", 6) == {"approved": 2, "denied": 4}
        publish(services, TILL // 2)
        assert ask("lowered", 6) == {"denied": 6}
        publish(services, TILL + 150)
        assert ask("again", 6) == {"approved": 1, "denied": 5}


def test_replicas_that_start_together_agree(target: Target) -> None:
    """However many seeded the empty database at one instant, one policy is in force for all."""
    said_ready = [replica.get("/readyz")[1] for replica in target.replicas]
    assert len({ready["policy"] for ready in said_ready}) == 1
