"""Claimed roles: whoever brings them may what the same roles in the access file would let them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.casbin import CasbinAccess, Membership, Permission
from service.app.accessports import Access
from service.app.token import Roles, roles_of

ROLES = ("front_desk", "duty_manager")
PERMISSIONS: tuple[Permission, ...] = (
    ("agent", "resolution", "propose"),
    ("approver", "escalation", "answer"),
    ("auditor", "log", "read"),
)
LINKS: tuple[Membership, ...] = (
    ("front_desk", "agent", "*"),
    ("duty_manager", "agent", "*"),
    ("duty_manager", "approver", "new_york"),
    ("night_shift", "front_desk", "vienna"),
    ("zoe", "night_shift", "vienna"),
    ("ben", "auditor", "vienna"),
)
NAMES = (*ROLES, "agent", "approver", "auditor", "night_shift")
SITES = ("new_york", "vienna", "*")
ASKED = (*SITES, "graz")
RIGHTS = (("resolution", "propose"), ("escalation", "answer"), ("log", "read"), ("log", "write"))


def file(*more: Membership, remembered_max: int = 1_000) -> CasbinAccess:
    return CasbinAccess.build(
        permissions=PERMISSIONS,
        memberships=(*LINKS, *more),
        model=None,
        roles=ROLES,
        remembered_max=remembered_max,
    )


def claiming(person: str, roles: Roles) -> Access:
    return file().claiming({person: roles})


@given(st.dictionaries(st.sampled_from(SITES), st.lists(st.sampled_from(NAMES), max_size=3)))
def test_claimed_roles_give_what_the_file_would(claims: dict[str, list[str]]) -> None:
    """Every right and every role, at every site, whatever is claimed where."""
    roles = roles_of(claims)
    lines = [("eve", name, site) for site, names in roles for name in names]
    written, claimed = file(*lines), claiming("eve", roles)
    for site in ASKED:
        assert claimed.roles("eve", site) == written.roles("eve", site)
        for thing, action in RIGHTS:
            allowed = written.may("eve", thing, action, site)
            assert claimed.may("eve", thing, action, site) == allowed
    for thing, action in RIGHTS:
        assert claimed.sites("eve", thing, action) == written.sites("eve", thing, action)


def test_claimed_roles_replace_the_file() -> None:
    """What the file gives a person is gone with the first claim, even with an empty one."""
    assert file().may("ben", "log", "read", "vienna")
    for roles in ((), (("new_york", ("front_desk",)),)):
        claimed = claiming("ben", roles)
        assert not claimed.may("ben", "log", "read", "vienna")
        assert claimed.sites("ben", "log", "read") == frozenset()


def test_everybody_else_is_as_the_file_says() -> None:
    """A claim is of one person."""
    claimed = claiming("eve", (("*", ("auditor",)),))
    assert claimed.may("ben", "log", "read", "vienna")
    assert not claimed.may("ben", "log", "read", "new_york")
    assert claimed.roles("nobody", "vienna") == ()
    assert claimed.people() == ("zoe", "ben", "eve")
    assert claimed.is_granted("log", "read")


def test_a_person_named_like_a_role_is_not_the_role() -> None:
    """Neither without claims nor with others."""
    assert not file().may("auditor", "log", "read", "vienna")
    claimed = claiming("auditor", (("vienna", ("front_desk",)),))
    assert not claimed.may("auditor", "log", "read", "vienna")
    assert claimed.may("auditor", "resolution", "propose", "vienna")


def test_a_person_is_no_role_to_claim() -> None:
    """Nobody holds what somebody else may by naming them as a role."""
    claimed = claiming("eve", (("vienna", ("ben", "", "*", "nonsense")),))
    assert claimed.unknown_roles({"ben", "auditor", "nonsense"}) == ["ben", "nonsense"]
    assert not claimed.may("eve", "log", "read", "vienna")
    assert claimed.roles("eve", "vienna") == ()


def test_more_claims_may_follow() -> None:
    """The last of one person count."""
    first = claiming("eve", (("*", ("auditor",)),))
    both = first.claiming({"ben": (("*", ("front_desk",)),), "eve": ()})
    assert not both.may("eve", "log", "read", "vienna")
    assert both.may("ben", "resolution", "propose", "graz")
    assert first.may("eve", "log", "read", "vienna")


@pytest.mark.parametrize("remembered_max", [4, 64])
def test_what_is_remembered_grows_with_roles_and_not_with_people(remembered_max: int) -> None:
    """Ten thousand people with tokens ask about a handful of roles."""
    base = file(remembered_max=remembered_max)
    for number in range(200):
        claimed = base.claiming({f"p{number}": (("new_york", ("front_desk",)),)})
        assert claimed.may(f"p{number}", "resolution", "propose", "new_york")
        assert claimed.roles(f"p{number}", "new_york") == ("front_desk",)
    assert len(base._may) + len(base._roles) <= 2  # noqa: SLF001 — nobody else can see it
