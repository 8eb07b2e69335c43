"""``remit audit``: what is verified, watched, found and taken along, and how it is told."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.audit.source import CHECKPOINT
from tests.app.house import MASTER_KEY, SIGNING_KEY, open_house
from tests.audit.ledger import STAY, Ledger
from tests.audit.logs import KEY, note_of, write_log
from tests.audit.real import key_of, publish
from tests.cli.terminal import remit
from tests.databases import sqlite_url

__all__ = ["sqlite_url"]

BELIEVED = ("--key", KEY.written())


@pytest.fixture
def entries() -> list[bytes]:
    ledger = Ledger()
    for _ in range(20):
        ledger.approve(100, caps=[STAY])
    return ledger.written()


@pytest.fixture
def log(tmp_path: Path, entries: list[bytes]) -> Path:
    return write_log(tmp_path / "log", entries, (5, 10))


@pytest.fixture
def served(tmp_path: Path, sqlite_url: str) -> tuple[str, str]:
    """A database with a published log, and its verifier key."""
    with open_house(tmp_path, sqlite_url) as house:
        house.principal("audra")
        house.propose(guest="G-1")
        house.propose(guest="G-2", amount="20.00")
        opened = house.propose(amount="300.00")
        house.answer("max", opened["escalation"]["id"])
        publish(house)
        key = key_of(house).written()
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    for name, secret in (("signing.key", SIGNING_KEY), ("master.key", MASTER_KEY)):
        kept = file.with_name(f"{file.name}.{name}")
        kept.write_text(secret)
        kept.chmod(0o600)
    return sqlite_url, key


def test_a_log_that_holds_is_said_to(log: Path) -> None:
    """In sentences and in numbers, with exit code 0."""
    done = remit("audit", "verify", log, *BELIEVED)
    assert done.exit_code == 0, done.output
    assert "The log holds" in done.stdout
    told = json.loads(remit("audit", "verify", log, *BELIEVED, "--format", "json").stdout)
    assert (told["holds"], told["size"], told["checkpoints"], told["approvals"]) == (
        True,
        20,
        3,
        20,
    )


def test_a_log_that_does_not_hold_is_told_fault_by_fault(log: Path) -> None:
    """What, where, and exit code 1."""
    tile = next((log / "tile" / "entries").rglob("*.p/*"))
    tile.write_bytes(tile.read_bytes().replace(b'"value_minor":100', b'"value_minor":900', 1))
    done = remit("audit", "verify", log, *BELIEVED)
    assert done.exit_code == 1
    assert "tile_mismatch: the entry hashes to" in done.stdout
    assert "index 0, ent_000000, row bud_stay" in done.stdout
    assert "The log does not hold" in done.stdout
    told = json.loads(remit("audit", "verify", log, *BELIEVED, "--format", "json").stdout)
    assert told["faults"] == len(told["findings"]) > 1


@pytest.mark.parametrize("keys", [(), ("--key", "nonsense"), ("--key-file", "nowhere.vkey")])
def test_without_a_key_nothing_is_believed(log: Path, keys: tuple[str, ...]) -> None:
    """Wrong usage, and where a key comes from: never from the log itself."""
    done = remit("audit", "verify", log, *keys)
    assert done.exit_code == 2
    assert "remit audit key" in done.stderr


def test_keys_may_stand_in_a_file(log: Path, tmp_path: Path) -> None:
    """One on a line, with remarks."""
    file = tmp_path / "keys"
    file.write_text(f"# from the operator, by letter\n\n{KEY.written()}\n")
    assert remit("audit", "verify", log, "--key-file", file).exit_code == 0


@pytest.mark.parametrize("source", ["nowhere", "http://127.0.0.1:1", "https://", "sqlite:///no/db"])
def test_a_source_that_cannot_be_read_is_a_sentence(source: str) -> None:
    """Exit code 1 and no traceback."""
    done = remit("audit", "verify", source, *BELIEVED)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1


def test_a_monitor_says_what_to_do_next_and_then_what_grew(
    log: Path, entries: list[bytes], tmp_path: Path
) -> None:
    """First it explains itself; then it counts; then it has nothing new."""
    shorter = write_log(tmp_path / "shorter", entries[:15])
    state = ("--state", tmp_path / "seen")
    first = remit("audit", "monitor", shorter, *BELIEVED, *state)
    assert "for the first time" in first.stdout
    assert "cron" in first.stderr
    assert "5 entries new" in remit("audit", "monitor", log, *BELIEVED, *state).stdout
    told = remit("audit", "monitor", log, *BELIEVED, *state, "--format", "json").stdout
    assert (json.loads(told)["before"], json.loads(told)["size"]) == (20, 20)


def test_a_monitor_that_sees_a_fork_ends_with_one(
    log: Path, entries: list[bytes], tmp_path: Path
) -> None:
    """And says which two files prove it."""
    state = tmp_path / "seen"
    remit("audit", "monitor", log, *BELIEVED, "--state", state)
    forked = write_log(tmp_path / "forked", [*entries[:-1], b'{"other":1}'])
    done = remit("audit", "monitor", forked, *BELIEVED, "--state", state)
    assert done.exit_code == 1
    assert "fork" in done.stdout
    assert "seen.conflict" in done.stderr
    assert state.read_bytes() == note_of(entries)


def test_a_sample_is_drawn_and_proved(log: Path) -> None:
    """The same entries each time, and none from a log that is not the signed one."""
    command = ("audit", "sample", log, *BELIEVED, "--seed", "s", "--size", "3")
    first = remit(*command, "--format", "json").stdout
    assert first == remit(*command, "--format", "json").stdout
    assert len(json.loads(first)["drawn"]) == 3
    assert "3 entries of 20, each proved" in remit(*command).stderr
    note = (log / CHECKPOINT).read_bytes()
    shutil.rmtree(log)
    ledger = Ledger()
    for _ in range(20):
        ledger.approve(101, caps=[STAY])
    write_log(log, ledger.written())
    (log / CHECKPOINT).write_bytes(note)
    done = remit(*command)
    assert done.exit_code == 1
    assert "root_mismatch" in done.stdout


def test_a_database_is_copied_with_its_policies(served: tuple[str, str], tmp_path: Path) -> None:
    """The copy verifies, and its decisions are decided again, without the database."""
    database, key = served
    copy = tmp_path / "copy"
    done = remit("audit", "export", database, "--format", "tiles", "--out", copy)
    assert done.exit_code == 0, done.output
    assert "1 policy version" in done.stderr
    assert remit("audit", "verify", copy, "--key", key).exit_code == 0
    assert remit("audit", "verify", database, "--key", key).exit_code == 0
    again = remit("audit", "rederive", copy, "--format", "json")
    assert json.loads(again.stdout) == {"decided": 4, "same": 4, "results": []}
    few = remit("audit", "rederive", copy, "--seed", "s", "--size", "2")
    assert few.stdout == "2 decided again, 2 the same.\n"
    full = remit("audit", "export", database, "--format", "tiles", "--out", copy)
    assert (full.exit_code, "something in it" in full.stderr) == (2, True)


def test_a_decision_that_comes_out_otherwise_is_listed(
    served: tuple[str, str], tmp_path: Path
) -> None:
    """With the field, both values, and exit code 1."""
    copy = tmp_path / "copy"
    remit("audit", "export", served[0], "--format", "tiles", "--out", copy)
    tile = next((copy / "tile" / "entries").rglob("*.p/*"))
    tile.write_bytes(tile.read_bytes().replace(b'"rule":"small"', b'"rule":"large"', 1))
    done = remit("audit", "rederive", copy)
    assert done.exit_code == 1
    assert "reasons is" in done.stdout
    assert '"rule":"large"' in done.stdout
    shutil.rmtree(copy / "policies")
    assert "is not there" in remit("audit", "rederive", copy).stdout


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_a_file_is_exported_and_verified(
    served: tuple[str, str], tmp_path: Path, form: str
) -> None:
    """Whoever changes a byte of it is found out."""
    database, key = served
    file = tmp_path / f"log.{form}"
    command = ("audit", "export", database, "--format", form, "--out", file, "--kind", "decision")
    assert remit(*command).exit_code == 0
    done = remit("audit", "verify", file, "--key", key, "--format", "json")
    assert json.loads(done.stdout)["entries"] == 3
    data = file.read_bytes()
    file.write_bytes(data.replace(b"new", b"old", 1) if form == "parquet" else data[:-200])
    spoilt = bytearray(data)
    spoilt[len(data) // 3] ^= 1
    file.write_bytes(bytes(spoilt))
    assert remit("audit", "verify", file, "--key", key).exit_code == 1


def test_an_export_to_standard_output_is_the_file(served: tuple[str, str]) -> None:
    """For the next program in the pipe."""
    done = remit("audit", "export", served[0], "--out", "-", "--kind", "answer")
    assert len(done.stdout.splitlines()) == 2
    assert "manifest" in done.stdout.splitlines()[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--format", "tiles", "--kind", "key"), "leave the filters out"),
        (("--kind", "comet"), "use one of"),
        (("--since", "yesterday"), "write it like"),
    ],
)
def test_what_cannot_be_exported_is_wrong_usage(
    served: tuple[str, str], tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    """Exit code 2 and what to write instead."""
    done = remit("audit", "export", served[0], "--out", tmp_path / "out", *arguments)
    assert done.exit_code == 2, done.output
    assert says in done.stderr


def test_entries_are_shown(served: tuple[str, str]) -> None:
    """A line each, newest first, narrowed by what was asked."""
    source = ("--source", served[0])
    lines = remit("audit", "show", *source, "--kind", "decision").stdout.splitlines()
    assert ["escalated" in line for line in lines] == [True, False, False]
    few = remit("audit", "show", *source, "--amount-from", "40", "--amount-to", "100").stdout
    assert "5,000" in few
    assert len(few.splitlines()) == 1
    assert "--limit" in remit("audit", "show", *source, "--limit", "1").stderr
    assert "nothing like that" in remit("audit", "show", *source, "--rule", "none").stderr


def test_a_case_is_told_from_its_beginning(served: tuple[str, str]) -> None:
    """By its resolution or by its escalation: reasons, and what it did to each budget."""
    source = ("--source", served[0], "--format", "json")
    newest = json.loads(remit("audit", "show", *source, "--kind", "answer").stdout)[0]
    about, escalation = newest["about"], newest["body"]["escalation"]["id"]
    for id_ in (about, escalation):
        told = remit("audit", "show", id_, "--source", served[0]).stdout
        kinds = [line.split()[1] for line in told.splitlines() if not line.startswith(" ")]
        assert kinds == ["decision", "answer"]
        assert "+30,000 = " in told


def test_a_person_is_asked_for_and_not_named(served: tuple[str, str]) -> None:
    """Through a pipe here; a command line would keep the name in its history."""
    command = ("audit", "show", "--source", served[0], "--subject")
    assert len(remit(*command, stdin=b"G-2\n").stdout.splitlines()) == 1
    assert remit(*command, stdin=b"G-unknown\n").stdout == ""
    assert remit(*command, stdin=b"").exit_code == 2
    Path(f"{served[0].removeprefix('sqlite:///')}.master.key").unlink()
    done = remit(*command, stdin=b"G-2\n")
    assert (done.exit_code, "REMIT_MASTER_KEY" in done.stderr) == (2, True)


def test_a_question_that_means_nothing_is_wrong_usage(served: tuple[str, str]) -> None:
    """Exit code 2, which option, and what to write instead."""
    done = remit("audit", "show", "--source", served[0], "--since", "yesterday")
    assert done.exit_code == 2
    assert "since" in done.stderr


def test_a_receipt_verifies_offline(tmp_path: Path, served: tuple[str, str]) -> None:
    """With the two files and the key; with another entry it proves nothing."""
    database, key = served
    with open_house(tmp_path, database) as house:
        publish(house)
        entry = house.entries(kind="answer")[0]
        receipt = house.services.transparency.proof(house.principal("audra"), entry.id)
    kept = tmp_path / f"{entry.id}.json"
    kept.write_bytes(entry.body)
    kept.with_suffix(".tlog-proof").write_bytes(receipt)
    assert remit("audit", "proof", kept, "--key", key).exit_code == 0
    kept.write_bytes(entry.body.replace(b"max", b"mia"))
    done = remit("audit", "proof", kept, "--key", key)
    assert done.exit_code == 1
    assert "not proved" in done.stderr
    assert remit("audit", "proof", tmp_path / "nothing.json", "--key", key).exit_code == 2


# ── Opened exports, people, refused attempts ──


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_an_operators_opened_export_is_verified_and_told(
    served: tuple[str, str], tmp_path: Path, form: str
) -> None:
    """With the master key beside the database: the file holds, and the log says who asked."""
    url, key = served
    path = tmp_path / f"log.{form}"
    assert remit("audit", "export", url, "--open", "--format", form, "--out", path).exit_code == 0
    if form != "parquet":
        assert "G-1" in path.read_text("utf-8")
    done = remit("audit", "verify", path, "--key", key)
    assert (done.exit_code, "holds" in done.stdout) == (0, True), done.output
    shown = remit("audit", "show", "--kind", "export", "--source", url, "--format", "json")
    (entry,) = json.loads(shown.stdout)
    assert entry["body"]["by"] == {"id": "operator"}
    assert entry["body"]["format"] == form


def test_a_name_that_was_put_into_parquet_is_found_out(
    served: tuple[str, str], tmp_path: Path
) -> None:
    """The entry does not commit to it."""
    url, key = served
    path = tmp_path / "log.parquet"
    remit("audit", "export", url, "--open", "--format", "parquet", "--out", path)
    with pq.ParquetFile(path) as file:
        table, metadata = file.read(), file.metadata.metadata
    names = [
        None if text is None else text.replace("G-1", "G-9")
        for text in table.column("opened").to_pylist()
    ]
    place = table.schema.get_field_index("opened")
    spoilt = table.set_column(place, "opened", pa.array(names))
    kept = {b"remit.manifest": metadata[b"remit.manifest"]}
    pq.write_table(spoilt.replace_schema_metadata(kept), path)
    done = remit("audit", "verify", path, "--key", key)
    assert done.exit_code == 1
    assert "what was opened is not what the disclosures say" in done.output


def test_a_copy_is_never_opened(served: tuple[str, str], tmp_path: Path) -> None:
    """It is what the log serves, and that has no names."""
    command = ("audit", "export", served[0], "--format", "tiles", "--open", "--out", tmp_path / "x")
    assert remit(*command).exit_code == 2


def test_without_the_master_key_nothing_is_opened(served: tuple[str, str], tmp_path: Path) -> None:
    """And nothing is told to the log, since nothing happened."""
    url, _ = served
    Path(url.removeprefix("sqlite:///") + ".master.key").unlink()
    done = remit("audit", "export", url, "--open", "--out", tmp_path / "log.jsonl")
    assert done.exit_code == 1
    assert "REMIT_MASTER_KEY" in done.stderr
    assert "nothing like that" in remit("audit", "show", "--kind", "export", "--source", url).stderr


def test_people_are_shown(served: tuple[str, str]) -> None:
    """The policy of that instant, its roles, and everybody with roles and keys."""
    url, _ = served
    done = remit("audit", "people", "--source", url)
    assert done.exit_code == 0, done.output
    assert "shop was in force, sha256:" in done.stdout
    assert "\nmax\n    manager            at main\n    key_" in done.stdout
    told = json.loads(remit("audit", "people", "--source", url, "--format", "json").stdout)
    assert {"ana", "max", "audra"} <= {one["id"] for one in told["people"]}
    then = remit("audit", "people", "--source", url, "--at", "2020-01-01")
    assert then.stdout == "At 2020-01-01T00:00:00Z no policy was in force.\n"


@pytest.mark.parametrize("at", ["yesterday", "2999-01-01", "2026-13-01"])
def test_an_instant_that_is_none_is_wrong_usage(served: tuple[str, str], at: str) -> None:
    """What to write instead is said."""
    done = remit("audit", "people", "--source", served[0], "--at", at)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--at" in done.stderr
