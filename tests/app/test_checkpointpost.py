"""The newest checkpoint reaches its receiver, and a receiver that is dead delays nobody."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from service.adapters.checkpointcopy import CheckpointFile
from service.adapters.signer import verify_ed25519
from service.app.checkpointpost import CheckpointPost, PostState
from service.app.checkpoints import SPACING, CheckpointPublisher
from service.app.logrecords import CheckpointRecord
from service.app.sending import Undelivered
from service.app.signing import Signing
from service.bootstrap import open_services
from service.core.receiver import Patience
from tests.app.house import House, open_house, shop_settings, write_shop
from tests.app.test_logkeeper import until
from tests.logged import ORIGIN, SEED, Logged, logged, sign_with
from tests.receiving import SECRET, hang, receiving

QUICK = Patience(first=timedelta(milliseconds=1), longest=timedelta(milliseconds=4))
WAIT_SECONDS = 60


class Receiver:
    """Takes checkpoints, or refuses them with what stands in ``refusals``."""

    def __init__(self, *refusals: Exception) -> None:
        self.refusals = list(refusals)
        self.taken: list[int] = []
        self.asked = 0
        self.may_answer = Event()
        self.may_answer.set()

    def send(self, record: CheckpointRecord) -> None:
        self.asked += 1
        assert self.may_answer.wait(WAIT_SECONDS)
        if self.refusals:
            raise self.refusals.pop(0)
        self.taken.append(record.size)


@pytest.fixture
def log(database_url: str) -> Iterator[Logged]:
    with logged(database_url) as opened:
        yield opened


@contextmanager
def posting(
    log: Logged, receiver: Receiver | None
) -> Iterator[tuple[CheckpointPost, list[PostState], list[Exception]]]:
    told: list[PostState] = []
    reported: list[Exception] = []
    post = CheckpointPost(
        log.store, receiver, report=reported.append, tell=told.append, patience=QUICK
    )
    signing = Signing(ORIGIN, sign_with(SEED), None, verify_ed25519)
    log.publisher = CheckpointPublisher(log.store, signing, CheckpointFile(None), post.signed)
    try:
        yield post, told, reported
    finally:
        post.stop()


@contextmanager
def hanging(log: Logged) -> Iterator[Receiver]:
    """A receiver that was posted the first checkpoint, of two entries, and has not answered."""
    receiver = Receiver()
    receiver.may_answer.clear()
    with posting(log, receiver) as (post, _, _):
        post.start()
        log.begin(1)
        until(lambda: receiver.asked == 1)
        yield receiver


def test_each_checkpoint_is_posted(log: Logged) -> None:
    """One after the other, as they are signed."""
    receiver = Receiver()
    with posting(log, receiver) as (post, told, reported):
        post.start()
        log.begin(1)
        until(lambda: receiver.taken == [2])
        log.write(3)
        log.publish()
        until(lambda: receiver.taken == [2, 5])
        until(lambda: post.state == PostState(taken=5))
    assert (told, reported) == ([], [])


def test_the_latest_wins(log: Logged) -> None:
    """What was signed while the receiver was busy is passed over for the newest."""
    with hanging(log) as receiver:
        for _ in range(3):
            log.write(1)
            log.publish()
        receiver.may_answer.set()
        until(lambda: len(receiver.taken) == 2)
    sizes = [record.size for record in log.checkpoints()]
    assert receiver.taken == [sizes[-1], sizes[0]]


def test_a_dead_receiver_delays_no_signature(log: Logged) -> None:
    """While an attempt hangs, checkpoints are signed as ever."""
    with hanging(log) as receiver:
        log.write(5)
        assert log.publish(SPACING).size == 7
        assert receiver.taken == []
        receiver.may_answer.set()


def test_what_was_not_taken_is_tried_again(log: Logged) -> None:
    """Each failure is told and shown, and that it goes again is told once."""
    receiver = Receiver(Undelivered("http_500"), Undelivered("http_410", final=True), ValueError())
    with posting(log, receiver) as (post, told, reported):
        post.start()
        log.begin(1)
        until(lambda: receiver.taken != [])
        until(lambda: len(told) == 4)
        assert post.state == PostState(taken=2)
    assert [(state.failure, state.attempts) for state in told] == [
        ("http_500", 1),
        ("http_410", 2),
        ("internal", 3),
        (None, 0),
    ]
    assert [type(failure) for failure in reported] == [ValueError]


def test_waits_grow_and_are_bounded(log: Logged) -> None:
    """A receiver that asks to be left alone is, up to the longest wait."""
    asked = [timedelta(0), timedelta(0), timedelta(0), timedelta(days=1)]
    receiver = Receiver(*[Undelivered("http_503", wait=wait) for wait in asked])
    with posting(log, receiver) as (post, _, _):
        log.begin(1)
        waits = [post.post(receiver) for _ in range(4)]
        assert post.post(receiver) is None
        assert post.post(receiver) is None
    milliseconds = [wait / timedelta(milliseconds=1) for wait in waits if wait is not None]
    assert milliseconds == [1, 2, 4, 4]
    assert receiver.taken == [2]


def test_a_start_posts_the_newest(log: Logged) -> None:
    """Whoever signed it may have died before it was posted."""
    log.begin(1)
    receiver = Receiver()
    with posting(log, receiver) as (post, _, _):
        post.start()
        until(lambda: receiver.taken == [2])


def test_nobody_to_post_to_is_no_state(log: Logged) -> None:
    """Where no address is set nothing runs and nothing is shown."""
    with posting(log, None) as (post, told, _):
        post.start()
        log.begin(1)
        assert post.state is None
        assert told == []


def test_the_service_posts_what_it_signs(tmp_path: Path, sqlite_url: str) -> None:
    """With its settings: signed, and shown in its state, while a hanging receiver holds nothing."""
    with receiving() as receiver:
        receiver.manners.append(hang)
        settings = replace(
            shop_settings(write_shop(tmp_path / "shop"), sqlite_url),
            checkpoint_webhook=receiver.url,
            checkpoint_webhook_secret=SECRET,
            checkpoint_webhook_private=True,
        )
        with open_services(settings) as services:
            house = House(services, tmp_path)
            receiver.wait_for(1)
            house.propose()
            size = len(house.entries())
            until(lambda: services.log_keeper.state.published == size)
            posted = services.readiness().posted
            assert posted == PostState()
            receiver.closing.set()
            until(lambda: len(receiver.arrived) > 1)
            assert receiver.arrived[1].verified()["data"]["origin"] == "localhost/remit"


def test_a_process_without_one_shows_none(tmp_path: Path, sqlite_url: str) -> None:
    """`/readyz` tells apart who posts to nobody from whose receiver is away."""
    with open_house(tmp_path, sqlite_url) as house:
        assert house.services.readiness().posted is None
