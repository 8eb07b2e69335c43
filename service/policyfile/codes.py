"""What the codes of problems mean, for the documentation and for whoever handles them.

Codes of expressions stand in `service.policyfile.celproblem.CelCode`.
"""

from collections.abc import Mapping
from types import MappingProxyType

_FILES = {
    "byte_order_mark": "The file begins with a byte order mark.",
    "empty_file": "A file of the set holds nothing.",
    "file_too_large": "A file has more bytes than are read.",
    "link": "A link leads out of the folder, or stands for a folder.",
    "misplaced_file": "`access.csv` or `model.conf` stands in a subfolder.",
    "no_folder": "The folder of the set is not there.",
    "no_policy": "The set has no policy file.",
    "not_a_file": "Something with the name of a file is none.",
    "not_utf8": "The file is not UTF-8.",
    "tab": "A line is indented with a tab.",
    "too_many_files": "The folder has more files than are read.",
    "unseen_character": "A character that nobody can see stands in the file.",
    "wrong_ending": "A file ends in `.yml` instead of `.yaml`.",
}
_YAML = {
    "alias": "A YAML alias stands for something written elsewhere.",
    "anchor": "A YAML anchor marks something to be repeated.",
    "cut_short": "YAML ended an unquoted text before its author did.",
    "directive": "The file begins with a YAML directive.",
    "duplicate_key": "A mapping has a key twice.",
    "key_not_text": "A key is a number, a list or something else that is not text.",
    "merge_key": "A YAML merge key takes over keys from elsewhere.",
    "no_value": "A key has no value.",
    "not_a_mapping": "The file holds no keys.",
    "number_too_large": "A number has more digits than any may have.",
    "several_documents": "The file holds more than one YAML document.",
    "tag": "A YAML tag, or a text that begins with `!` without quotes.",
    "too_deep": "Lists and mappings lie too deep in one another.",
    "yaml_boolean": "A word that is true or false to YAML 1.1 and text to YAML 1.2.",
    "yaml_exponent": "A number with an exponent.",
    "yaml_leading_zero": "A number that is octal to YAML 1.1.",
    "yaml_not_a_number": "Infinity, or not a number.",
    "yaml_other_base": "A number in another base.",
    "yaml_sexagesimal": "A text that is a number in base 60 to YAML 1.1.",
    "yaml_syntax": "The text is not YAML.",
    "yaml_underscore": "A number with underscores.",
}
_SHAPE = {
    "bare_decimal": "Money or a rate with decimals stands without quotes.",
    "duplicate_item": "A list has an item twice.",
    "empty_hours": "Hours end when they begin.",
    "empty_list": "A list has no items.",
    "empty_text": "A text is empty.",
    "malformed": "A text has not the form that belongs here.",
    "missing_key": "A key that is needed is missing.",
    "out_of_range": "A number is too small or too large.",
    "reserved_name": "A name has a meaning of its own in the language.",
    "text_too_long": "A text has too many characters.",
    "unknown_currency": "A currency is none of ISO 4217.",
    "unknown_key": "A key is not known where it stands.",
    "unknown_timezone": "A timezone is none of the IANA database.",
    "unknown_value": "A word is none of those that may stand here.",
    "wrong_type": "A value is of another type than belongs here.",
}
_MEANING = {
    "budget_without_cap": "A budget has neither `limit` nor `count`.",
    "choice_without_values": "A choice does not say which values it has.",
    "conflicting_value": "Two files say different things of the whole set.",
    "duplicate_id": "Two things have the same name.",
    "empty_range": "A range of numbers has none in it.",
    "empty_section": "`sites` is declared, and names none.",
    "fact_prefix": "A fact's path is the beginning of another's.",
    "misplaced_key": "A key does not fit the type of the fact.",
    "missing_subject": "A set with personal facts does not say who is served.",
    "not_money": "A constant is no amount of money.",
    "rate_of_own_currency": "A rate is given for the set's own currency.",
    "role_circle": "Roles lie above each other in a circle.",
    "subject_not_personal": "The subject is not a personal text.",
    "timeout_without_time": "`on_timeout` stands without `answer_within`.",
    "too_many_decimals": "An amount has more decimals than its currency.",
    "two_caps": "A budget has both `limit` and `count`.",
    "two_limits": "A grant has both `up_to` and `exactly`.",
    "two_windows": "A budget has both `every` and `within`.",
    "unfit_key": "A budget is kept per a fact of a type that cannot be a key.",
    "unit_without_worth": "A resolution has a unit, and none is worth anything.",
    "unknown_fact": "A fact is not declared.",
    "unknown_language": "`remit` names a version of the language that is not read.",
    "unknown_resolution": "A resolution is not declared.",
    "unknown_role": "A role is not declared.",
    "unknown_site": "A site is not declared.",
    "worth_without_unit": "A resolution without a unit has a worth.",
    "zero_limit": "A limit of zero, which nothing passes.",
}
_ACCESS = {
    "duplicate_line": "`access.csv` says the same twice.",
    "model_amount": "`model.conf` names an amount, or compares sizes.",
    "model_incomplete": "`model.conf` lacks a definition.",
    "model_syntax": "`model.conf` is not in the form of Casbin's models.",
    "model_width": "A definition of `model.conf` has the wrong number of parts.",
    "no_access": "The set has no `access.csv`: nobody may do anything (a warning).",
    "role_in_role": "`access.csv` would give the holders of a role the remit of another.",
    "unknown_line": "A line of `access.csv` begins with neither `p` nor `g`.",
    "unknown_permission": "`access.csv` allows something that does not exist.",
    "wrong_width": "A line of `access.csv` has the wrong number of columns.",
}
_SUITES = {
    "expects_nothing": "A step expects no outcome.",
    "impossible_expectation": "What a step expects never comes together.",
    "missing_instant": "Nothing says when a step happens.",
    "missing_site": "Nothing says where a step happens.",
    "two_measures": "A step has an amount and a quantity.",
    "unknown_agent": "A step names an agent that its suite does not.",
    "unknown_budget": "A step expects something of a budget that the set does not have.",
    "unknown_grant": "A step expects a grant that the set does not have.",
    "unknown_rule": "A step expects an entry that names a rule that the set does not have.",
}

CODES: Mapping[str, str] = MappingProxyType(
    {**_FILES, **_YAML, **_SHAPE, **_MEANING, **_ACCESS, **_SUITES}
)
"""What each code means, in a sentence. Codes are stable."""
