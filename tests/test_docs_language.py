"""The page for managers: what it shows is what happens, and nothing of the language is left out.

Fences that begin with ``yaml``, ``csv`` or ``json`` say what they are: ``policy``, ``wrong``
(refused, in the words of the ``text`` fence behind it), ``suite``, ``access``, ``facts``, ``run``;
``name=`` names one, ``with=`` puts named ones beside it in one set. Tables behind a comment
such as ``<!-- walk -->`` are computed, or compared with the code. After a change, write the
computed parts anew with ``REGENERATE=1 python -m pytest tests/test_docs_language.py``, then
read the difference.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from service.core.answer import answer_of
from service.core.budget import SPENDS_MAX
from service.core.decision import Code, Decision
from service.core.evaluate import evaluate
from service.core.proposal import read_proposal
from service.core.request import Agent
from service.core.rulebook import FactType, Rulebook
from service.core.window import Calendar, Every, window_at
from service.policyfile import document, suitedocument
from service.policyfile.access import PERMISSIONS
from service.policyfile.celproblem import CelCode
from service.policyfile.celvocabulary import BUILT_INS, STANDARD_FUNCTIONS, USAGE
from service.policyfile.codes import CODES
from service.policyfile.load import load_rulebook, load_set
from service.policyfile.problem import PolicyErrors, Problem, in_order
from service.policyfile.source import Source
from service.policyfile.suite import run_suites
from service.policyfile.suitecheck import check_suites
from service.policyfile.suitefile import read_suites
from service.policyfile.terms import WEEKDAYS
from service.policyfile.yamltree import read_tree, to_plain
from tests.markdown_page import Fence, Page, as_code

ROOT = Path(__file__).resolve().parents[1]
EVENING = datetime(2026, 3, 2, 2, tzinfo=UTC)
"""When proposals of the page are made: an evening in New York."""

PAGE = Page(ROOT / "docs" / "policy-language.md")


def of_kind(word: str) -> list[Any]:
    """The fences of a kind, as parameters of a test."""
    found = (fence for fence in PAGE.fences if fence.word == word)
    return [pytest.param(fence, id=f"line {fence.line}") for fence in found]


def files_of(fence: Fence) -> dict[str, bytes]:
    """The fence as a file, and those that it names beside it: a set without anybody in it."""
    beside = [PAGE.named(name) for name in fence.options.get("with", "").split(",") if name]
    shown = {_file(each): each.text.encode() for each in (*beside, fence)}
    return {"access.csv": b"# nobody\n", **shown}


def _file(fence: Fence) -> str:
    if fence.word == "access":
        return "access.csv"
    ending = "_test" if fence.word == "suite" else ""
    return f"{fence.options.get('name', 'policy')}{ending}.yaml"


# ── Sets, proposals and suites of the page ──


@cache
def hotel() -> Rulebook:
    return rulebook_of("hotel")


def rulebook_of(name: str, *more: str) -> Rulebook:
    """The set of a named fence, with more policy beside it."""
    fence = PAGE.named(name)
    beside = {f"z{number}.yaml": text.encode() for number, text in enumerate(more)}
    return load_rulebook({**files_of(fence), **beside})


def facts_of_the_page() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(next(it.text for it in PAGE.fences if it.word == "facts"))
    return facts


def decide(rulebook: Rulebook, **body: object) -> Decision:
    """What the front desk is told about a credit, on the page's evening."""
    agent = Agent(id="ana", roles=("front_desk",))
    proposal = {"site": "new_york", "resolution": "goodwill_credit", **body}
    return evaluate(rulebook, read_proposal(rulebook, proposal, agent), {}, EVENING)


# ── Fences ──


@pytest.mark.parametrize("fence", of_kind("policy"))
def test_a_policy_loads(fence: Fence) -> None:
    """Every policy that is shown loads as it stands, without a warning."""
    assert load_set(files_of(fence)).warnings == ()


@pytest.mark.parametrize("fence", of_kind("wrong"))
def test_what_is_shown_as_wrong_is_refused_in_these_words(fence: Fence) -> None:
    """The text behind a wrong example is all that the loader says about it."""
    shown = PAGE.after(fence)
    assert shown.language == "text"
    said = "".join(f"{problem}\n" for problem in problems_of(files_of(fence)))
    assert said
    PAGE.expect(f"{fence.written}\n\n{shown.written}", f"{fence.written}\n\n```text\n{said}```")


def problems_of(files: Mapping[str, bytes]) -> tuple[Problem, ...]:
    found: list[Problem] = []
    for read in (load_set, read_suites):
        try:
            read(files)
        except PolicyErrors as errors:
            found.extend(errors.problems)
    return in_order(found)


@pytest.mark.parametrize("fence", of_kind("suite"))
def test_a_suite_passes(fence: Fence) -> None:
    """Every suite that is shown fits the policies beside it, and every step comes out so."""
    files = files_of(fence)
    suites, rulebook = read_suites(files), load_rulebook(files)
    assert check_suites(rulebook, suites) == ()
    cases = [case for result in run_suites(rulebook, suites) for case in result.cases]
    assert [
        (step.place, step.differences) for c in cases for step in c.steps if not step.passed
    ] == []
    assert cases


@pytest.mark.parametrize("fence", of_kind("access"))
def test_an_access_list_loads(fence: Fence) -> None:
    """Every access list that is shown fits the policy beside it."""
    access = load_set(files_of(fence)).access
    assert access.memberships


@pytest.mark.parametrize("fence", of_kind("run"))
def test_commands_print_what_is_shown(fence: Fence, tmp_path: Path) -> None:
    """Commands that are shown, run beside the set of the page, print the text behind them."""
    folder = tmp_path / "corner-hotel"
    folder.mkdir()
    parts = [files_of(PAGE.named(name)) for name in ("goodwill", "access")]
    for file, data in (parts[0] | parts[1]).items():
        (folder / file).write_bytes(data)
    shown = PAGE.after(fence)
    said = "".join(
        subprocess.run(  # what the commands say of a page of our own
            [sys.executable, "-m", "service", *line.split()[1:]],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for line in fence.text.splitlines()
    )
    PAGE.expect(f"{fence.written}\n\n{shown.written}", f"{fence.written}\n\n```text\n{said}```")


def test_the_facts_of_the_page_are_accepted() -> None:
    """The JSON that is shown to callers is what a proposal may hold."""
    assert decide(hotel(), amount="1.00", facts=facts_of_the_page()).authority is not None


def test_every_fence_says_what_it_is() -> None:
    """No example stands on the page that nothing tries."""
    tried = {"policy", "wrong", "suite", "access", "facts"}
    known = {"text": {""}, "sh": {"run"}, "yaml": tried, "csv": tried, "json": tried}
    assert [f.line for f in PAGE.fences if f.word not in known.get(f.language, set())] == []
    assert PAGE.text.count("```") == 2 * len(PAGE.fences)


# ── Tables of keys ──


TABLES_OF_KEYS: Mapping[str, type[BaseModel]] = {
    "keys": document.PolicyDocument,
    "keys of suites": suitedocument.SuiteDocument,
}


@pytest.mark.parametrize("name", TABLES_OF_KEYS)
def test_every_key_is_explained(name: str) -> None:
    """A table of keys has all of them, says which are needed, and gives an example of each."""
    fields = dict(fields_of(TABLES_OF_KEYS[name]))
    table = PAGE.tables[name]
    assert sorted(table.column(0)) == sorted(fields)
    for path, _, default, example in table.rows:
        key = path.rpartition(".")[2]
        given = written_in_yaml(example)
        assert list(given) == [key], path
        TypeAdapter(fields[path].rebuild_annotation()).validate_python(given[key])
        if name != "keys" or "." in path:
            assert (default == "needed") == fields[path].is_required(), path


def fields_of(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key by its path; ``*`` is any name and ``[]`` any item."""
    for name, field in model.model_fields.items():
        here = f"{path}{field.alias or name}"
        yield here, field
        for steps, below in models_in(field.annotation):
            yield from fields_of(below, f"{here}{steps}.")


def models_in(annotation: object) -> Iterator[tuple[str, type[BaseModel]]]:
    """The models in a type, and the steps that lead to one: ``list[Model]`` is ``[]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield "", annotation
    steps_of: dict[object, str] = {list: "[]", dict: ".*"}
    step = steps_of.get(get_origin(annotation), "")
    for part in get_args(annotation):
        yield from ((f"{step}{steps}", model) for steps, model in models_in(part))


def test_every_top_level_key_that_is_needed_is_shown_so() -> None:
    """Those keys are needed without which the first policy of the page does not load."""
    first = PAGE.named("first")
    shown = {row[0] for row in PAGE.tables["keys"].rows if row[2] == "needed" and "." not in row[0]}
    assert shown == {key for key in written_in_yaml(first.text) if is_missed(first, key)}


def written_in_yaml(text: str) -> dict[str, Any]:
    """What a line of YAML holds, by the rules of policy files."""
    found: list[Problem] = []
    tree = read_tree(Source("example", text), found)
    assert not found, found
    assert tree is not None
    plain = to_plain(tree)
    assert isinstance(plain, dict)
    return plain


def is_missed(fence: Fence, key: str) -> bool:
    """Whether a policy without a key is told that it is missing."""
    text = re.sub(rf"(?m)^{key}:[^\n]*\n(?:[ -][^\n]*\n)*", "", fence.text)
    return any(it.path == key for it in problems_of({"policy.yaml": text.encode()}))


# ── Tables of the language ──


def test_every_type_of_fact_can_be_declared_sent_and_read() -> None:
    """Each row is a declaration, a value in JSON and a condition that then holds."""
    table = PAGE.tables["types"]
    assert table.column(0) == list(FactType)
    for _, declared, sent, condition in table.rows:
        grant = {"id": "if", "role": "front_desk", "may": ["goodwill_credit"], "when": condition}
        more = f"remit: 1\nfacts:\n  {declared}\ngrants: [{json.dumps(grant)}]\n"
        group, _, leaf = declared.partition(":")[0].partition(".")
        facts = {group: {leaf: json.loads(sent)}}
        decision = decide(rulebook_of("first", more), amount="999.00", facts=facts)
        assert decision.outcome == "approved", condition


@pytest.mark.parametrize("name", ["operators", "functions"])
def test_every_example_of_a_condition_holds(name: str) -> None:
    """What the tables of operators and functions show is true for the facts of the page."""
    for row in PAGE.tables[name].rows:
        assert says(row[-1]) is True, row


def test_every_function_is_explained() -> None:
    """The table of functions has those of the language, and the page names those of CEL."""
    assert [it.partition("(")[0] for it in PAGE.tables["functions"].column(0)] == list(USAGE)
    assert [it for it in STANDARD_FUNCTIONS if not re.search(rf"\b{it}\b", PAGE.text)] == []


def says(condition: str) -> bool:
    """Whether a condition holds for a credit of 100 dollars and the facts of the page."""
    forbidden = {"id": "no", "may_not": ["goodwill_credit"], "because": "It holds."}
    more = {"prohibitions": [{**forbidden, "when": condition}], "remit": 1}
    rulebook = rulebook_of("hotel", json.dumps(more))
    found = decide(rulebook, amount="100.00", facts=facts_of_the_page()).reasons[0].code
    assert found in {Code.PROHIBITED, Code.WITHIN_LIMITS}
    return found is Code.PROHIBITED


def test_what_a_condition_may_not_say_is_refused_in_these_words() -> None:
    """Each row of refused texts has the code and the remedy that the loader gives."""
    table = PAGE.tables["refused"]
    rows = []
    for row in table.rows:
        grant = {"id": "x", "role": "front_desk", "may": "any", "when": row[0]}
        with pytest.raises(PolicyErrors) as errors:
            rulebook_of("hotel", json.dumps({"remit": 1, "grants": [grant]}))
        first = errors.value.problems[0]
        rows.append([as_code(row[0]), as_code(first.code), first.remedy.replace("|", r"\|")])
    PAGE.expect_rows(table, rows)


def test_every_built_in_name_is_explained() -> None:
    """A manager finds every variable that each request brings."""
    assert [name for name in BUILT_INS if f"`{name}`" not in PAGE.text] == []


def test_the_walk_is_as_it_is_shown() -> None:
    """Who decides which amount, and in which words, is what the evaluator says."""
    table = PAGE.tables["walk"]
    rows = []
    for amount, note, *_ in table.rows:
        said = None if note == "none" else note
        decision = decide(hotel(), amount=amount, note=said, facts=facts_of_the_page())
        found = decision.authority or decision.escalate_to
        by = "nobody" if found is None else f"{found.role}, {found.grant}"
        if decision.missing:
            by = f"asks for: {', '.join(decision.missing)}"
        reason = answer_of(hotel(), decision, EVENING)["reasons"][0]["message"]
        rows.append([amount, note, decision.outcome.value, by, reason])
    PAGE.expect_rows(table, rows)


_EVERY: TypeAdapter[Every] = TypeAdapter(Every)


def test_the_windows_are_as_they_are_shown() -> None:
    """From when to when a calendar window lasts is what the core says, clocks changed or not."""
    table = PAGE.tables["windows"]
    rows = []
    for every, begins, zone, at, *_ in table.rows:
        window = window_at(
            datetime.fromisoformat(at),
            _EVERY.validate_python(every),
            ZoneInfo(zone),
            calendar_of(begins),
        )
        starts, ends = (
            it.astimezone(ZoneInfo(zone)).isoformat(" ", "minutes")
            for it in (window.starts_at, window.ends_at)
        )
        hours = (window.ends_at - window.starts_at) // timedelta(hours=1)
        rows.append([as_code(every), as_code(begins), zone, at, starts, ends, str(hours)])
    PAGE.expect_rows(table, rows)


def calendar_of(text: str) -> Calendar:
    """A calendar as a policy writes it."""
    given = document.CalendarDocument.model_validate(written_in_yaml(text))
    standard = Calendar()
    return Calendar(
        day_starts=given.day_starts or standard.day_starts,
        week_starts=WEEKDAYS.index(given.week_starts or "monday"),
        year_starts=given.year_starts or standard.year_starts,
    )


def test_every_window_is_shown() -> None:
    """Each calendar window is explained, and the bound of rolling ones is the true one."""
    assert set(PAGE.tables["windows"].column(0)) == set(get_args(Every))
    assert f"{SPENDS_MAX} charges" in PAGE.text


def test_every_permission_is_explained() -> None:
    """What a role may be given is all in the table, and nothing else is."""
    shown = {tuple(it.split(", ")) for it in PAGE.tables["permissions"].column(0)}
    assert shown == PERMISSIONS


# ── Tables of codes ──


def test_every_reason_is_explained() -> None:
    """A colleague who is refused finds out what the code means and what helps."""
    assert PAGE.tables["reasons"].column(0) == list(Code)


def test_every_problem_is_explained() -> None:
    """The table of codes has each one, in the words of the code base where it has words."""
    table = PAGE.tables["codes"]
    shown = {row[0]: row for row in table.rows}
    known = {**dict.fromkeys(map(str, CelCode), ""), **CODES}
    rows = []
    for each in sorted(known):
        _, meaning, remedy = shown.get(each, (each, "", ""))
        rows.append([as_code(each), known[each] or meaning, remedy])
    PAGE.expect_rows(table, rows)
    assert [row[0] for row in table.rows if not (row[1] and row[2])] == []


# ── Links ──


def test_every_link_leads_somewhere() -> None:
    """Links within the page and into the project resolve."""
    headings = {slug(it) for it in re.findall(r"(?m)^#+ (.+)$", PAGE.text)}
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGE.text):
        path, _, anchor = target.partition("#")
        if path:
            assert (PAGE.path.parent / path).exists(), target
        else:
            assert anchor in headings, target


def slug(heading: str) -> str:
    """How forges name the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
