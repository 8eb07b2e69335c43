"""The log of what was attacked, verified as its auditor would: every proof, and the re-count."""

import time

from service.adapters.clock import SystemClock
from service.adapters.sql.store import open_database
from service.audit.note import parse_key
from service.audit.verify import verify
from tests.attack.target import Target
from tests.audit.archivesource import ArchiveSource
from tests.logged import rows

WAIT_SECONDS = 120


def audited(target: Target) -> list[str]:
    """What an auditor has against the log, once all of it is published; nothing, if it holds."""
    ((entries,),) = rows(target.database, "SELECT count(*) FROM entries")
    late = _delayed(target, int(str(entries)))
    if late is not None:
        return [late]
    key = parse_key(str(target.replicas[0].get("/v1/log/key")[1]["key"]))
    with open_database(target.database, SystemClock(), serving=False) as store:
        report = verify(ArchiveSource(store), [key])
    found = [f"{finding.code.value}: {finding.message}" for finding in report.findings]
    if report.entries != entries:
        found.append(f"{entries} entries were written, and the log has {report.entries}")
    return found


def _delayed(target: Target, size: int) -> str | None:
    """Wait until a replica tells that so many entries are published."""
    told: object = None
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        told = log = target.replicas[0].get("/readyz")[1]["log"]
        if log["alarm"] is not None:
            break
        if (log["published"] or 0) >= size:
            return None
        time.sleep(0.1)
    return f"of {size} entries not all were published: {told}"
