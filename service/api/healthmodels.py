"""What operators are told, as models."""

from typing import Literal

from pydantic import Field

from service.api.models import Wire


class Health(Wire):
    """The process runs."""

    status: Literal["ok"]


class FolderProblem(Wire):
    """Why what the folder holds now is not put in force; the operator's log has the words."""

    file: str
    line: int
    code: str


class Folder(Wire):
    """The folder the process was started with, against the policy in force."""

    version: str | None = Field(description="The last set there that held.")
    differs: bool
    problems: list[FolderProblem]


class Alarm(Wire):
    """Why this process signs no checkpoint. Nothing was signed since."""

    code: str
    message: str
    remedy: str


class PostedCheckpoints(Wire):
    """The size of the last checkpoint that its receiver took from this process.

    And why the last attempt failed, if it did.
    """

    taken: int | None
    failure: str | None


class PublishedLog(Wire):
    """How many entries the newest checkpoint covers, as this process last saw it."""

    published: int | None
    alarm: Alarm | None
    posted: PostedCheckpoints | None = Field(
        description="How checkpoints fare that are posted to somebody; null where nobody is named."
    )


class Readiness(Wire):
    """Whether requests can be decided now."""

    status: Literal["ready", "not_ready"]
    policy: str | None
    folder: Folder | None
    log: PublishedLog
