"""The schemas that editors use: complete, up to date, and of one mind with the loader."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from service.policyfile.folder import read_folder
from service.policyfile.load import is_policy, is_suite
from service.policyfile.problem import Problem
from service.policyfile.schema import policy_schema, schema_files, suite_schema
from service.policyfile.source import decode
from service.policyfile.yamltree import read_tree, to_plain

POLICIES = Path(__file__).parents[2] / "policies"
SETS = [Path(__file__).parent / "good", *sorted({it.parent for it in POLICIES.rglob("access.csv")})]
BAD = Path(__file__).parent / "bad"

# What an editor can see by itself, without knowing what names mean.
VISIBLE = ("unknown_key", "wrong_type", "unknown_value", "out_of_range", "empty_list", "no_value")


def plain(name: str, data: bytes) -> object:
    found: list[Problem] = []
    source = decode(name, data, found)
    assert source is not None
    tree = read_tree(source, found)
    assert tree is not None, found
    return to_plain(tree)


def keys(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for model in (schema, *schema["$defs"].values()):
        yield from model.get("properties", {}).items()


@pytest.mark.parametrize("name", sorted(schema_files()))
def test_the_schema_beside_the_policies_is_up_to_date(name: str) -> None:
    """What editors load is what the loader reads; `make schema` writes it anew."""
    assert (POLICIES / "schema" / name).read_text(encoding="utf-8") == schema_files()[name]


@pytest.mark.parametrize("name", sorted(schema_files()))
def test_every_key_is_explained(name: str) -> None:
    """An editor shows for each key what it means and how it looks."""
    schema = json.loads(schema_files()[name])
    Draft202012Validator.check_schema(schema)
    listed = list(keys(schema))
    assert listed
    for key, shown in listed:
        assert shown.get("description", "").endswith("."), key
        assert shown.get("examples"), key


@pytest.mark.parametrize("name", sorted(schema_files()))
def test_every_example_is_one(name: str) -> None:
    """What an editor offers for a key may stand there."""
    schema = json.loads(schema_files()[name])
    for key, shown in keys(schema):
        validator = Draft202012Validator({**shown, "$defs": schema["$defs"]})
        for example in shown["examples"]:
            assert [error.message for error in validator.iter_errors(example)] == [], key


@pytest.mark.parametrize("folder", SETS, ids=lambda it: it.name)
def test_good_files_fit_the_schemas(folder: Path) -> None:
    """No editor marks what loads."""
    validators = {
        is_policy: Draft202012Validator(policy_schema()),
        is_suite: Draft202012Validator(suite_schema()),
    }
    for name, data in read_folder(folder).items():
        for fits, validator in validators.items():
            if fits(name):
                assert not [error.message for error in validator.iter_errors(plain(name, data))]


@pytest.mark.parametrize("name", VISIBLE)
def test_an_editor_sees_what_needs_no_knowledge_of_the_set(name: str) -> None:
    """Files of the wrong shape are marked before they are saved."""
    data = (BAD / f"{name}.yaml").read_bytes()
    assert not Draft202012Validator(policy_schema()).is_valid(plain(name, data))
