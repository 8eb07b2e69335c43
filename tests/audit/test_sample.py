"""Samples: the same for everybody who has the seed and the log, and each entry proved."""

import pytest

from service.audit.finding import Code
from service.audit.sample import Unproved, draw, sample
from service.audit.source import CHECKPOINT
from tests.audit.ledger import STAY, Ledger
from tests.audit.logs import KEY, MemorySource, note_of


@pytest.fixture(scope="module")
def entries() -> list[bytes]:
    ledger = Ledger()
    for number in range(300):
        ledger.approve(1, caps=[STAY])
        if number % 10 == 0:
            ledger.note("key")
    return ledger.written()


def test_a_draw_can_be_repeated() -> None:
    """These are the very numbers that the recipe gives; another seed gives others."""
    drawn = list(draw("2026-Q1", "log.example/remit", 10))
    assert drawn == [5, 3, 1, 7, 8, 2, 9, 4, 6, 0]
    assert drawn != list(draw("2026-Q2", "log.example/remit", 10))


def test_a_sample_has_what_was_asked_for(entries: list[bytes]) -> None:
    """So many, of one kind, each with its own bytes."""
    _, drawn = sample(MemorySource(entries), [KEY], "s", 20, "key")
    assert len(drawn) == 20
    assert {each.envelope.kind for each in drawn} == {"key"}
    assert all(entries[each.at_index] == each.data for each in drawn)
    assert len({each.at_index for each in drawn}) == 20


def test_a_sample_ends_where_there_is_no_more(entries: list[bytes]) -> None:
    """Thirty keys are all there are."""
    _, drawn = sample(MemorySource(entries), [KEY], "s", 1_000, "key")
    assert len(drawn) == 30


def test_an_altered_entry_is_not_drawn_unnoticed(entries: list[bytes]) -> None:
    """Each is proved against the signed root."""
    source = MemorySource([*entries[:-1], b'{"other":1}'])
    source.files[CHECKPOINT] = note_of(entries)
    with pytest.raises(Unproved) as raised:
        sample(source, [KEY], "s", 1_000)
    assert raised.value.finding.code is Code.ROOT_MISMATCH


def test_a_checkpoint_that_nobody_signed_is_no_ground(entries: list[bytes]) -> None:
    """Nothing is drawn from a log that is not believed."""
    other = KEY._replace(name="log.example/other")
    with pytest.raises(Unproved):
        sample(MemorySource(entries), [other], "s", 1)
