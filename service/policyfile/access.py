"""Who holds which role where, and what each role may do to the service: ``access.csv``.

The file is a Casbin policy of RBAC with domains, in which a domain is a site. Casbin itself
takes lines of any width and skips kinds it does not know, and then fails or forgets later
(pycasbin 2.8.0); so every line is checked here before Casbin sees one.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from service.policyfile.digest import ACCESS_FILE
from service.policyfile.problem import Problem
from service.policyfile.source import Source
from service.policyfile.suggestion import suggest

EVERY_SITE = "*"

PERMISSIONS = frozenset(
    {
        ("resolution", "propose"),
        ("resolution", "read"),
        ("allowance", "read"),
        ("escalation", "read"),
        ("escalation", "answer"),
        ("policy", "read"),
        ("policy", "publish"),
        ("policy", "confirm"),
        ("log", "read"),
        ("log", "open"),
        ("delegation", "manage"),
        ("notice", "read"),
        ("notice", "redeliver"),
        ("key", "manage"),
        ("erasure", "request"),
        ("budget", "read"),
    }
)
"""Every (object, action) that a role may be given."""

_MEMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+|:-]{0,127}")
_COLUMNS = {"p": ("role", "object", "action"), "g": ("who", "role", "site")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What a role may do to the service: an object and an action of `PERMISSIONS`."""

    role: str
    object: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """``member`` (a person, or a role) holds ``role`` at ``site``; ``*`` is every site."""

    member: str
    role: str
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The lines of ``access.csv`` in order, and the text of ``model.conf`` if there is one.

    With no lines nobody may do anything.
    """

    permissions: tuple[Permission, ...] = ()
    memberships: tuple[Membership, ...] = ()
    model: str | None = None
    people: frozenset[str] = field(default=frozenset())
    """The members that are no roles."""


@dataclass(frozen=True, slots=True)
class _Field:
    text: str
    index: int


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the right width: its kind, and its three fields."""

    number: int
    kind: str
    fields: tuple[_Field, _Field, _Field]

    def words(self) -> tuple[str, str, str, str]:
        """The line without its blanks."""
        first, second, third = self.fields
        return self.kind, first.text, second.text, third.text


def read_access(
    source: Source, *, roles: Collection[str], sites: Collection[str] | None, found: list[Problem]
) -> Access:
    """The file's lines as data; problems are added to ``found``.

    ``roles`` are those of the set; ``sites`` is None where the set declares none.
    """
    lines = list(_lines(source, found))
    checker = _Checker(source, frozenset(roles), sites, lines, found)
    for line in lines:
        checker.check(line)
    checker.check_circles()
    memberships = tuple(
        Membership(member=who.text, role=role.text, site=site.text)
        for who, role, site in (line.fields for line in lines if line.kind == "g")
    )
    return Access(
        permissions=tuple(
            Permission(role=role.text, object=thing.text, action=action.text)
            for role, thing, action in (line.fields for line in lines if line.kind == "p")
        ),
        memberships=memberships,
        people=frozenset(it.member for it in memberships) - checker.every_role,
    )


def kept_access(text: str) -> Access:
    """The lines of a file that was published, and so has no problem."""
    lines = list(_lines(Source(ACCESS_FILE, text), []))
    permissions = [line.fields for line in lines if line.kind == "p"]
    memberships = [line.fields for line in lines if line.kind == "g"]
    return Access(
        permissions=tuple(
            Permission(role=role.text, object=thing.text, action=action.text)
            for role, thing, action in permissions
        ),
        memberships=tuple(
            Membership(member=who.text, role=role.text, site=site.text)
            for who, role, site in memberships
        ),
    )


def no_access() -> Problem:
    """The warning of a set in which nobody may do anything."""
    return Problem(
        file=ACCESS_FILE,
        line=1,
        column=1,
        path="",
        code="no_access",
        message="The set has no access.csv, so nobody may do anything.",
        remedy="Say who holds which role: `g, ana, front_desk, *`.",
        severity="warning",
    )


def _lines(source: Source, found: list[Problem]) -> Iterator[_Line]:
    """The lines that are neither blank nor a comment, and have the right kind and width."""
    seen: dict[tuple[str, str, str, str], int] = {}
    index = 0
    for number, text in enumerate(source.text.split("\n"), start=1):
        line = _line(source, number, index, text.rstrip("\r"), found)
        if line is not None:
            earlier = seen.setdefault(line.words(), number)
            if earlier != number:
                found.append(_duplicate(source, line, earlier))
            yield line
        index += len(text) + 1


def _line(source: Source, number: int, index: int, text: str, found: list[Problem]) -> _Line | None:
    if not text.strip() or text.lstrip().startswith("#"):
        return None
    kind, *fields = _fields(text, index)
    if kind.text not in _COLUMNS:
        found.append(
            source.problem(
                kind.index,
                "unknown_line",
                f"`{kind.text}` is no kind of line.",
                "Begin with `p` (what a role may do) or `g` (who holds a role).",
            )
        )
        return None
    if len(fields) != 3 or not all(it.text for it in fields):  # noqa: PLR2004 - p and g have three
        found.append(_wrong_width(source, kind, fields))
        return None
    first, second, third = fields
    return _Line(number, kind.text, (first, second, third))


def _fields(text: str, index: int) -> Iterator[_Field]:
    for part in text.split(","):
        yield _Field(part.strip(), index + len(part) - len(part.lstrip()))
        index += len(part) + 1


def _wrong_width(source: Source, kind: _Field, fields: list[_Field]) -> Problem:
    names = ", ".join(_COLUMNS[kind.text])
    filled = sum(1 for it in fields if it.text)
    return source.problem(
        kind.index,
        "wrong_width",
        f"A `{kind.text}` line has three columns after it, and none is empty; here are {filled}.",
        f"Write `{kind.text}, {names}`.",
    )


def _duplicate(source: Source, line: _Line, earlier: int) -> Problem:
    return source.problem(
        line.fields[0].index,
        "duplicate_line",
        f"Line {earlier} says the same.",
        "Delete one of the two.",
    )


class _Checker:
    """Checks the names on the lines against the set and against each other."""

    def __init__(
        self,
        source: Source,
        rungs: frozenset[str],
        sites: Collection[str] | None,
        lines: list[_Line],
        found: list[Problem],
    ) -> None:
        self._source = source
        self._rungs = rungs
        self._sites = sites
        self._lines = lines
        self._found = found
        self._service_roles = frozenset(line.fields[0].text for line in lines if line.kind == "p")
        self.every_role = self._rungs | self._service_roles

    def check(self, line: _Line) -> None:
        """One line by itself."""
        if line.kind == "p":
            self._check_permission(line)
        else:
            self._check_membership(line)

    def check_circles(self) -> None:
        """No role holds itself by way of others: Casbin would follow it round."""
        above: dict[str, list[_Line]] = {}
        for line in self._lines:
            if line.kind == "g" and line.fields[0].text in self.every_role:
                above.setdefault(line.fields[0].text, []).append(line)
        for role, lines in above.items():
            for line in lines:
                if _reaches(above, line.fields[1].text, role):
                    self._tell(
                        line.fields[1],
                        "role_circle",
                        f"`{role}` would hold itself by way of `{line.fields[1].text}`.",
                        "Delete one of the lines between them.",
                    )

    def _check_permission(self, line: _Line) -> None:
        role, thing, action = line.fields
        self._check_name(role)
        if (thing.text, action.text) not in PERMISSIONS:
            written = f"{thing.text}, {action.text}"
            self._tell(
                thing,
                "unknown_permission",
                f"`{written}` is nothing that can be allowed.",
                suggest(written, (f"{one}, {other}" for one, other in PERMISSIONS)),
            )

    def _check_membership(self, line: _Line) -> None:
        who, role, site = line.fields
        self._check_name(who)
        if role.text not in self.every_role:
            self._tell(
                role,
                "unknown_role",
                f"`{role.text}` is neither a role of the set nor on a `p` line.",
                suggest(role.text, self.every_role),
            )
        elif who.text in self.every_role and role.text in self._rungs:
            self._tell(
                who,
                "role_in_role",
                f"`{who.text}` is a role, and would give all who hold it the remit of "
                f"`{role.text}`.",
                "Give people the role; ladders are built by `reports_to` in the policy.",
            )
        if self._sites is not None and site.text not in self._sites and site.text != EVERY_SITE:
            self._tell(
                site,
                "unknown_site",
                f"No site `{site.text}` is declared.",
                suggest(site.text, (*self._sites, EVERY_SITE)),
            )

    def _check_name(self, who: _Field) -> None:
        if not _MEMBER.fullmatch(who.text):
            self._tell(
                who,
                "malformed",
                f"`{who.text}` is no name of a person or a role.",
                "Write letters, digits and `._@+|:-`, without blanks or quotes.",
            )

    def _tell(self, at: _Field, code: str, message: str, remedy: str) -> None:
        self._found.append(self._source.problem(at.index, code, message, remedy))


def _reaches(above: dict[str, list[_Line]], start: str, goal: str) -> bool:
    waiting, seen = [start], {start}
    while waiting:
        role = waiting.pop()
        if role == goal:
            return True
        following = {line.fields[1].text for line in above.get(role, ())} - seen
        seen |= following
        waiting.extend(following)
    return False
