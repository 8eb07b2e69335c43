"""The OpenAPI document: generated from the routes, the same bytes each time."""

import json
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from service.api.documentation import BODIES

OPEN: Final = frozenset(
    {"/healthz", "/readyz", "/metrics", "/checkpoint", "/tile/{level}/{index}", "/v1/log/key"}
)
"""What takes no key. Hashes, signatures over hashes and counts tell nothing of what is logged."""

_DEFAULTS: Final = ("HTTPValidationError", "ValidationError")


def described(app: FastAPI) -> bytes:
    """The document of an application: sorted keys, two spaces, one line end."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary=app.summary,
        description=app.description,
        routes=app.routes,
    )
    _drop_defaults(document)
    _add_models(document)
    _add_security(document)
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _drop_defaults(document: dict[str, Any]) -> None:
    """The framework's own 422, which no call answers: every id is a text, and read by us."""
    for calls in document["paths"].values():
        for call in calls.values():
            if _DEFAULTS[0] in str(call["responses"].get("422", "")):
                del call["responses"]["422"]


def _add_models(document: dict[str, Any]) -> None:
    """The models of bodies that are read without the framework."""
    template = "#/components/schemas/{model}"
    _, found = models_json_schema(
        [(model, "validation") for model in BODIES], ref_template=template
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in found["$defs"].items():
        schemas.setdefault(name, schema)
    for unused in _DEFAULTS:
        schemas.pop(unused, None)


def _add_security(document: dict[str, Any]) -> None:
    """Every call takes a key, but those that are for everybody."""
    document["components"]["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key from `remit key create`, or a JWT of the issuer that is"
            " configured.",
        }
    }
    for path, calls in document["paths"].items():
        for call in calls.values():
            if path not in OPEN:
                call["security"] = [{"key": []}]
