"""Whether a database can be served as it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, inspect, select
from sqlalchemy.exc import DatabaseError

from service.adapters.sql.conflict import reached
from service.adapters.sql.engine import open_engines
from service.adapters.sql.migrate import find_revision, is_known, newest_revision
from service.adapters.sql.rows import SURROGATES

_UPGRADE: Final = "run: remit db upgrade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it must be. ``code`` is stable."""

    code: str
    message: str
    remedy: str


def check_database(url: str) -> Sequence[Finding]:
    """What is wrong with a database, nothing where it is sound.

    Codes: ``no_database``, ``not_migrated``, ``behind``, ``ahead``, ``damaged``. Changes
    nothing, and creates no file. Raises `engine.DatabaseError`, also where the server does
    not answer.
    """
    engines = open_engines(url, serving=False)
    try:
        if engines.file is not None and not engines.file.exists():
            message = f"there is no database at {engines.file}"
            return [Finding(code="no_database", message=message, remedy=_UPGRADE)]
        with reached(engines.reads) as connection:
            return [*_revisions(connection), *_damage(connection)]
    finally:
        engines.close()


def is_sealed(url: str) -> bool:
    """Whether a database holds what only its master key can find again. Creates no file."""
    engines = open_engines(url, serving=False)
    try:
        if engines.file is not None and not engines.file.exists():
            return False
        with reached(engines.reads) as connection:
            if not inspect(connection).has_table(SURROGATES.table.name):
                return False
            return connection.execute(select(SURROGATES.key).limit(1)).first() is not None
    finally:
        engines.close()


def _revisions(connection: Connection) -> Iterator[Finding]:
    stands, wanted = find_revision(connection), newest_revision()
    if stands is None:
        message = "the database has no tables yet"
        yield Finding(code="not_migrated", message=message, remedy=_UPGRADE)
    elif not is_known(stands):
        message = f"the database is at {stands}, which this version of Remit does not know"
        remedy = "start the newer version that upgraded it"
        yield Finding(code="ahead", message=message, remedy=remedy)
    elif stands != wanted:
        message = f"the database is at {stands} and this version of Remit wants {wanted}"
        yield Finding(code="behind", message=message, remedy=_UPGRADE)


def _damage(connection: Connection) -> Iterator[Finding]:
    """What SQLite finds when it reads everything. A server looks after its own pages."""
    if connection.dialect.name != "sqlite":
        return
    try:
        lines = list(connection.exec_driver_sql("PRAGMA integrity_check").scalars())
    except DatabaseError as error:
        lines = [str(error.orig)]
    for line in lines:
        if line != "ok":
            remedy = "restore the newest backup, then run: remit audit restart"
            yield Finding(code="damaged", message=line, remedy=remedy)
