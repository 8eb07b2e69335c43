"""Shapes: plain data to a document, every mismatch told in plain words at its place."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from service.policyfile.place import Place
from service.policyfile.problem import Problem
from service.policyfile.suggestion import suggest
from service.policyfile.terms import kind_of
from service.policyfile.yamltree import BROKEN, Scalar, to_plain

T = TypeVar("T")

_TYPE_NOUNS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_EXAMPLES = {
    "text": "Write text.",
    "a whole number": "Write a whole number without quotes.",
    "true or false": "Write true or false.",
    "a list": "Write a list: [{raw}]",
    "a mapping": "Write a mapping; `{{}}` where nothing is to be said.",
}


class Shape(Generic[T]):
    """A type of the language that data can be read as."""

    def __init__(self, kind: Any) -> None:  # noqa: ANN401 - `Annotated` types have no class
        """``kind`` is a document model or one of the terms."""
        self._kind = kind
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    def read(self, place: Place, found: list[Problem]) -> T | None:
        """The data at a place as a ``T``; None with every reason among ``found``."""
        return self.read_value(to_plain(place.node), place, found)

    def read_key(self, place: Place, found: list[Problem]) -> T | None:
        """The key that names a place; None with the reason among ``found``."""
        if place.key is None or place.key.broken:
            return None
        return self.read_value(place.key.text, place, found, on_key=True)

    def read_value(
        self, value: object, place: Place, found: list[Problem], *, on_key: bool = False
    ) -> T | None:
        """``value`` as a ``T``, problems told at ``place`` and below it."""
        try:
            return self._adapter.validate_python(value)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                problem = _translate(self._kind, detail, place, on_key=on_key)
                if problem is not None:
                    found.append(problem)
            return None


def _translate(kind: Any, detail: ErrorDetails, place: Place, *, on_key: bool) -> Problem | None:  # noqa: ANN401
    """One of pydantic's errors in our words; None where the place was told about before."""
    if detail["input"] is BROKEN:
        return None
    spot = place.child(*detail["loc"])
    write: _Writer = _WRITERS.get(detail["type"], _in_own_words)
    code, message, remedy = write(kind, detail)
    raw = _as_quoted(spot.node) if isinstance(spot.node, Scalar) else "…"
    at_key = on_key or detail["type"] == "extra_forbidden"
    return spot.problem(code, message, remedy.replace("{raw}", raw), on_key=at_key)


def _as_quoted(scalar: Scalar) -> str:
    """What to write between quotes: a decimal with digits on both sides of its point."""
    if not isinstance(scalar.value, float):
        return scalar.text
    whole, _, fraction = scalar.text.removeprefix("+").partition(".")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole


_Words = tuple[str, str, str]
_Writer = Callable[[Any, ErrorDetails], _Words]


def _in_own_words(_kind: object, detail: ErrorDetails) -> _Words:
    """What the terms of the language say themselves, and whatever was not foreseen."""
    context = detail.get("ctx", {})
    if "remedy" in context:
        return detail["type"], str(context["message"]), str(context["remedy"])
    noun = _TYPE_NOUNS.get(detail["type"])
    if noun is not None:
        message = f"Here belongs {noun}, not {kind_of(detail['input'])}."
        return "wrong_type", message, _EXAMPLES[noun].replace("{{}}", "{}")
    return "malformed", f"{detail['msg']}.", "Compare it with the schema of the file."


def _missing(_kind: object, detail: ErrorDetails) -> _Words:
    key = detail["loc"][-1]
    return "missing_key", f"`{key}` is missing.", f"Add `{key}:`."


def _unknown(kind: object, detail: ErrorDetails) -> _Words:
    key = str(detail["loc"][-1])
    return "unknown_key", f"`{key}` is no key here.", suggest(key, _keys_at(kind, detail["loc"]))


def _choice(_kind: object, detail: ErrorDetails) -> _Words:
    expected = str(detail.get("ctx", {}).get("expected", ""))
    shown = detail["input"] if isinstance(detail["input"], str) else kind_of(detail["input"])
    options = expected.replace("'", "`")
    return "unknown_value", f"`{shown}` is none of the values here.", f"Write {options}."


def _bounds(_kind: object, detail: ErrorDetails) -> _Words:
    context: Mapping[str, object] = detail.get("ctx", {})
    if "ge" in context:
        message = f"{detail['input']} is less than {context['ge']}."
        return "out_of_range", message, f"Write {context['ge']} or more."
    message = f"{detail['input']} is more than {context.get('le')}."
    return "out_of_range", message, f"Write {context.get('le')} or less."


def _empty(_kind: object, _detail: ErrorDetails) -> _Words:
    return "empty_list", "The list is empty.", "Name at least one, or delete the key."


_WRITERS: Mapping[str, _Writer] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "literal_error": _choice,
    "enum": _choice,
    "greater_than_equal": _bounds,
    "less_than_equal": _bounds,
    "too_short": _empty,
}


def _keys_at(kind: object, loc: tuple[int | str, ...]) -> list[str]:
    """The keys of the model in which an unknown key stands."""
    model = _model_in(kind)
    for step in loc[:-1]:
        if model is None:
            return []
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if step in fields:  # an index or a key of a mapping leads to the same model
            model = _model_in(fields[str(step)].annotation)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The one document model in a type such as ``list[Model] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        model = _model_in(part)
        if model is not None:
            return model
    return None
