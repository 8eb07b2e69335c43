"""The shape of a receivers file: who is told of what happens to escalations.

What goes together (a webhook and its secret, mail and its server) is checked when the
file is read. Editors get the same models as JSON Schema.
"""

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from service.core.notice import NoticeEvent
from service.core.receiver import URL, URL_CHARACTERS_MAX, MailTls, ReceiverKind, is_postable
from service.policyfile.document import Names, Sites, Strict, distinct
from service.policyfile.terms import Duration, FactPath, Name, refuse

MAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$"
MAIL_CHARACTERS_MAX = 254
HOST = r"^[A-Za-z0-9.:-]{1,253}$"

TIMEOUT_MAX = timedelta(seconds=60)


def _url(value: object) -> str:
    text = _text(value, "a URL", URL_CHARACTERS_MAX)
    return checked_url(text)


def checked_url(text: str) -> str:
    """An ``http`` or ``https`` URL with a host, without a password and without a fragment."""
    if not is_postable(text):
        refuse(
            "not_a_url",
            "This is no URL that can be posted to.",
            "Write one like https://hooks.example.com/remit, with no password and no `#` in it.",
        )
    return text


def _address(value: object) -> str:
    text = _text(value, "a mail address", MAIL_CHARACTERS_MAX)
    if not re.fullmatch(MAIL, text):
        refuse("malformed", f"`{text}` is no mail address.", "Write one like desk@example.com.")
    return text


def _host(value: object) -> str:
    text = _text(value, "a host", 253)
    if not re.fullmatch(HOST, text):
        refuse("malformed", f"`{text}` is no host.", "Write a name like mail.example.com.")
    return text


def _path(value: object) -> str:
    return _text(value, "the path of a file", 1000)


def _secret(value: object) -> str:
    return _text(value, "a secret", 1000)


def _text(value: object, noun: str, characters_max: int) -> str:
    if not isinstance(value, str):
        refuse("wrong_type", f"Here belongs {noun}, as text.", "Put it in quotes.")
    if not 0 < len(value) <= characters_max or not value.isprintable():
        refuse("malformed", f"Here belongs {noun}, in one line.", "Write it in one line.")
    return value


def _timeout(value: timedelta) -> timedelta:
    if value > TIMEOUT_MAX:
        refuse("out_of_range", "An attempt may take a minute at most.", "Write 60s or less.")
    return value


def _schema(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern})


Url = Annotated[str, PlainValidator(_url), _schema(URL)]
Address = Annotated[str, PlainValidator(_address), _schema(MAIL)]
Host = Annotated[str, PlainValidator(_host), _schema(HOST)]
FilePath = Annotated[str, PlainValidator(_path), WithJsonSchema({"type": "string"})]
Secret = Annotated[str, PlainValidator(_secret), WithJsonSchema({"type": "string"})]
Facts = Annotated[list[FactPath], AfterValidator(distinct)]
Events = Annotated[list[Annotated[NoticeEvent, Field(strict=False)]], Field(min_length=1)]
Addresses = Annotated[list[Address], Field(min_length=1), AfterValidator(distinct)]


class RetryDocument(Strict):
    """When there is another attempt, and when no more."""

    first: Duration | None = Field(
        None, description="The wait after the first failure; 5s if left out.", examples=["5s"]
    )
    longest: Duration | None = Field(
        None,
        description="The wait doubles with each failure, up to this; 15m if left out.",
        examples=["15m"],
    )
    attempts: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="After so many it is given up; 50 if left out.", examples=[50]
    )
    within: Duration | None = Field(
        None, description="After so long it is given up; 3d if left out.", examples=["3d"]
    )


class SmtpDocument(Strict):
    """Where mail is handed in."""

    host: Host = Field(description="The server.", examples=["mail.example.com"])
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(
        587, description="Its port.", examples=[587]
    )
    tls: MailTls = Field(
        "starttls",
        description="`starttls`, `implicit` (port 465), or `none`: only with `allow_private`.",
        examples=["starttls"],
    )
    sender: Address = Field(alias="from", description="Who sends.", examples=["remit@example.com"])
    to: Addresses = Field(description="Who is told.", examples=[["desk@example.com"]])
    user: Secret | None = Field(None, description="Who logs in.", examples=["remit"])
    password: Secret | None = Field(
        None,
        description="With which password; better in a file of its own.",
        examples=["correct horse battery staple"],
    )
    password_file: FilePath | None = Field(
        None, description="The file that holds the password.", examples=["smtp.password"]
    )


class ReceiverDocument(Strict):
    """Somebody who is told."""

    id: Name = Field(description="Names the receiver in lists and logs.", examples=["duty-desk"])
    kind: ReceiverKind = Field(
        description="`webhook` (Standard Webhooks), `slack`, `teams` or `email`.",
        examples=["webhook"],
    )
    url: Url | None = Field(
        None, description="Where to post.", examples=["https://hooks.example.com/remit"]
    )
    url_file: FilePath | None = Field(
        None,
        description="The file that holds the URL: Slack's and Teams' are secrets.",
        examples=["slack.url"],
    )
    secret: Secret | None = Field(
        None, description="What a webhook is signed with.", examples=["whsec_…"]
    )
    secret_file: FilePath | None = Field(
        None, description="The file that holds the secret.", examples=["duty-desk.secret"]
    )
    smtp: SmtpDocument | None = Field(
        None,
        description="The server that takes our mail, and who gets it; for `email`.",
        examples=[
            {"host": "mail.example.com", "from": "remit@example.com", "to": ["desk@a.example"]}
        ],
    )
    ca_file: FilePath | None = Field(
        None, description="Certificates to trust instead of the machine's.", examples=["ca.pem"]
    )
    events: Events | None = Field(
        None, description="Told of these; of all if left out.", examples=[["escalation.opened"]]
    )
    sites: Sites | None = Field(
        None, description="Told of these sites; of all if left out.", examples=[["new_york"]]
    )
    roles: Names | None = Field(
        None,
        description="Told of what these roles are to answer; of all if left out.",
        examples=[["duty_manager"]],
    )
    facts: Facts = Field(
        [],
        description="The facts that may go out. None, if left out; personal ones only if named.",
        examples=[["stay.id"]],
    )
    allow_private: bool = Field(
        default=False,
        description="Whether it may be in a private network, and unencrypted.",
        examples=[True],
    )
    timeout: Annotated[Duration, AfterValidator(_timeout)] | None = Field(
        None, description="How long an attempt may take; 10s if left out.", examples=["10s"]
    )
    retry: RetryDocument | None = Field(
        None,
        description="How long it is tried again, and how often.",
        examples=[{"first": "5s", "attempts": 20}],
    )


class ReceiversDocument(Strict):
    """Who is told of what happens to escalations, and how."""

    remit: Literal[1] = Field(1, description="The version of this file.", examples=[1])
    console_url: Url | None = Field(
        None,
        description="Where people open cases; the escalation's id is added to it.",
        examples=["https://remit.example.com/console/escalations/"],
    )
    receivers: list[ReceiverDocument] = Field(
        description="Who is told.",
        examples=[
            [
                {
                    "id": "duty-desk",
                    "kind": "webhook",
                    "url": "https://hooks.example.com/remit",
                    "secret_file": "duty-desk.secret",
                }
            ]
        ],
    )
