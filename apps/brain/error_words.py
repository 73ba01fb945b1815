"""What the codes of failed calls mean, in words."""

from __future__ import annotations

_WORDS = {
    "timeout": "no answer in time",
    "connection": "the connection failed or broke off",
    "key_refused": "the key was refused",
    "not_permitted": "the key does not allow it",
    "not_found": "there is no such model or address",
    "rate_limited": "too many questions, or the account is empty",
    "bad_request": "the question was refused as it stood",
    "server_error": "an error of the service",
    "bad_body": "the answer could not be read",
    "other": "another error",
    "refusal": "the model refused to answer",
    "incomplete": "the answer was cut off",
    "empty": "the answer was empty",
    "not_json": "the answer was no JSON",
    "wrong_schema": "the answer had other fields",
    "too_long": "the answer was too long",
}


def describe_error(code: str) -> str:
    """The code in words; one that is no more, as it stands."""
    return _WORDS.get(code, code.replace("_", " "))
