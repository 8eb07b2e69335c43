"""JSON Schemas of policy files and suites, for editors. Made from the models that read them."""

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from service.policyfile.document import PolicyDocument
from service.policyfile.receiversdocument import ReceiversDocument
from service.policyfile.suitedocument import SuiteDocument

DIALECT = "https://json-schema.org/draft/2020-12/schema"

POLICY_SCHEMA_FILE = "policy.schema.json"
SUITE_SCHEMA_FILE = "suite.schema.json"
RECEIVERS_SCHEMA_FILE = "receivers.schema.json"


class _WithoutNull(GenerateJsonSchema):
    """A key that may be left out is not a key that may be null: the loader refuses that."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's
        """Keys are their own titles."""
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """The type without null."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """No default that could not be written."""
        shown = super().default_schema(schema)
        if shown.get("default", ...) is None:
            del shown["default"]
        return shown


def policy_schema() -> dict[str, Any]:
    """The schema of a policy file, JSON Schema 2020-12."""
    return _schema(PolicyDocument)


def suite_schema() -> dict[str, Any]:
    """The schema of a suite, JSON Schema 2020-12."""
    return _schema(SuiteDocument)


def receivers_schema() -> dict[str, Any]:
    """The schema of a receivers file, JSON Schema 2020-12."""
    return _schema(ReceiversDocument)


def schema_files() -> dict[str, str]:
    """The text of each schema file by its name: indented JSON with a line break at the end."""
    schemas = {
        POLICY_SCHEMA_FILE: policy_schema(),
        SUITE_SCHEMA_FILE: suite_schema(),
        RECEIVERS_SCHEMA_FILE: receivers_schema(),
    }
    return {
        name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return {"$schema": DIALECT, **model.model_json_schema(schema_generator=_WithoutNull)}
