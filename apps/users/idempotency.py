"""Writes that are sent again: under one ``Idempotency-Key`` a write is done once, and answered alike.

A write and its answer are committed in one transaction, under a lock that the database frees with it: there
is no moment at which the one is there without the other, and a process that dies leaves neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.tenants.connections import tenant_connection
from apps.users.exceptions import AnswerNotKeptError, KeyReusedError, WriteInProgressError
from apps.users.models import KeptAnswer, User

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
# A client that has heard nothing for a day asks what has become of it, and does not send it again.
KEPT_FOR = timedelta(hours=24)
MOST_CHARACTERS = 200

_KEY = re.compile(rf"[\x21-\x7e]{{1,{MOST_CHARACTERS}}}")
_KEPT_HEADERS = ("ETag", "Location")


@dataclass(frozen=True, slots=True)
class SentWrite:
    """A write with its key; the hashes tell what was sent where, and not a word of it."""

    user: User
    key_hash: str
    fingerprint: str

    @property
    def lock(self) -> str:
        """The name of the lock that whoever works on it holds."""
        return f"write:{tenant_connection().schema_name}:{self.user.pk}:{self.key_hash}"


def read_write(request: Request, user: User) -> SentWrite | None:
    """The write that a request is; None for one that changes nothing or brings no key.

    Raises:
        ValidationError: the key is none.
        RequestDataTooBig: the body is too large.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method in SAFE_METHODS:
        return None
    if not _KEY.fullmatch(key):
        message = f"1 to {MOST_CHARACTERS} printable ASCII characters without spaces."
        raise ValidationError({HEADER: [message]})
    sent = f"{request.method} {request.get_full_path()}\n".encode() + request._request.body
    return SentWrite(user, key_hash=hash_sent(key.encode()), fingerprint=hash_sent(sent))


def begin_write(write: SentWrite, now: datetime) -> HttpResponse | None:
    """Hold the key for the running transaction, and return what was answered to it before, if anything.

    Raises:
        WriteInProgressError: somebody holds it.
        KeyReusedError: it was sent with something else.
        AnswerNotKeptError: it was done, and the answer is not there any more.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [write.lock])
        if not cursor.fetchone()[0]:
            raise WriteInProgressError()
    mine = KeptAnswer.objects.filter(user=write.user, key_hash=write.key_hash)
    kept = mine.filter(answered_at__gt=now - KEPT_FOR).first()
    if kept is None:
        mine.delete()
        return None
    if kept.fingerprint != write.fingerprint:
        raise KeyReusedError()
    if kept.body is None:
        raise AnswerNotKeptError()
    headers = {**kept.headers, REPLAYED: "true"}
    return HttpResponse(
        kept.body, status=kept.status, content_type="application/json", headers=headers
    )


def end_write(
    write: SentWrite, answer: HttpResponseBase, now: datetime, *, keeps_body: bool
) -> None:
    """Keep the answer of a write that was done. An error has done nothing: the key may be sent again."""
    if not 200 <= answer.status_code < 300:
        return
    body = JSONRenderer().render(answer.data).decode() if isinstance(answer, Response) else ""
    KeptAnswer.objects.create(
        user=write.user,
        key_hash=write.key_hash,
        fingerprint=write.fingerprint,
        status=answer.status_code,
        headers={name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers},
        body=body if keeps_body else None,
        answered_at=now,
    )


def remove_old_answers(now: datetime) -> int:
    """Delete the answers whose day is over, and return how many that were."""
    removed, _ = KeptAnswer.objects.filter(answered_at__lte=now - KEPT_FOR).delete()
    return removed


def hash_sent(sent: bytes) -> str:
    """A keyed hash: without the installation's key nobody can try what it may have been."""
    return str(salted_hmac("apps.users.idempotency", sent, algorithm="sha256").hexdigest())
