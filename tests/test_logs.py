"""The operator's log never stands in the way of the work it tells about."""

import io
from collections.abc import Iterator
from contextlib import redirect_stderr

import pytest
import structlog

from service import logs


class Full(io.StringIO):
    """A stream on a disk without room."""

    def write(self, line: str, /) -> int:
        """Refuse, as the operating system does."""
        raise OSError(27, "File too large", line[:0])


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_a_line_that_cannot_be_written_fails_nothing() -> None:
    """A request whose line finds no room is answered all the same, and the next line is tried."""
    logs.configure()
    with redirect_stderr(Full()):
        structlog.get_logger("remit.http").info("request")
    room = io.StringIO()
    with redirect_stderr(room):
        structlog.get_logger("remit.http").info("request")
    assert room.getvalue().count("\n") == 1
