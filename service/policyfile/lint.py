"""All that is remarked about a set that loads: rules that do nothing, bind nobody, or go untested.

A remark that says "never" or "always" is proven. What can be neither shown nor ruled out is
listed as undecided, and is no warning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.policyfile.lintallow import apply_allowances
from service.policyfile.lintbudgets import lint_budgets
from service.policyfile.lintcodes import LINTS
from service.policyfile.lintconditions import lint_conditions
from service.policyfile.lintgrants import lint_grants
from service.policyfile.lintremark import Remarks, Undecided
from service.policyfile.lintroles import lint_roles
from service.policyfile.linttests import lint_tests
from service.policyfile.lintunused import lint_unused
from service.policyfile.load import PolicySet
from service.policyfile.problem import Problem, in_order
from service.policyfile.suite import SuiteResult

__all__ = ["Lints", "Undecided", "lint_set"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lints:
    """The warnings, in order, and what could not be decided."""

    warnings: tuple[Problem, ...]
    undecided: tuple[Undecided, ...]


def lint_set(
    files: Mapping[str, bytes], loaded: PolicySet, results: Sequence[SuiteResult] | None
) -> Lints:
    """Everything that can be remarked about a set and what its suites came to.

    ``files`` are those that the set was loaded from: their comments may allow a warning.
    Without ``results`` nothing is said of what the suites leave out.
    """
    remarks = Remarks(rulebook=loaded.rulebook, draft=loaded.draft)
    lint_unused(remarks)
    lint_roles(remarks, loaded.access)
    lint_grants(remarks, passed_over=lint_conditions(remarks))
    lint_budgets(remarks)
    if results is not None:
        lint_tests(remarks, results)
    return Lints(
        warnings=in_order(apply_allowances(files, remarks.warnings, LINTS)),
        undecided=tuple(remarks.undecided),
    )
