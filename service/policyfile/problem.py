"""A problem in a policy set: where it is, what is wrong, and what to write instead."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in one place.

    ``line`` and ``column`` count from 1, columns in characters. ``path`` is where it lies
    in the document, such as ``grants[2].up_to``; empty for the whole file. ``code`` is
    stable and explained in `service.policyfile.codes`.
    """

    file: str
    line: int
    column: int
    path: str
    code: str
    message: str
    remedy: str
    severity: Severity = "error"

    def __str__(self) -> str:
        """``file:line:column: message [code]``, and the remedy on a line of its own.

        A warning has the word ``warning:`` before its message.
        """
        mark = "warning: " if self.severity == "warning" else ""
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {mark}{self.message} [{self.code}]\n  → {self.remedy}"

    def as_json(self) -> dict[str, str | int]:
        """All fields, by their names."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "code": self.code,
            "message": self.message,
            "remedy": self.remedy,
            "severity": self.severity,
        }


class PolicyErrors(Exception):  # noqa: N818 - it is many, and is named for what it carries
    """A set that does not load. ``problems`` are all of its errors and warnings, in order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Sort the problems by file, line and column, and drop what is said twice."""
        self.problems = in_order(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems by file, line, column and code; none twice."""
    return tuple(
        sorted(
            set(problems),
            key=lambda it: (it.file, it.line, it.column, it.code, it.path, it.message),
        )
    )


def is_error(problem: Problem) -> bool:
    """Whether the problem keeps its set from loading."""
    return problem.severity == "error"


def render_path(path: tuple[str | int, ...]) -> str:
    """``("grants", 2, "up_to")`` as ``grants[2].up_to``; a key with a dot as ``["a.b"]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("_", "").replace("-", "").isalnum():
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text
