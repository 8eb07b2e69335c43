"""Lints of what the suites leave out."""

from collections.abc import Sequence

from service.policyfile.coverage import coverage
from service.policyfile.lintremark import Remarks
from service.policyfile.suite import SuiteResult


def lint_tests(remarks: Remarks, results: Sequence[SuiteResult]) -> None:
    """`untested_rule`, or `no_suite` where nothing is tested at all."""
    if not results:
        if remarks.draft.name is not None:
            remarks.warn(
                remarks.draft.name.place,
                "no_suite",
                "The set has no suite, so nothing shows what its rules come to.",
                "Write one: `remit policy test` shows how.",
            )
        return
    for covered in coverage(remarks.rulebook, results).rules:
        if not covered.within:
            does = _DOES[covered.kind]
            remarks.warn(
                remarks.rules[covered.rule].child("id"),
                "untested_rule",
                f"No test reaches `{covered.rule}`: in none does it {does}.",
                "Add a step to a suite in which it does: `remit policy test --coverage`.",
            )


_DOES = {"grant": "pass", "budget": "count an approval", "prohibition": "prohibit anything"}
