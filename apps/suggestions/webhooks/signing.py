"""Signatures after the Standard Webhooks specification (https://www.standardwebhooks.com/)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """A secret as it is shown to the person who sets up the receiver."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def sign(secret: str, *, message_id: str, timestamp_s: int, body: bytes) -> str:
    """The signature of one message: ``v1,`` and HMAC-SHA256 of id, timestamp and body, in base64."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers_of(
    *, message_id: str, timestamp_s: int, body: bytes, signed_with: Iterable[str]
) -> dict[str, str]:
    """The headers of a message; while a secret is being replaced it has a signature by each."""
    signatures = (
        sign(secret, message_id=message_id, timestamp_s=timestamp_s, body=body)
        for secret in signed_with
    )
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }
