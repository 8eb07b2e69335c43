"""``remit decide``: lines in, decisions out, one for each and in order."""

import json
from pathlib import Path

import pytest

from tests.app.test_decide import line, proposal
from tests.cli.terminal import remit, start, write_set

BLOCK = 65_536


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shop's set."""
    return write_set(tmp_path)


def test_a_file_is_decided_line_by_line(folder: Path, tmp_path: Path) -> None:
    """One Decision a line, and exit code 0, whatever the outcomes are."""
    stream = tmp_path / "proposals.jsonl"
    stream.write_bytes(b"\n".join([line(), line(proposal("5000.00")), line()]) + b"\n")
    result = remit("decide", "--policies", folder, stream)
    outcomes = [json.loads(answer)["outcome"] for answer in result.stdout.splitlines()]
    assert (result.exit_code, outcomes) == (0, ["approved", "denied", "approved"])


def test_a_refused_line_makes_the_exit_code_1(folder: Path) -> None:
    """Its error stands in its place, and the lines after it are decided."""
    stdin = b"\n".join([line(), b"{", line()])
    result = remit("decide", "--policies", folder, "-", stdin=stdin)
    first, second, third = map(json.loads, result.stdout.splitlines())
    assert result.exit_code == 1
    assert second["error"]["code"] == "not_json"
    assert [first["outcome"], third["outcome"]] == ["approved", "approved"]


def test_the_last_line_needs_no_line_break(folder: Path) -> None:
    """A stream that ends without one is decided to its end; an empty one has no answers."""
    whole = remit("decide", "--policies", folder, "-", stdin=line())
    assert len(whole.stdout.splitlines()) == 1
    empty = remit("decide", "--policies", folder, "-")
    assert (empty.exit_code, empty.stdout) == (0, "")


def test_lines_longer_than_a_block_are_read_whole(folder: Path) -> None:
    """How input is cut into blocks changes nothing; what is too long is refused, once."""
    padded = line().replace(b"{", b"{" + b" " * 60_000, 1)
    stdin = b"\n".join([padded, padded, line() + b" " * 200_000, line(), b"x" * 150_000])
    result = remit("decide", "--policies", folder, "-", stdin=stdin)
    told = [json.loads(answer) for answer in result.stdout.splitlines()]
    assert [it.get("outcome") or it["error"]["code"] for it in told] == [
        "approved",
        "approved",
        "line_too_long",
        "escalated",
        "line_too_long",
    ]


def test_an_answer_appears_before_the_stream_ends(folder: Path) -> None:
    """Somebody at the other end of a pipe waits for a decision, not for the end of the day."""
    with start("decide", "--policies", folder, "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdin.write(line() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["outcome"] == "approved"
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait() == 0


def test_explain_adds_the_walk(folder: Path) -> None:
    """The option reaches the decision, as JSON and for people."""
    stdin = line(proposal("30.00"))
    answer = json.loads(remit("decide", "--policies", folder, "--explain", "-", stdin=stdin).stdout)
    assert [it["grant"] for it in answer["explain"]] == ["small", "larger"]
    shown = remit("decide", "--policies", folder, "--explain", "--format", "text", "-", stdin=stdin)
    assert shown.stdout.splitlines() == [
        "incomplete        30.00 USD  larger needs note.",
        "  clerk, small: small lets clerk give up to 20.00 USD; this is worth 30.00 USD.",
        "  clerk, larger: larger needs note.",
        "  would pass: credit of 30.00 USD with note",
        "  would pass: credit of 20.00 USD",
        "  would pass: gift of 20.00 USD",
    ]


def test_people_may_read_the_answers_too(folder: Path) -> None:
    """One line each: the outcome, the value and the reason."""
    stdin = b"\n".join([line(), line(proposal("1.001"))])
    shown = remit("decide", "--policies", folder, "--format", "text", "-", stdin=stdin)
    assert shown.stdout.splitlines() == [
        "approved          10.00 USD  small lets clerk give this.",
        "refused     /request/amount: the amount has more decimals than its currency",
    ]


def test_what_is_not_there_is_wrong_usage(folder: Path, tmp_path: Path) -> None:
    """A missing folder, a missing file, a missing option: a sentence and exit code 2."""
    nowhere = remit("decide", "--policies", tmp_path / "nowhere", "-")
    assert (nowhere.exit_code, nowhere.stdout) == (2, "")
    assert nowhere.stderr.startswith("There is no folder")
    no_file = remit("decide", "--policies", folder, tmp_path / "nothing.jsonl")
    assert no_file.exit_code == 2
    assert "nothing.jsonl cannot be read: No such file or directory." in no_file.stderr
    assert remit("decide", "-").exit_code == 2


def test_a_set_that_does_not_load_decides_nothing(folder: Path) -> None:
    """Its problems are told, and the exit code is 1."""
    (folder / "shop.yaml").write_text("remit: 2\n")
    result = remit("decide", "--policies", folder, "-", stdin=line())
    assert (result.exit_code, result.stdout) == (1, "")
    assert "shop.yaml:1:8:" in result.stderr
