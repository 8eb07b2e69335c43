"""POST /v1/resolutions with four budgets on SQLite (FULL), beside an empty FastAPI POST.

Both run as one process on the same machine and are loaded in turns, round by round, by
wrk (throughput, 64 connections) and by hey (latency, at half of the service's own
throughput). Both programs come from Debian: apt-get install wrk hey.

    python -m bench.http [ROUNDS]
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.table import Table

CONNECTIONS = 64
ROUND_SECONDS = 4
GUESTS = 5_000

POLICY = """
remit: 1
name: bench
currency: USD
timezone: America/New_York
sites: {new_york: {}}
roles: {front_desk: {reports_to: duty_manager}, duty_manager: {}}
facts:
  guest.id:          {type: text, personal: true}
  guest.tier:        {type: choice, of: [member, silver, gold]}
  stay.id:           {type: text}
  stay.nightly_rate: {type: money}
  stay.total:        {type: money}
  incident.severity: {type: integer, from: 1, to: 5}
subject: guest.id
resolutions: {goodwill_credit: {}, comp_night: {unit: night, worth: stay.nightly_rate}}
grants:
  - {id: small-gesture, role: front_desk, may: [goodwill_credit], up_to: 200}
  - {id: make-it-right, role: front_desk, may: [goodwill_credit, comp_night], up_to: 500,
     when: 'incident.severity >= 3 || guest.tier == "gold"', needs: [note]}
  - {id: recovery, role: duty_manager, may: any, up_to: 'percent(stay.total, 100)'}
budgets:
  - {id: guest-stay, limit: 900000000000, per: [guest.id, stay.id], roles: [front_desk]}
  - {id: shift,      limit: 900000000000, per: [agent.id, site.id], every: day, roles: [front_desk]}
  - {id: house,      limit: 900000000000, per: [site.id], every: month}
  - {id: repeat,     count: 1000000,      per: [guest.id], within: 90d, roles: [front_desk]}
"""
ACCESS = """p, agent, resolution, propose
g, front_desk, agent, *
g, ana, front_desk, new_york
"""
BODY = {
    "site": "new_york",
    "resolution": "goodwill_credit",
    "amount": "150.00",
    "currency": "USD",
    "reason": "noise",
    "note": "AC broken until 2 am",
    "channel": "front_desk",
    "facts": {
        "guest": {"id": "G-GUEST", "tier": "gold"},
        "stay": {"id": "S-GUEST", "nightly_rate": "320.00", "total": "960.00"},
        "incident": {"severity": 2},
    },
}
SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
local body = '%s'
local guest = 0
function request()
  guest = guest + 1
  return wrk.format(nil, nil, nil, (body:gsub("GUEST", tostring(guest %% %d))))
end
"""


def main() -> None:
    """Load both in turns and print throughput, latency and their ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for program in ("wrk", "hey"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed: apt-get install wrk hey")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with _remit(path) as (remit, key), _empty() as empty:
            script = path / "post.lua"
            script.write_text(SCRIPT % (key, json.dumps(BODY), GUESTS))
            _throughput_and_latency(remit, empty, script, key, rounds)
    print(f"\nfsync of this disk: {_fsync_microseconds():,.0f} µs")


def _throughput_and_latency(remit: str, empty: str, script: Path, key: str, rounds: int) -> None:
    for url in (remit, empty):
        _wrk(url, script, 2)
    rates: dict[str, list[float]] = {remit: [], empty: []}
    for _ in range(rounds):
        for url in (remit, empty):
            rates[url].append(_wrk(url, script, ROUND_SECONDS))
    ours, ceiling = statistics.median(rates[remit]), statistics.median(rates[empty])
    half = ours / 2
    tails: dict[str, list[tuple[float, float]]] = {remit: [], empty: []}
    for _ in range(rounds):
        for url in (remit, empty):
            tails[url].append(_hey(url, key, half))
    table = Table("endpoint", "requests/s at 64", "p50 ms at half load", "p99 ms at half load")
    for name, url in (("remit", remit), ("empty", empty)):
        p50, p99 = (statistics.median(found) for found in zip(*tails[url], strict=True))
        table.row(name, f"{statistics.median(rates[url]):,.0f}", f"{p50:.2f}", f"{p99:.2f}")
    p99s = [statistics.median(p99 for _, p99 in tails[url]) for url in (remit, empty)]
    table.row("ratio", f"{ours / ceiling:.2f}", "", f"{p99s[0] / p99s[1]:.1f}")
    table.print()


@contextmanager
def _remit(folder: Path) -> Iterator[tuple[str, str]]:
    (folder / "policies").mkdir()
    (folder / "policies" / "bench.yaml").write_text(POLICY)
    (folder / "policies" / "access.csv").write_text(ACCESS)
    remit = [sys.executable, "-m", "service"]
    database = f"sqlite:///{folder}/bench.db"
    place = ["--policies", str(folder / "policies"), "--database", database]
    port = "8151"
    with _running([*remit, "serve", *place, "--port", port, "--log-level", "warning"], port):
        create = [*remit, "key", "create", "--subject", "ana", "--database", database]
        key = subprocess.run(create, capture_output=True, text=True, check=True).stdout.strip()
        yield f"http://127.0.0.1:{port}/v1/resolutions", key


@contextmanager
def _empty() -> Iterator[str]:
    port = "8152"
    with _running([sys.executable, "-m", "bench.empty", port], port):
        yield f"http://127.0.0.1:{port}/v1/resolutions"


@contextmanager
def _running(command: list[str], port: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait(port: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        if process.poll() is not None:
            sys.exit("a server ended before it answered")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("a server does not answer")


def _wrk(url: str, script: Path, seconds: int) -> float:
    """Requests per second; every answer must be 201."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        sys.exit(f"not every answer was a decision:\n{said}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found is not None, said
    return float(found[1])


def _hey(url: str, key: str, rate: float) -> tuple[float, float]:
    """p50 and p99 in milliseconds at a rate of requests per second."""
    body = json.dumps(BODY).replace("GUEST", str(time.time_ns() % GUESTS))
    command = [
        *("hey", "-z", f"{ROUND_SECONDS}s", "-c", "32", "-q", f"{rate / 32:.2f}"),
        *("-m", "POST", "-T", "application/json", "-H", f"Authorization: Bearer {key}"),
        *("-d", body, "-o", "csv", url),
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    times = sorted(float(line.split(",", 1)[0]) * 1e3 for line in said.splitlines()[1:] if line)
    return statistics.median(times), times[int(len(times) * 0.99)]


def _fsync_microseconds() -> float:
    with tempfile.NamedTemporaryFile() as file:
        times = []
        for _ in range(200):
            file.write(b"x" * 4096)
            file.flush()
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e6


if __name__ == "__main__":
    main()
