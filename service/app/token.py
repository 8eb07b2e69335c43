"""Tokens: what a verified JWT leaves to be looked at again, and the roles that it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

EVERYWHERE: Final = "*"
"""The site of roles that are held at every site."""

Roles: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""The names of roles by site, both sorted; `EVERYWHERE` is every site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a batch looks at again.

    ``roles`` take the place of the access file's; ``None`` where the token names none, and
    the file's count. It is good before ``ends_at``, which has the leeway in it.
    """

    roles: Roles | None
    issued_at: datetime
    ends_at: datetime


def roles_json(roles: Roles) -> dict[str, list[str]]:
    """The roles as JSON has them: a list for each site."""
    return {site: list(names) for site, names in roles}


def roles_of(by_site: Mapping[str, list[str]]) -> Roles:
    """The inverse of `roles_json`, whatever the order."""
    return tuple((site, tuple(sorted(set(by_site[site])))) for site in sorted(by_site))
