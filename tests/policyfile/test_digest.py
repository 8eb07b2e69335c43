"""Versions and digests of rules: what changes them and what does not."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from service.policyfile.digest import digest_version
from service.policyfile.folder import read_folder
from service.policyfile.load import load_rulebook

Files = dict[str, bytes]
GOOD = Path(__file__).parent / "good"


def replaced(file: str, old: bytes, new: bytes) -> Callable[[Files], Files]:
    def change(files: Files) -> Files:
        assert old in files[file]
        return files | {file: files[file].replace(old, new, 1)}

    return change


def reordered(*order: int) -> Callable[[Files], Files]:
    """The grants in another order; 0 to 3 as they stand, of which only 2 is not a front desk's."""

    def change(files: Files) -> Files:
        head, *grants = files["hotel.yaml"].split(b"  - id: ")
        last, rest = grants[3].split(b"\nbudgets:", 1)
        grants[3] = last.rstrip() + b"\n"
        moved = b"".join(b"  - id: " + grants[index] for index in order)
        return files | {"hotel.yaml": head + moved + b"\nbudgets:" + rest}

    return change


def test_a_version_is_the_sha256_of_one_line_a_file() -> None:
    """Anyone can compute a version again with sha256sum and printf."""
    files = {"b.yaml": b"two", "a_test.yaml": b"one", "access.csv": b"", "README.md": b"not of it"}
    lines = b"".join(
        name.encode() + b"\0" + hashlib.sha256(files[name]).hexdigest().encode() + b"\n"
        for name in ("a_test.yaml", "access.csv", "b.yaml")
    )
    assert digest_version(files) == f"sha256:{hashlib.sha256(lines).hexdigest()}"


SAME_RULES: dict[str, Callable[[Files], Files]] = {
    "a comment": replaced("hotel.yaml", b"remit: 1", b"# For the night shift.\nremit: 1"),
    "a colleague": lambda files: (
        files | {"access.csv": files["access.csv"] + b"g, ben, auditor, *\n"}
    ),
    "a test": lambda files: files | {"more_test.yaml": b"suite: more\n"},
    "a description": replaced("hotel.yaml", b"remit: 1", b"remit: 1\ndescription: Ours."),
    "another name for a file": lambda files: {
        name.replace("upwards/", "z"): data for name, data in files.items()
    },
    "quotes around a number": replaced("hotel.yaml", b"up_to: 200", b'up_to: "200.00"'),
    "another place among the grants of other roles": reordered(2, 0, 1, 3),
    "another order in a list of names": replaced(
        "hotel.yaml", b"[goodwill_credit, late_checkout]", b"[late_checkout, goodwill_credit]"
    ),
}

OTHER_RULES: dict[str, Callable[[Files], Files]] = {
    "a limit": replaced("hotel.yaml", b"up_to: 200", b"up_to: 201"),
    "a condition": replaced("hotel.yaml", b"severity >= 3", b"severity >= 4"),
    "a deadline": replaced("upwards/escalation.yaml", b"15m", b"16m"),
    "the order of grants of a role": reordered(1, 0, 2, 3),
    "a window": replaced("hotel.yaml", b"within: 90d", b"within: 91d"),
    "a calendar": replaced("upwards/escalation.yaml", b'"04:00"', b'"05:00"'),
    "a rate": replaced("hotel.yaml", b"1.08", b"1.09"),
    "a sentence": replaced("hotel.yaml", b"leaves no trace", b"leaves none"),
    "a hold": replaced("hotel.yaml", b"then: release", b"then: settle"),
}


@pytest.mark.parametrize("change", SAME_RULES.values(), ids=SAME_RULES.keys())
def test_what_decides_nothing_is_another_version_of_the_same_rules(
    change: Callable[[Files], Files],
) -> None:
    """Comments, people, tests and ways to write the same do not look like a new policy."""
    files = read_folder(GOOD)
    before, after = load_rulebook(files), load_rulebook(change(files))
    assert before.version != after.version
    assert before.rules == after.rules


@pytest.mark.parametrize("change", OTHER_RULES.values(), ids=OTHER_RULES.keys())
def test_what_decides_is_other_rules(change: Callable[[Files], Files]) -> None:
    """Whatever could change a decision changes the digest of the rules."""
    files = read_folder(GOOD)
    assert load_rulebook(files).rules != load_rulebook(change(files)).rules


def test_the_same_files_have_the_same_digests() -> None:
    """Digests depend on nothing but the bytes, in whatever order they are given."""
    files = read_folder(GOOD)
    again = load_rulebook(dict(reversed(files.items())))
    assert (again.version, again.rules) == (
        load_rulebook(files).version,
        load_rulebook(files).rules,
    )
