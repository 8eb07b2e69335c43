"""Whatever a policy file is turned into, it loads or is refused; nothing else happens."""

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from service.policyfile.folder import read_folder
from service.policyfile.load import load_set
from service.policyfile.problem import PolicyErrors, Problem
from service.policyfile.suitefile import read_suites

GOOD = read_folder(Path(__file__).parent / "good")

PIECES = st.sampled_from(
    [
        *("", "x", "0", "-1", "1e9", "200.5", "012", "12:30", "~", "true", "NO", "any", "[]", "{}"),
        *(
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            ": ",
            " #",
            "- ",
            "? ",
            "| ",
            "> ",
            "'",
            '"',
            "\\",
            "&a ",
            "*a",
        ),
        *(
            "!t ",
            "%",
            "@",
            "\t",
            "\n",
            "\r\n",
            "  ",
            "---\n",
            "<<: ",
            "\x00",
            "\ufeff",
            "\u2028",
            "é",
        ),
        *(
            "known(",
            "money(",
            "request.amount",
            "guest.id",
            "&& ",
            "1u",
            "é",
            "99999999999999999999",
        ),
    ]
)


def answer(files: dict[str, bytes]) -> None:
    """Read a set and its suites; every problem must have a place that can be shown."""
    for read in (load_set, read_suites):
        told = problems_of(read, files)
        assert all(it.line >= 1 and it.column >= 1 and it.remedy for it in told or ())
        assert told is None or told


def problems_of(
    read: Callable[[Mapping[str, bytes]], object], files: dict[str, bytes]
) -> tuple[Problem, ...] | None:
    try:
        read(files)
    except PolicyErrors as errors:
        return errors.problems
    return None


@settings(max_examples=150)
@given(
    st.sampled_from(sorted(GOOD)),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), PIECES), min_size=1, max_size=4),
)
def test_edits_of_a_good_set_load_or_are_refused(
    name: str, edits: list[tuple[float, int, str]]
) -> None:
    """Text cut out and put in anywhere never ends in anything but a rulebook or problems."""
    text = GOOD[name].decode()
    for where, removed, inserted in edits:
        at = int(where * len(text))
        text = text[:at] + inserted + text[at + removed :]
    answer(GOOD | {name: text.encode()})


@settings(max_examples=100)
@given(st.sampled_from(sorted(GOOD)), st.randoms(use_true_random=False), st.integers(1, 3))
def test_lines_in_another_order_load_or_are_refused(name: str, random: Random, moves: int) -> None:
    """Lines moved, lost and doubled never end in anything but a rulebook or problems."""
    lines = GOOD[name].decode().split("\n")
    for _ in range(moves):
        source = random.randrange(len(lines))
        target = random.randrange(len(lines))
        lines[target] = lines[source]
    answer(GOOD | {name: "\n".join(lines).encode()})


@settings(max_examples=100)
@given(st.sampled_from(sorted(GOOD)), st.binary(max_size=12), st.floats(0, 1))
def test_any_bytes_load_or_are_refused(name: str, data: bytes, where: float) -> None:
    """Bytes that are no text are refused like everything else."""
    at = int(where * len(GOOD[name]))
    answer(GOOD | {name: GOOD[name][:at] + data + GOOD[name][at:]})
