"""What the operator is told by threads that must go on: no function here ever raises.

A disk that is full takes no line either.
"""

from contextlib import suppress
from typing import Final

import structlog

from service.app.checkpointpost import PostState
from service.app.errors import ServiceError
from service.app.folderkeeper import FolderState
from service.app.logalarm import LogAlarm
from service.app.noticerecords import NoticeRecord

PROBLEMS_TOLD_MAX: Final = 20

_log = structlog.get_logger("remit.service")


def report_undecided(failure: Exception) -> None:
    """A command that could not be decided."""
    code = failure.code if isinstance(failure, ServiceError) else None
    with suppress(Exception):
        _log.error("not_decided", code=code, exc_info=failure)


def report_log(failure: Exception) -> None:
    """What kept the log from going on; it is tried again."""
    with suppress(Exception):
        _log.error("log_delayed", exc_info=failure)


def tell_alarm(alarm: LogAlarm) -> None:
    """Why no checkpoint is signed."""
    with suppress(Exception):
        _log.error("log_refused", code=alarm.code, says=alarm.message, remedy=alarm.remedy)


def tell_posted(state: PostState) -> None:
    """A checkpoint that was not taken by whom it was posted to, or that one is taken again."""
    with suppress(Exception):
        if state.failure is None:
            _log.info("checkpoint_taken", size=state.taken)
        else:
            _log.warning("checkpoint_failed", failure=state.failure, attempts=state.attempts)


def tell_lost_attempts(number: int) -> None:
    """How many refused attempts no entry will count: too many different ones came at once."""
    with suppress(Exception):
        _log.warning("attempts_lost", attempts=number)


def tell_keys(why: str | None) -> None:
    """That the issuer's keys cannot be read, and why; with ``None`` that they can again."""
    with suppress(Exception):
        if why is None:
            _log.info("signing_keys_back")
        else:
            _log.error("signing_keys_unread", says=why, remedy="see REMIT_JWKS")


def tell_folder(event: str, folder: FolderState, in_force: str | None) -> None:
    """What became of the policy folder: which version, and where it does not hold."""
    said, tell = {
        "published": ("published", _log.info),
        "folder_mended": ("folder_mended", _log.info),
        "folder_differs": ("folder_differs", _log.warning),
        "folder_refused": ("folder_refused", _log.error),
    }[event]
    with suppress(Exception):
        problems = [str(problem) for problem in folder.problems[:PROBLEMS_TOLD_MAX]]
        more = {"problems": problems} if problems else {}
        tell(said, version=folder.version, in_force=in_force, **more)


def tell_notice(notice: NoticeRecord) -> None:
    """One attempt to deliver a notice: ids, and no fact."""
    event, tell = {
        "delivered": ("notice_delivered", _log.debug),
        "waiting": ("notice_failed", _log.warning),
        "dead": ("notice_dead", _log.error),
    }[notice.state]
    with suppress(Exception):
        tell(
            event,
            notice=notice.id,
            receiver=notice.receiver,
            about=notice.about,
            attempts=notice.attempts,
            failure=notice.failure,
        )
