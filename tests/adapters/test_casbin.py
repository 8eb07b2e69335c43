"""Casbin against a naive reading of the same lines, and everything that must be a no."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.casbin import MODEL, CasbinAccess, Membership, ModelError, Permission

PERMISSIONS = (
    ("agent", "resolution", "propose"),
    ("approver", "escalation", "answer"),
    ("auditor", "log", "read"),
    ("admin", "key", "manage"),
)
MEMBERSHIPS = (
    ("front_desk", "agent", "*"),
    ("duty_manager", "agent", "*"),
    ("duty_manager", "approver", "*"),
    ("ana", "front_desk", "new_york"),
    ("max", "duty_manager", "new_york"),
    ("max", "front_desk", "vienna"),
    ("audra", "auditor", "*"),
)
ROLES = ("front_desk", "duty_manager")


def access(
    permissions: Sequence[Permission] = PERMISSIONS,
    memberships: Sequence[Membership] = MEMBERSHIPS,
    model: str | None = None,
) -> CasbinAccess:
    return CasbinAccess.build(
        permissions=permissions, memberships=memberships, model=model, roles=ROLES
    )


# ── What is granted ──


def test_a_role_holds_where_it_was_given() -> None:
    """A person has the roles of a site at that site and nowhere else, lowest rank first."""
    assert access().roles("ana", "new_york") == ("front_desk",)
    assert access().roles("ana", "vienna") == ()
    assert access().roles("max", "vienna") == ("front_desk",)
    assert access().roles("audra", "vienna") == ()


def test_roles_are_in_the_order_of_rank() -> None:
    """Whatever the order of the lines, the roles come as the rulebook ranks them."""
    lines = (("eve", "duty_manager", "*"), ("eve", "front_desk", "vienna"))
    assert access(memberships=lines).roles("eve", "vienna") == ROLES


def test_a_role_may_be_held_through_another() -> None:
    """A group that holds a rulebook's role passes it on to its members."""
    lines = (("night_shift", "front_desk", "vienna"), ("eve", "night_shift", "*"))
    assert access(memberships=lines).roles("eve", "vienna") == ("front_desk",)
    assert access(memberships=lines).roles("eve", "new_york") == ()


def test_a_permission_follows_the_roles() -> None:
    """A person may what a role of theirs may, at the sites of the role."""
    assert access().may("ana", "resolution", "propose", "new_york")
    assert not access().may("ana", "resolution", "propose", "vienna")
    assert not access().may("ana", "escalation", "answer", "new_york")
    assert access().may("max", "escalation", "answer", "new_york")
    assert access().may("audra", "log", "read", "a site that no line names")


def test_sites_are_named_or_all_of_them() -> None:
    """Every site is told apart from each of the named ones, and no site from both."""
    assert access().sites("max", "resolution", "propose") == frozenset({"new_york", "vienna"})
    assert access().sites("audra", "log", "read") is None
    assert access().sites("ana", "log", "read") == frozenset()


def test_people_are_those_who_are_no_roles() -> None:
    """Everybody with a line is listed once, in the order of the file; roles are not."""
    assert access().people() == ("ana", "max", "audra")


# ── What is never granted ──


@pytest.mark.parametrize("name", ["agent", "admin", "front_desk", "duty_manager", "approver"])
def test_a_person_called_like_a_role_is_nobody(name: str) -> None:
    """A caller whose id is the name of a role has neither its permissions nor its rank."""
    lines = (*MEMBERSHIPS, (name, "auditor", "*"))
    for site in ("new_york", "*"):
        assert access(memberships=lines).roles(name, site) == ()
        for _, thing, action in PERMISSIONS:
            assert not access(memberships=lines).may(name, thing, action, site)


def test_a_site_called_like_the_wildcard_is_no_key_to_the_others() -> None:
    """Asking for the site ``*`` finds only what holds at every site."""
    assert not access().may("ana", "resolution", "propose", "*")
    assert access().roles("max", "*") == ()
    assert access().may("audra", "log", "read", "*")


def test_nothing_is_nobody_and_may_nothing() -> None:
    """An empty name in a question is a no, also where there is no permission at all."""
    assert not access(permissions=()).may("", "", "", "")
    assert not access().may("ana", "", "", "new_york")
    assert access().roles("", "new_york") == ()
    assert access().roles("ana", "") == ()


def test_whatever_goes_wrong_is_a_no() -> None:
    """A matcher that fails for a question answers no to it, and goes on with the next."""
    failing = MODEL.replace("g(r.sub", '(r.act != "manage" || nothing(r.sub)) && g(r.sub')
    lines = (*MEMBERSHIPS, ("olga", "admin", "*"))
    broken = access(memberships=lines, model=failing)
    assert not broken.may("olga", "key", "manage", "vienna")
    assert broken.may("ana", "resolution", "propose", "new_york")


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("", "cannot use the model"),
        ("not a model", "cannot use the model"),
        (MODEL.replace("m = g", "m = (((g"), "cannot use the model"),
        (MODEL.replace("m = g(", "m = h("), "cannot use the model"),
        (MODEL.replace("p = sub, obj, act", "p = sub, dom, obj, act"), "p = sub, obj, act"),
        (MODEL.replace("r = sub, dom, obj, act", "r = sub, obj, act, dom"), "r = sub, dom, obj"),
        (MODEL.replace("g = _, _, _", "g = _, _"), "cannot use|g = _, _, _"),
        (MODEL.replace("g = _, _, _", "g = _, _, _\ng2 = _, _"), "g = _, _, _"),
    ],
)
def test_a_model_that_cannot_work_does_not_load(model: str, says: str) -> None:
    """A model that fails, or that would match one column against another, is refused when built."""
    with pytest.raises(ModelError, match=says):
        access(model=model)


def test_a_model_of_ones_own_decides() -> None:
    """The matcher of a set's own model is the one that is asked."""
    strict = MODEL.replace("r.act == p.act", 'r.act == p.act && r.dom != "closed"')
    own = access(model=strict)
    assert own.may("audra", "log", "read", "open")
    assert not own.may("audra", "log", "read", "closed")


# ── Against a naive reading ──

PEOPLE = st.sampled_from(["ana", "ben", "max"])
GROUPS = st.sampled_from(["front_desk", "duty_manager", "agent", "auditor", "night_shift"])
SITES = st.sampled_from(["vienna", "new_york", "*"])
THINGS = ("log", "key")
LINES = st.lists(st.tuples(PEOPLE | GROUPS, GROUPS, SITES), max_size=8)
GIVEN = st.lists(st.tuples(GROUPS, st.sampled_from(THINGS), st.just("read")), max_size=5)


def held(memberships: Sequence[Membership], name: str, site: str) -> set[str]:
    """Every group that a name reaches by lines of the site or of every site."""
    reached: set[str] = set()
    frontier = {name}
    while frontier:
        frontier = {
            group for member, group, at in memberships if member in frontier and at in (site, "*")
        } - reached
        reached |= frontier
    return reached


@given(LINES, GIVEN)
def test_casbin_agrees_with_a_naive_reading(
    memberships: list[Membership], permissions: list[Permission]
) -> None:
    """For any lines, roles and permissions are those that following the lines by hand gives."""
    asked = access(permissions, memberships)
    for person, site in product(["ana", "ben", "max", "nobody"], ["vienna", "new_york", "rome"]):
        groups = held(memberships, person, site)
        assert asked.roles(person, site) == tuple(role for role in ROLES if role in groups)
        for thing in THINGS:
            allowed = any((group, thing, "read") in permissions for group in groups)
            assert asked.may(person, thing, "read", site) == allowed


@given(LINES, GIVEN)
def test_sites_agree_with_the_single_answers(
    memberships: list[Membership], permissions: list[Permission]
) -> None:
    """A site is among the sites exactly where the person may, also one that no line names."""
    asked = access(permissions, memberships)
    for person, thing in product(["ana", "ben"], THINGS):
        sites = asked.sites(person, thing, "read")
        for site in ("vienna", "new_york", "rome"):
            assert (sites is None or site in sites) == asked.may(person, thing, "read", site)


# ── Threads and memory ──


def test_threads_get_the_answers_of_one() -> None:
    """Eight threads that ask at once get, each time, what a single one gets."""
    questions = list(
        product(["ana", "max", "audra", "eve"], ["resolution", "log"], ["new_york", "vienna"])
    )
    actions = {"resolution": "propose", "log": "read"}
    alone = access()
    expected = [alone.may(who, what, actions[what], where) for who, what, where in questions]

    def ask(shared: CasbinAccess) -> list[bool]:
        return [shared.may(who, what, actions[what], where) for who, what, where in questions]

    with ThreadPoolExecutor(8) as threads:
        for _ in range(20):
            fresh = access()
            for answers in threads.map(ask, [fresh] * 8):
                assert answers == expected


def test_memory_is_bounded() -> None:
    """Ever new names do not fill the memory, and answers stay right when old ones are dropped."""
    asked = CasbinAccess.build(
        permissions=PERMISSIONS,
        memberships=MEMBERSHIPS,
        model=None,
        roles=ROLES,
        remembered_max=10,
    )
    for number in range(35):
        assert not asked.may(f"stranger {number}", "log", "read", "vienna")
        assert asked.may("audra", "log", "read", f"site {number}")
    assert len(asked._may) <= 10  # noqa: SLF001 — what is bounded
