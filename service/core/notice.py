"""What a notice tells of, and its one sentence."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class NoticeEvent(StrEnum):
    """What happened to an escalation. Stable names, which receivers subscribe to."""

    OPENED = "escalation.opened"
    MOVED_UP = "escalation.moved_up"
    ASKED = "escalation.asked"
    REPLIED = "escalation.replied"
    REMINDED = "escalation.reminded"
    CONCURRED = "escalation.concurred"
    APPROVED = "escalation.approved"
    COUNTERED = "escalation.countered"
    DENIED = "escalation.denied"
    WITHDRAWN = "escalation.withdrawn"
    EXPIRED = "escalation.expired"


SENTENCES: Final[Mapping[NoticeEvent, str]] = MappingProxyType(
    {
        NoticeEvent.OPENED: "{role} is asked to decide on {resolution} at {site}",
        NoticeEvent.MOVED_UP: "{resolution} at {site} went up to {role}",
        NoticeEvent.ASKED: "{role} asks for more about {resolution} at {site}",
        NoticeEvent.REPLIED: "{role} has a reply about {resolution} at {site}",
        NoticeEvent.REMINDED: "{resolution} at {site} still waits for {role}",
        NoticeEvent.CONCURRED: "One of several approved {resolution} at {site}",
        NoticeEvent.APPROVED: "{resolution} at {site} was approved",
        NoticeEvent.COUNTERED: "{resolution} at {site} was approved for another amount",
        NoticeEvent.DENIED: "{resolution} at {site} was denied",
        NoticeEvent.WITHDRAWN: "{resolution} at {site} was withdrawn",
        NoticeEvent.EXPIRED: "Nobody answered in time: {resolution} at {site}",
    }
)
"""One for each event. Holds names of the policy only, so it may stand in a subject line."""


def sentence(event: NoticeEvent, *, resolution: str, role: str, site: str) -> str:
    """What happened, in one line without a personal fact."""
    return SENTENCES[event].format(resolution=resolution, role=role, site=site)
