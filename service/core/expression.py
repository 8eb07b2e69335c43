"""Compiled conditions and limits, as the core sees them: callables over a scope.

The core knows no expression language. Whoever compiles a policy hands it expressions
that follow this protocol, and a ``bind`` function that turns variables into a scope.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

FactValue: TypeAlias = str | int | bool | float | datetime | timedelta | list[str]
"""A fact in the form conditions read: money in minor units, dates as UTC midnight."""

Scope: TypeAlias = object
"""What ``bind`` returns: opaque, good for any number of expressions of one rulebook."""

Bind: TypeAlias = Callable[[Mapping[str, FactValue]], Scope]
"""Variables by qualified name (absent facts are left out) to a scope."""


class Expression(Protocol):
    """A condition (bool) or a computed amount of money (minor units)."""

    @property
    def text(self) -> str:
        """The source, as the manager wrote it."""

    @property
    def mentions(self) -> frozenset[str]:
        """Every variable read outside ``known()``, such as ``guest.tier``."""

    def __call__(self, scope: Scope) -> bool | int | None:
        """Evaluate. ``None`` says that the evaluation ended in an error, never raises."""
