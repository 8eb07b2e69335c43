"""A folder that is followed: what holds is put in force, and what does not changes nothing."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event, Thread

import orjson
import pytest

from service.app.folderkeeper import FolderKeeper, FolderState, Shelf
from service.bootstrap import compile_files, open_services
from service.policyfile.problem import PolicyErrors
from service.services import Services
from tests.app.house import ACCESS, POLICY, House, shop_files, shop_settings, write_shop
from tests.databases import sqlite_url

__all__ = ["sqlite_url"]

GUARDED = f"{ACCESS}p, author, policy, confirm\ng, paula, author, *\n"
FAILING = b"""\
suite: shop
at: 2026-03-01T21:00:00-05:00
agents: {ana: {roles: [clerk], site: main}}
facts: {one: {guest: {id: G-1}, stay: {id: S-1}}}
tests:
  - name: a clerk gives a thousand
    steps:
      - {as: ana, propose: credit, amount: "1000.00", facts: one, expect: {outcome: approved}}
"""


class Shown:
    """A folder whose files are these, each time another part of them where they are written."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.on_the_way: list[Mapping[str, bytes]] = []

    def read(self) -> Mapping[str, bytes]:
        return self.on_the_way.pop(0) if self.on_the_way else self.files

    def changes(self, stop: Event) -> Iterator[None]:
        while not stop.is_set():
            yield
            stop.wait(0.01)


class Kept:
    """A keeper over a house's database, and what it told."""

    def __init__(self, house: House, *, puts: bool = True) -> None:
        services = house.services
        first = services.library.in_force()
        self.folder = Shown(first.files)
        self.told: list[str] = []
        self.services = services
        self.keeper = FolderKeeper(
            self.folder,
            first,
            Shelf(
                store=services.store,
                library=services.library,
                publisher=services.publisher,
                compile_files=compile_files,
            ),
            tell=self._tell,
            puts=puts,
            settle_seconds=0.001,
        )

    def _tell(self, event: str, _: FolderState, __: str | None) -> None:
        self.told.append(event)

    def saved(self, files: Mapping[str, bytes]) -> str:
        """What is in force after the folder was looked at."""
        self.folder.files = files
        self.keeper.look()
        return self.in_force

    @property
    def in_force(self) -> str:
        return self.services.library.in_force().rulebook.version


def changed(limit: int, access: str = ACCESS) -> dict[str, bytes]:
    return shop_files(POLICY.replace("limit: 2000", f"limit: {limit}"), access)


def version(files: Mapping[str, bytes]) -> str:
    return compile_files(files).rulebook.version


def test_a_saved_set_is_put_in_force(house: House) -> None:
    """The log says that the folder did it, and after what."""
    kept = Kept(house)
    before = kept.in_force
    assert kept.saved(changed(2_500)) == version(changed(2_500))
    body = orjson.loads(house.entries(kind="policy")[0].body)
    assert (body["by"], body["before"]) == ({"id": "folder"}, before)
    assert kept.told == ["published"]
    kept.saved(changed(2_500))
    assert kept.told == ["published"]


def without_managers() -> str:
    """The shop's policy after somebody deleted a role and everything that it says of it."""
    policy = POLICY
    for old, new in (
        ("  clerk: {reports_to: manager}\n  manager: {reports_to: owner}\n", CLERKS),
        ("  - {id: more, role: manager, may: any, up_to: 500}\n", ""),
        ("  manager: {answer_within: 15m, on_timeout: next}\n", ""),
    ):
        assert old in policy
        policy = policy.replace(old, new)
    return policy


CLERKS = "  clerk: {reports_to: owner}\n"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({**shop_files(), "shop.yaml": b"remit: 1\ngra"}, "yaml_syntax"),
        (shop_files(without_managers()), "unknown_role"),
        ({**shop_files(), "shop_test.yaml": FAILING}, "test_failed"),
        ({"shop.yaml": POLICY.encode()}, "no_access"),
        (
            shop_files(POLICY, ACCESS.replace("g, max, manager, main", "g, max, chief, main")),
            "unknown_role",
        ),
    ],
)
def test_what_does_not_hold_changes_nothing(
    house: House, files: Mapping[str, bytes], code: str
) -> None:
    """Half a file, a failed suite, no access list, a deleted role that somebody still holds."""
    kept = Kept(house)
    before = kept.in_force
    assert kept.saved(files) == before
    assert code in {problem.code for problem in kept.keeper.state.problems}
    kept.keeper.look()
    assert kept.told == ["folder_refused"]
    assert kept.saved(changed(2_500)) == version(changed(2_500))
    assert kept.keeper.state.problems == ()
    assert kept.told == ["folder_refused", "published"]


def test_a_mended_file_is_told(house: House) -> None:
    """Back at what is in force, nothing is published."""
    kept = Kept(house)
    kept.saved({**shop_files(), "shop.yaml": b"remit: 1\n"})
    kept.saved(shop_files())
    assert kept.told == ["folder_refused", "folder_mended"]
    assert len(house.entries(kind="policy")) == 1


def test_files_that_are_being_written_are_waited_for(house: House) -> None:
    """A prefix that loads is never put in force: the files have to stay the same."""
    kept = Kept(house)
    kept.folder.on_the_way = [changed(2_100), changed(2_200)]
    kept.saved(changed(2_300))
    assert len(house.entries(kind="policy")) == 2
    assert kept.in_force == version(changed(2_300))


def test_what_was_taken_back_stays_so(house: House) -> None:
    """Saving the same set again does not put it in force; a changed one is."""
    kept = Kept(house)
    kept.saved(changed(2_500))
    house.services.publisher.publish(compile_files(shop_files()), by="test")
    assert kept.saved(changed(2_500)) == version(shop_files())
    assert kept.saved(changed(2_600)) == version(changed(2_600))


def test_where_two_are_needed_the_folder_is_only_shown(house: House) -> None:
    """So it is on a server, too."""
    kept = Kept(house)
    guarded = kept.saved(changed(2_000, GUARDED))
    assert guarded == version(changed(2_000, GUARDED))
    assert kept.saved(changed(2_500, GUARDED)) == guarded
    assert kept.told == ["published", "folder_differs"]
    server = Kept(house, puts=False)
    assert server.saved(changed(2_700)) == guarded
    assert server.told == ["folder_differs"]


def test_a_database_that_is_away_is_asked_again(house: House) -> None:
    """What could not be put in force at once is put in force later, without another change."""
    kept = Kept(house)
    tries: list[str] = []

    def compile_later(files: Mapping[str, bytes]) -> object:
        tries.append("")
        if len(tries) < 2:
            raise ConnectionError
        return compile_files(files)

    shelf = Shelf(
        store=house.services.store,
        library=house.services.library,
        publisher=house.services.publisher,
        compile_files=compile_later,  # type: ignore[arg-type]
    )
    first = house.services.library.in_force()
    done = Event()

    def tell(event: str, _: FolderState, __: str | None) -> None:
        kept.told.append(event)
        if event == "published":
            done.set()

    keeper = FolderKeeper(
        Shown(changed(2_500)), first, shelf, tell=tell, puts=True, settle_seconds=0.001
    )
    keeper.start()
    try:
        assert done.wait(10)
    finally:
        keeper.stop()
    assert kept.told == ["folder_refused", "published"]


def started(folder: Path, url: str, files: Mapping[str, bytes]) -> str:
    """What is in force after a start over a folder."""
    shop = write_shop(folder / "shop", files)
    with open_services(shop_settings(shop, url)) as services:
        return services.library.in_force().rulebook.version


def test_a_start_puts_in_force_what_was_edited_meanwhile(tmp_path: Path, sqlite_url: str) -> None:
    """But not what was taken back, and not a set whose suites fail."""
    assert started(tmp_path, sqlite_url, shop_files()) == version(shop_files())
    assert started(tmp_path, sqlite_url, changed(2_500)) == version(changed(2_500))
    shop = tmp_path / "shop"
    with open_services(shop_settings(shop, sqlite_url)) as services:
        services.publisher.publish(compile_files(shop_files()), by="paula")
    assert started(tmp_path, sqlite_url, changed(2_500)) == version(shop_files())
    assert started(tmp_path, sqlite_url, changed(2_600)) == version(changed(2_600))
    failing = {**changed(2_700), "shop_test.yaml": FAILING}
    assert started(tmp_path, sqlite_url, failing) == version(changed(2_600))
    (shop / "shop_test.yaml").unlink()
    guarded = changed(2_800, GUARDED)
    assert started(tmp_path, sqlite_url, guarded) == version(guarded)
    assert started(tmp_path, sqlite_url, changed(2_900, GUARDED)) == version(guarded)


def test_an_empty_database_takes_no_set_whose_suites_fail(tmp_path: Path, sqlite_url: str) -> None:
    """There is no last good one to go on with."""
    with pytest.raises(PolicyErrors, match="test_failed"):
        started(tmp_path, sqlite_url, {**shop_files(), "shop_test.yaml": FAILING})


def followed(services: Services, wanted: str) -> bool:
    """Whether a version comes into force soon."""
    pause = Event()
    for _ in range(200):
        if services.library.in_force().rulebook.version == wanted:
            return True
        pause.wait(0.05)
    return False


def test_a_real_folder_is_followed(tmp_path: Path, sqlite_url: str) -> None:
    """Saved in place, renamed over, the whole folder replaced; other files change nothing."""
    shop = write_shop(tmp_path / "shop")
    with open_services(shop_settings(shop, sqlite_url), watch=True) as services:
        write_shop(shop, changed(2_100))
        assert followed(services, version(changed(2_100)))
        (shop / ".shop.yaml.swp").write_bytes(b"nothing of the set")
        (shop / "shop.yaml~").write_bytes(b"an editor's copy")
        (shop / "next").write_bytes(changed(2_200)["shop.yaml"])
        (shop / "next").rename(shop / "shop.yaml")
        assert followed(services, version(changed(2_200)))
        write_shop(tmp_path / "new", changed(2_300))
        shop.rename(tmp_path / "old")
        (tmp_path / "new").rename(shop)
        assert followed(services, version(changed(2_300)))
        folder = services.readiness().folder
        assert folder is not None
        assert (folder.differs, folder.problems) == (False, ())


def test_editors_who_race_end_with_what_was_saved_last(tmp_path: Path, sqlite_url: str) -> None:
    """Two people save two files, over and over, in place and by renaming.

    What is put in force meanwhile was in the folder at one instant, and in the end it is
    what stands there.
    """
    shop = write_shop(tmp_path / "shop")
    policies = [shop_files(POLICY.replace("limit: 2000", f"limit: {2000 + n}")) for n in range(12)]
    people = [ACCESS + f"g, new{n}, clerk, main\n" for n in range(12)]

    def save_policies() -> None:
        for files in policies:
            (shop / "next").write_bytes(files["shop.yaml"])
            (shop / "next").rename(shop / "shop.yaml")
            Event().wait(0.02)

    def save_people() -> None:
        for text in people:
            (shop / "access.csv").write_text(text)
            Event().wait(0.03)

    with open_services(shop_settings(shop, sqlite_url), watch=True) as services:
        editors = [Thread(target=save_policies), Thread(target=save_people)]
        for editor in editors:
            editor.start()
        for editor in editors:
            editor.join()
        last = {"shop.yaml": policies[-1]["shop.yaml"], "access.csv": people[-1].encode()}
        assert followed(services, version(last))
        with services.store.read() as reader:
            found = [reader.find_policy(one) for one in reader.list_policies()]
    saved = {files["shop.yaml"] for files in (shop_files(), *policies)}
    texts = {ACCESS.encode(), *(text.encode() for text in people)}
    for record in found:
        assert record is not None
        assert record.files["shop.yaml"] in saved
        assert record.files["access.csv"] in texts


def test_a_file_that_is_renamed_or_split_is_the_same_set(tmp_path: Path, sqlite_url: str) -> None:
    """Another version with the same rules, and between the two steps nothing is put in force."""
    shop = write_shop(tmp_path / "shop")
    rules, budgets = POLICY.split("budgets:\n", 1)
    with open_services(shop_settings(shop, sqlite_url), watch=True) as services:
        before = services.library.in_force().rulebook
        (shop / "shop.yaml").rename(shop / "house.yaml")
        renamed = {"house.yaml": POLICY.encode(), "access.csv": ACCESS.encode()}
        assert followed(services, version(renamed))
        assert services.library.in_force().rulebook.rules == before.rules
        (shop / "money.yaml").write_text(f"budgets:\n{budgets}")  # all of it stands twice now
        (shop / "house.yaml").write_text(rules)
        split = {
            "house.yaml": rules.encode(),
            "money.yaml": f"budgets:\n{budgets}".encode(),
            "access.csv": ACCESS.encode(),
        }
        assert followed(services, version(split))
        assert services.library.in_force().rulebook.rules == before.rules
        with services.store.read() as reader:
            assert list(reader.list_policies()) == [
                before.version,
                version(renamed),
                version(split),
            ]
