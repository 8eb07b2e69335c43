"""The operator's log: one JSON object a line on standard error.

Lines carry ids and never a personal fact: nobody logs a body or a query string, and of an
exception only its type and the places it passed are written, since its text may repeat
what somebody sent.
"""

import logging
import sys
from contextlib import suppress
from traceback import StackSummary, extract_tb
from types import TracebackType
from typing import Final

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_FRAMES_MAX: Final = 20
_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def configure(level: str = "info") -> None:
    """Send everything that logs through one formatter: ours, uvicorn's, the libraries'."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        describe_failure,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_rendered)],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=_StandardError,
        cache_logger_on_first_use=False,
    )
    handler = _StandardErrorHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_rendered),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(_LEVELS[level], logging.WARNING))
    for name in ("uvicorn", "uvicorn.error"):
        _take_over(logging.getLogger(name), max(_LEVELS[level], logging.INFO))


def describe_failure(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """``exc_info`` as the failure's type and the places it passed, without its text."""
    failure = _failure(event.pop("exc_info", None))
    if failure is not None:
        event["failure"] = type(failure).__qualname__
        event["passed"] = _places(failure.__traceback__)
        cause = failure.__cause__ or failure.__context__
        if cause is not None:
            event["cause"] = type(cause).__qualname__
            event["cause_passed"] = _places(cause.__traceback__)
    return event


def _failure(info: object) -> BaseException | None:
    found = info[1] if isinstance(info, tuple) else info
    if isinstance(found, BaseException):
        return found
    return sys.exc_info()[1] if info else None


def _places(traceback: TracebackType | None) -> list[str]:
    frames: StackSummary = extract_tb(traceback)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-_FRAMES_MAX:]]


def _take_over(logger: logging.Logger, level: int) -> None:
    """Let the root format what a logger says that comes with handlers of its own."""
    logger.handlers[:] = []
    logger.propagate = True
    logger.setLevel(level)


def _rendered(event: object, **_: object) -> str:
    return orjson.dumps(event, default=str).decode()


def _write(line: str) -> None:
    """A line on what is standard error now: whoever runs commands in turn may exchange it.

    A line that cannot be written, because the disk is full or nobody reads, is given up:
    it never fails the request, the batch or the connection that it would have told about.
    """
    with suppress(OSError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


class _StandardError:
    """What structlog hands its lines to."""

    def __init__(self, *_: object) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = _write


class _StandardErrorHandler(logging.Handler):
    """What the standard library hands its lines to."""

    def emit(self, record: logging.LogRecord) -> None:
        _write(self.format(record))
