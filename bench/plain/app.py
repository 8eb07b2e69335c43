"""The HTTP service: one request, one session, one transaction.

python -m bench.plain.app PORT postgresql://…
"""

import hashlib
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Header, HTTPException
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, SQLModel, create_engine

from bench.plain.access import PEOPLE, enforcer
from bench.plain.desk import House, NotAllowed, decide
from bench.plain.rules import HOTEL, ROOMY, Proposal
from bench.plain.tables import Audit, Budget, Gesture, Key, Resolution

CONNECTIONS = 20
"""Of each process: with three of them the server's hundred suffice."""
MODELS: tuple[type[SQLModel], ...] = (Key, Budget, Gesture, Resolution, Audit)


def open_database(url: str) -> Engine:
    """An engine of a database with tables and everybody's demo key."""
    driver = url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(driver, pool_size=CONNECTIONS, max_overflow=0)
    tables = [SQLModel.metadata.tables[str(model.__tablename__)] for model in MODELS]
    SQLModel.metadata.create_all(engine, tables=tables)
    with Session(engine) as session:
        keys = [{"digest": _digest(f"plain-key-of-{one}"), "person": one} for one in PEOPLE]
        session.exec(insert(Key).values(keys).on_conflict_do_nothing())
        session.commit()
    return engine


def create_app(engine: Engine, limits: Mapping[str, int] = HOTEL) -> FastAPI:
    """The application over an engine."""
    app, house = FastAPI(openapi_url=None), House(enforcer(), limits)

    # Everything in one function: with the session as a dependency of its own the threads
    # that wait for a connection keep those from running that would give one back.
    @app.post("/v1/resolutions", status_code=201)
    def propose(proposal: Proposal, authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
        with Session(engine) as session:
            key = session.get(Key, _digest(authorization.removeprefix("Bearer ")))
            if key is None:
                raise HTTPException(401)
            return _answer(session, house, key.person, proposal)

    return app


def _answer(session: Session, house: House, caller: str, proposal: Proposal) -> dict[str, Any]:
    try:
        record, made = decide(session, house, caller, proposal, datetime.now(UTC))
    except NotAllowed as error:
        raise HTTPException(403) from error
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    answer = {
        "id": str(record.id),
        "outcome": made.outcome,
        "rule": made.rule,
        "to": made.to,
        "missing": made.missing,
        "value_cents": record.cents,
        "left": made.left,
        "decided_at": record.at.isoformat(),
    }
    session.commit()
    return answer


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


if __name__ == "__main__":
    application = create_app(open_database(sys.argv[2]), ROOMY)
    uvicorn.run(application, port=int(sys.argv[1]), access_log=False, log_level="warning")
