"""Ids in the order of time, from the only source of randomness."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.adapters.ids import RandomIds

INSTANTS = st.timedeltas(timedelta(0), timedelta(days=200_000)).map(
    datetime(1970, 1, 1, tzinfo=UTC).__add__
)


def body(identifier: str) -> str:
    return identifier.partition("_")[2]


@given(st.lists(st.tuples(st.sampled_from(["res", "ent"]), INSTANTS), max_size=50))
def test_ids_increase_whatever_the_clock_does(draws: list[tuple[str, datetime]]) -> None:
    """Within a process every id is greater than all before it, across prefixes and clock steps."""
    ids = RandomIds()
    bodies = [body(ids.new(prefix, at)) for prefix, at in draws]
    assert bodies == sorted(set(bodies))


@given(INSTANTS)
def test_two_processes_agree_on_the_order_of_milliseconds(at: datetime) -> None:
    """An id of a later millisecond is greater, whoever drew it."""
    earlier, later = RandomIds(), RandomIds()
    assert earlier.new("res", at) < later.new("res", at + timedelta(milliseconds=1))


def test_an_id_begins_with_its_millisecond() -> None:
    """The first ten characters are the time as the ULID specification encodes it."""
    at = datetime.fromtimestamp(1469918176.385, tz=UTC)
    assert body(RandomIds().new("res", at))[:10] == "01aryz6s41"


def test_threads_never_share_an_id() -> None:
    """Ids that several threads draw for one instant are all distinct."""
    ids, at = RandomIds(), datetime(2026, 3, 1, tzinfo=UTC)

    def draw(_: int) -> list[str]:
        return [ids.new("res", at) for _ in range(500)]

    with ThreadPoolExecutor(4) as threads:
        drawn = [one for some in threads.map(draw, range(8)) for one in some]
    assert len(set(drawn)) == len(drawn)


def test_two_processes_do_not_repeat_each_other() -> None:
    """Two sources that start at the same instant draw different ids, names and secrets."""
    first, second, at = RandomIds(), RandomIds(), datetime(2026, 3, 1, tzinfo=UTC)
    assert first.new("res", at) != second.new("res", at)
    assert first.surrogate("sub") != second.surrogate("sub")
    assert first.secret() != second.secret()
