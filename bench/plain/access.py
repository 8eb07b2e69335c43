"""Who may propose where: Casbin, roles with domains."""

import casbin
from casbin.model import Model

MODEL = """
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, dom, obj, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act
"""
SITES = ("new_york", "vienna")
PEOPLE = {
    "ana": ("front_desk", ("new_york",)),
    "ben": ("front_desk", ("new_york",)),
    "vera": ("front_desk", ("vienna",)),
    "max": ("duty_manager", ("new_york",)),
    "grace": ("general_manager", SITES),
    "gus": ("general_manager", SITES),
}


def enforcer() -> casbin.Enforcer:
    """An enforcer that knows everybody. Superiors hold what their people hold."""
    model = Model()
    model.load_model_from_text(MODEL)
    made = casbin.Enforcer(model)
    for site in SITES:
        made.add_policy("front_desk", site, "resolution", "propose")
        made.add_grouping_policy("duty_manager", "front_desk", site)
        made.add_grouping_policy("general_manager", "duty_manager", site)
    for person, (role, sites) in PEOPLE.items():
        for site in sites:
            made.add_grouping_policy(person, role, site)
    return made
