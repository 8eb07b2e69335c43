"""Who holds which role where, and may do what: Casbin, asked behind one lock.

Casbin decides who may do what to the service. No amount passes through it. The plain
`Enforcer` is built once and never changed: its faster sibling keeps the filter of a
question in shared state and answers one thread with the filter of another.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from threading import Lock
from typing import Final, Self, TypeVar

import casbin
from casbin.persist import Adapter

from service.adapters.claimedaccess import ClaimedAccess
from service.app.token import EVERYWHERE, Roles

REMEMBERED_MAX: Final = 65_536
"""How many answers are kept before all are forgotten."""

MODEL: Final = """\
[request_definition]
r = sub, dom, obj, act

[policy_definition]
p = sub, obj, act

[role_definition]
g = _, _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = g(r.sub, p.sub, r.dom) && r.obj == p.obj && r.act == p.act
"""
"""The model where a policy set brings none: roles with domains, and the domain is the site."""

Permission = tuple[str, str, str]
"""A ``p`` line: role, thing, action."""

Membership = tuple[str, str, str]
"""A ``g`` line: member (a person or a role), role, site or `EVERYWHERE`."""

Question = tuple[str, ...]
Answer = TypeVar("Answer", bool, tuple[str, ...])


class ModelError(ValueError):
    """A Casbin model that cannot be used. The message says what it must define."""


class CasbinAccess:
    """One immutable reading of an access file. Safe to share between threads.

    Whatever goes wrong while Casbin answers is a no. A name that the file or the
    rulebook uses for a role is nobody's: a caller who happens to be called ``admin``
    is not taken for the role.
    """

    def __init__(
        self, enforcer: Callable[[], casbin.Enforcer], names: "_Names", remembered_max: int
    ) -> None:
        """See `build`."""
        self._make = enforcer
        self._remembered_max = remembered_max
        self._enforcer = enforcer()
        self._names = names
        self._lock = Lock()
        self._may: dict[Question, bool] = {}
        self._roles: dict[Question, tuple[str, ...]] = {}

    @classmethod
    def build(
        cls,
        *,
        permissions: Sequence[Permission],
        memberships: Sequence[Membership],
        model: str | None,
        roles: Sequence[str],
        remembered_max: int = REMEMBERED_MAX,
    ) -> Self:
        """Read an access file's lines. ``roles`` are the rulebook's, lowest rank first.

        Raises `ModelError` for a model that does not parse, or whose definitions are
        not those of `MODEL`; its matcher and effect are free.
        """
        lines = _Lines(tuple(permissions), tuple(memberships))

        def enforcer() -> casbin.Enforcer:
            return _enforcer(MODEL if model is None else model, lines)

        return cls(enforcer, _Names(lines, tuple(roles)), remembered_max)

    def roles(self, person: str, site: str) -> tuple[str, ...]:
        """The rulebook's roles held at a site, directly or through another, by rank."""
        return () if person in self._names.taken else self._held(person, site)

    def may(self, person: str, thing: str, action: str, site: str) -> bool:
        """Whether a person may do ``action`` to ``thing`` at a site."""
        return person not in self._names.taken and self._allowed(person, thing, action, site)

    def sites(self, person: str, thing: str, action: str) -> frozenset[str] | None:
        """The sites where a person may; ``None`` where the question `EVERYWHERE` is a yes too."""
        named = self._names.sites
        allowed = frozenset(site for site in named if self.may(person, thing, action, site))
        if allowed == named and self.may(person, thing, action, EVERYWHERE):
            return None
        return allowed

    def is_granted(self, thing: str, action: str) -> bool:
        """Whether the file gives a right to any role, whoever holds it."""
        return (thing, action) in self._names.granted

    def people(self) -> Sequence[str]:
        """Every member that is no role, in the order of the file."""
        return self._names.people

    @property
    def sites_named(self) -> frozenset[str]:
        """Every site that the file gives a role at."""
        return self._names.sites

    def unknown_roles(self, names: Collection[str]) -> Sequence[str]:
        """Those that neither the rulebook nor the file knows as a role, sorted."""
        return sorted(set(names) - self._names.taken)

    def claiming(self, people: Mapping[str, Roles]) -> ClaimedAccess:
        """The same, but for people whose roles come from elsewhere and replace the file's."""
        return ClaimedAccess(self, people)

    def roles_through(self, held: Iterable[str], site: str) -> tuple[str, ...]:
        """The rulebook's roles that whoever holds some roles at a site has, by rank."""
        found: set[str] = set()
        for role in held:
            if role in self._names.taken:
                found.update(self._held(role, site))
        return tuple(role for role in self._names.roles if role in found)

    def role_may(self, role: str, thing: str, action: str, site: str) -> bool:
        """Whether whoever holds a role at a site may do ``action`` to ``thing`` there."""
        return role in self._names.taken and self._allowed(role, thing, action, site)

    def _held(self, who: str, site: str) -> tuple[str, ...]:
        """What a person holds, or a role: no name is both."""
        return self._asked(self._roles, (who, site), self._ask_roles, ())

    def _allowed(self, who: str, thing: str, action: str, site: str) -> bool:
        return self._asked(self._may, (who, thing, action, site), self._ask, no=False)

    def _asked(
        self,
        known: dict[Question, Answer],
        question: Question,
        ask: Callable[..., Answer],
        no: Answer,
    ) -> Answer:
        if not all(question):
            return no
        found = known.get(question)
        if found is not None:
            return found
        with self._lock:
            try:
                answer = ask(*question)
            except Exception:  # noqa: BLE001 — whatever it was: no, and asked again next time
                return no
            self._remember(known, question, answer)
        return answer

    def _remember(self, known: dict[Question, Answer], question: Question, answer: Answer) -> None:
        """Keep an answer. Casbin keeps every name it was asked about, so it starts anew too."""
        if len(known) >= self._remembered_max:
            known.clear()
            self._enforcer = self._make()
        known[question] = answer

    def _ask(self, person: str, thing: str, action: str, site: str) -> bool:
        return self._enforcer.enforce(person, site, thing, action) is True

    def _ask_roles(self, person: str, site: str) -> tuple[str, ...]:
        holds = self._enforcer.get_role_manager().has_link
        return tuple(role for role in self._names.roles if holds(person, role, site) is True)


class _Lines(Adapter):  # type: ignore[misc]
    """The lines of an access file, as Casbin loads them."""

    def __init__(
        self, permissions: tuple[Permission, ...], memberships: tuple[Membership, ...]
    ) -> None:
        self.permissions = permissions
        self.memberships = memberships

    def load_policy(self, model: casbin.Model) -> None:
        for line in self.permissions:
            model.add_policy("p", "p", list(line))
        for line in self.memberships:
            model.add_policy("g", "g", list(line))


class _Names:
    """What the names of an access file stand for."""

    def __init__(self, lines: _Lines, roles: tuple[str, ...]) -> None:
        members = dict.fromkeys(member for member, _, _ in lines.memberships)
        self.roles = roles
        self.taken = (
            frozenset(roles)
            | {role for _, role, _ in lines.memberships}
            | {role for role, _, _ in lines.permissions}
        )
        self.granted = frozenset((thing, action) for _, thing, action in lines.permissions)
        self.people = tuple(member for member in members if member not in self.taken)
        self.sites = frozenset(site for _, _, site in lines.memberships) - {EVERYWHERE}


def _enforcer(model: str, lines: _Lines) -> casbin.Enforcer:
    parsed = casbin.Model()
    try:
        parsed.load_model_from_text(model)
        enforcer = casbin.Enforcer(parsed, lines, enable_log=False)
        _check(parsed)
        enforcer.add_named_domain_matching_func("g", _same_site)
        if lines.permissions:  # a matcher is parsed when it is first asked
            enforcer.enforce(EVERYWHERE, EVERYWHERE, EVERYWHERE, EVERYWHERE)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"Casbin cannot use the model: {error}") from error
    return enforcer


def _check(model: casbin.Model) -> None:
    """A model with other columns would match one thing against another, silently."""
    for section, wanted in (
        ("r", ["r_sub", "r_dom", "r_obj", "r_act"]),
        ("p", ["p_sub", "p_obj", "p_act"]),
        ("g", ["_", "_", "_"]),
    ):
        kinds = model[section] if section in model.keys() else {}  # noqa: SIM118 — no mapping
        if [*kinds] != [section] or [name.strip() for name in kinds[section].tokens] != wanted:
            columns = ", ".join(name.removeprefix(f"{section}_") or "_" for name in wanted)
            raise ModelError(f"the model must define {section} as: {section} = {columns}")


def _same_site(asked: str, held: str) -> bool:
    return held in (EVERYWHERE, asked)
