"""Waiting until a checkpoint covers an answer's entry."""

import asyncio
from typing import Final

import orjson
from starlette.concurrency import run_in_threadpool

from service.services import Services

WAIT_SECONDS: Final = 10
LOOK_SECONDS: Final = 0.05
LOOKS_MAX: Final = 10
"""After how many looks the database is asked in any case."""

HEADER: Final = b"log-published"


async def published_header(
    services: Services, answer: bytes, seconds: int = WAIT_SECONDS
) -> tuple[bytes, bytes]:
    """The header that says whether the answer's entry is published, once it is.

    Waits so many seconds at most; what was decided is told then all the same.
    """
    entry = orjson.loads(answer)["entry"]["id"]
    return HEADER, b"true" if await _is_published(services, entry, seconds) else b"false"


async def _is_published(services: Services, entry: str, seconds: int) -> bool:
    """Whether a checkpoint covers it. The database is asked when there is a new one."""
    loop = asyncio.get_running_loop()
    deadline, looks = loop.time() + seconds, LOOKS_MAX
    asked: int | None = None
    while True:
        newest = services.log_keeper.state.published
        if newest != asked or looks >= LOOKS_MAX:
            asked, looks = newest, 0
            if await run_in_threadpool(services.transparency.is_published, entry):
                return True
        if loop.time() >= deadline:
            return False
        looks += 1
        await asyncio.sleep(LOOK_SECONDS)
