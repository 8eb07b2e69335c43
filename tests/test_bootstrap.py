"""Starting: what is read, locked, migrated and published, and what stands in the way."""

from dataclasses import replace
from pathlib import Path

import pytest

from service.bootstrap import StartError, open_services
from service.config import Settings
from service.policyfile.problem import PolicyErrors
from tests.app.house import MASTER_KEY, POLICY, SIGNING_KEY, shop_files, shop_settings, write_shop
from tests.databases import empty_database_url, postgresql_url

__all__ = ["empty_database_url", "postgresql_url"]


def test_an_empty_file_becomes_a_service(tmp_path: Path) -> None:
    """Folder, schema, keys and first policy are made at the first start."""
    settings = Settings(
        policies=write_shop(tmp_path / "shop"), database=f"sqlite:///{tmp_path}/var/remit.db"
    )
    with open_services(settings) as services:
        assert services.readiness().is_ready
        assert services.library.in_force().rulebook.name == "shop"
    assert not services.committer.is_deciding
    for name in ("master", "signing"):
        key = tmp_path / "var" / f"remit.db.{name}.key"
        assert key.stat().st_mode & 0o077 == 0


def test_a_server_is_seeded_while_it_is_empty_and_then_left_alone(
    tmp_path: Path, postgresql_url: str
) -> None:
    """A folder that differs is only told: publishing is a decision of its own there."""
    shop = write_shop(tmp_path / "shop")
    with open_services(shop_settings(shop, postgresql_url)) as services:
        seeded = services.library.in_force().rulebook.version
    write_shop(shop, shop_files(POLICY.replace("limit: 2000", "limit: 2500")))
    with open_services(shop_settings(shop, postgresql_url)) as services:
        readiness = services.readiness()
    assert readiness.policy == seeded
    assert readiness.folder is not None
    assert readiness.folder.differs


def test_a_replica_needs_no_folder(tmp_path: Path, postgresql_url: str) -> None:
    """The policy is the database's; without one there, nothing can be decided."""
    nowhere = shop_settings(tmp_path / "none", postgresql_url)
    with pytest.raises(StartError, match="--policies"), open_services(nowhere):
        pass
    with open_services(shop_settings(write_shop(tmp_path / "shop"), postgresql_url)):
        pass
    with open_services(nowhere) as services:
        assert services.readiness().folder is None
        assert services.readiness().is_ready


def test_a_server_that_was_not_migrated_is_not_served(
    tmp_path: Path, postgresql_url: str, empty_database_url: str
) -> None:
    """Its schema is the operator's to upgrade; a file's is brought up at the start."""
    settings = shop_settings(write_shop(tmp_path / "shop"), empty_database_url)
    if empty_database_url.startswith("sqlite"):
        with open_services(settings) as services:
            assert services.readiness().is_ready
        return
    with pytest.raises(StartError, match="remit db upgrade"), open_services(settings):
        pass


def test_a_server_takes_a_master_key_that_was_given(tmp_path: Path, postgresql_url: str) -> None:
    """Replicas must share it, so none is made here."""
    settings = Settings(policies=write_shop(tmp_path / "shop"), database=postgresql_url)
    with pytest.raises(StartError, match="REMIT_MASTER_KEY"), open_services(settings):
        pass


def test_a_server_takes_a_signing_key_that_was_given(tmp_path: Path, postgresql_url: str) -> None:
    """Replicas sign as one, so none is made here, and one that is no key is told as such."""
    shop = write_shop(tmp_path / "shop")
    settings = Settings(policies=shop, database=postgresql_url, master_key=MASTER_KEY)
    with pytest.raises(StartError, match="REMIT_SIGNING_KEY"), open_services(settings):
        pass
    wrong = replace(settings, signing_key=SIGNING_KEY, old_signing_key="abc")
    with pytest.raises(StartError, match="REMIT_OLD_SIGNING_KEY"), open_services(wrong):
        pass


def test_a_set_that_does_not_load_changes_nothing(tmp_path: Path) -> None:
    """The folder is read first, and all of its problems are raised."""
    shop = write_shop(tmp_path / "shop", {"shop.yaml": b"remit: 1\nfoo: 1\nbar: 2\n"})
    database = tmp_path / "remit.db"
    settings = Settings(policies=shop, database=f"sqlite:///{database}", master_key=MASTER_KEY)
    with pytest.raises(PolicyErrors) as errors, open_services(settings):
        pass
    assert len(errors.value.problems) > 1
    assert not database.exists()


def test_a_model_that_casbin_cannot_use_is_a_problem_of_the_set(tmp_path: Path) -> None:
    """It is told like every other problem, with its file."""
    files = {**shop_files(), "model.conf": b"[request_definition]\nr = sub, obj\n"}
    settings = shop_settings(write_shop(tmp_path / "shop", files), f"sqlite:///{tmp_path}/x.db")
    with pytest.raises(PolicyErrors) as errors, open_services(settings):
        pass
    assert {problem.file for problem in errors.value.problems} >= {"model.conf"}
