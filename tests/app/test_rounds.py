"""A thread that goes round paces itself, tells what went wrong, and stops when it is told to."""

from threading import Event

from service.app.rounds import Round, Rounds

WAIT_SECONDS = 30
HOUR_SECONDS = 3_600.0


class Failing(Exception):  # noqa: N818 — it names what it does
    """What a round may raise that nobody needs to hear of."""


def rounds(go: Round, reported: list[Exception], pause_seconds: float = HOUR_SECONDS) -> Rounds:
    return Rounds("test", go, reported.append, pause_seconds=pause_seconds, untold=(Failing,))


def test_it_goes_round_until_it_is_stopped() -> None:
    """Round after round with the pause between them, and none after the stop."""
    gone: list[int] = []
    three = Event()

    def go() -> None:
        gone.append(len(gone))
        if len(gone) == 3:
            three.set()

    going = rounds(go, [], pause_seconds=0.001)
    going.start()
    assert three.wait(WAIT_SECONDS)
    assert going.stop()
    number = len(gone)
    assert not Event().wait(0.05)
    assert len(gone) == number


def test_a_round_says_how_long_the_next_pause_is() -> None:
    """Where more waits than one round takes, the next one follows at once."""
    gone, enough = iter((0, 0, 0)), Event()

    def go() -> float | None:
        pause = next(gone, None)
        if pause is None:
            enough.set()
        return pause

    going = rounds(go, [])
    going.start()
    assert enough.wait(WAIT_SECONDS)
    assert going.go() == HOUR_SECONDS
    going.stop()


def test_a_stop_cuts_the_pause_short() -> None:
    """Nobody waits for an hour until a process ends."""
    once = Event()
    going = rounds(once.set, [])
    going.start()
    assert once.wait(WAIT_SECONDS)
    going.stop(WAIT_SECONDS)
    assert not going.stop()


def test_a_stop_waits_for_the_round_that_was_begun() -> None:
    """For as long as it may, and then no longer."""
    begun, may_end, ended = Event(), Event(), Event()

    def go() -> None:
        begun.set()
        may_end.wait(WAIT_SECONDS)
        ended.set()

    going = rounds(go, [])
    going.start()
    assert begun.wait(WAIT_SECONDS)
    assert going.stop(0.01)
    assert not ended.is_set()
    may_end.set()
    going.stop()
    assert ended.is_set()


def test_what_never_began_did_not_run() -> None:
    """So that whoever stops it knows whether anything may be left."""
    assert not rounds(lambda: None, []).stop()


def test_a_failure_is_told_and_the_next_round_follows() -> None:
    """After the usual pause; one that was expected is passed over."""
    failures = iter((OSError("away"), Failing(), OSError("still")))
    reported: list[Exception] = []
    done = Event()

    def go() -> None:
        failure = next(failures, None)
        if failure is not None:
            raise failure
        done.set()

    going = rounds(go, reported, pause_seconds=0.001)
    going.start()
    assert done.wait(WAIT_SECONDS)
    going.stop()
    assert [str(failure) for failure in reported] == ["away", "still"]
