"""Input that is refused before anything is decided: every fault at once, each in its place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong.

    ``code`` is stable; ``pointer`` is a JSON pointer (RFC 6901) into the body; ``message``
    says what is wrong and ``remedy`` what to send instead. Neither repeats a value that
    could be personal.
    """

    code: str
    pointer: str
    message: str
    remedy: str


class Refused(ValueError):  # noqa: N818 — it names what happened to the proposal
    """A proposal that cannot be decided as it stands. Nothing was changed."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        """Keep every fault; the first one names the refusal."""
        super().__init__(f"{faults[0].pointer or '/'}: {faults[0].message}")
        self.faults = faults
