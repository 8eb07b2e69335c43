"""Why no checkpoint is signed: what the log's rows say cannot be what was published."""

# ruff: noqa: N818 — it is an alarm, whatever raised it


class LogAlarm(Exception):
    """Nothing was signed. The message says what does not hold, ``remedy`` what to do.

    Codes: ``log_altered`` (an entry or a tile is not what it was), ``log_shrunk`` (the log
    is shorter than a checkpoint), ``log_forked`` (it does not begin with what a checkpoint
    covers), ``checkpoint_unreadable`` (a kept checkpoint is none, or nobody known signed
    it), ``unknown_origin`` (a checkpoint was kept of a log that this database never was),
    ``unknown_signing_key`` (nobody vouches for the key of this process) and
    ``old_signing_key`` (the log has gone on to another).
    """

    def __init__(self, code: str, message: str, remedy: str) -> None:
        """Keep the three apart."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy


REWOUND = (
    "keep this database as it is and find out why; where it was restored from a backup, "
    "start a new origin: remit audit restart"
)
"""What to do where the rows contradict a checkpoint."""
