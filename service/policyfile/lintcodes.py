"""What the codes of warnings mean, and where each is explained."""

from collections.abc import Mapping
from types import MappingProxyType

LINTS: Mapping[str, str] = MappingProxyType(
    {
        "always_false": "A condition never holds.",
        "always_true": "A condition holds in every case.",
        "bare_optional": "A rule has no answer where an optional fact is not told.",
        "can_break": "A rule ends in an error in some case, although everything is told.",
        "idle_budget": "No grant charges a budget.",
        "idle_escalation": "A role that nothing is handed up to says how it answers.",
        "idle_role": "A role may give nothing by itself.",
        "lone_top": "Too few people at the top of a ladder can answer.",
        "malformed_allow": "A comment that allows a warning names none, or no reason.",
        "never_passes": "A grant passes in no case.",
        "no_suite": "The set has no suite.",
        "quantity_of_money": "A rule reads a quantity where a resolution has none.",
        "redundant_budget": "Another budget refuses all that a budget refuses.",
        "shadowed_grant": "A grant is never the least sufficient one.",
        "unbounded_grant": "No budget bounds what a grant gives in all.",
        "untested_rule": "No test reaches a rule.",
        "unused_allow": "A comment allows what is not there.",
        "unused_fact": "No rule reads a fact.",
        "unused_resolution": "No rule names a resolution.",
        "weaker_role": "A role may give less than one below it.",
    }
)
"""What each code of a warning means, in a sentence. Codes are stable."""

_ERRORS = "docs/policy-language.md#why-a-file-does-not-load"


def anchor_of(code: str) -> str:
    """The part of the documentation that explains a code, from the root of the project."""
    return f"docs/managing-policy.md#{code}" if code in LINTS else _ERRORS
