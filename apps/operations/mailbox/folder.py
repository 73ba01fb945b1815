"""Mails of a demo, kept in a folder instead of being sent: one file each, a folder for every tenant."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage as StoredMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from apps.tenants.connections import tenant_connection

# The newest are shown; the demo's folder may fill for weeks.
MOST_SHOWN = 100
_SUFFIX = ".eml"
_NAME = re.compile(r"^[0-9TZ]{16}-[0-9a-f]{32}$")


@dataclass(frozen=True, slots=True)
class StoredMail:
    """One mail of the folder; ``name`` is that of its file, without ending."""

    name: str
    written_at: datetime
    to: str
    subject: str
    text: str
    html: str


class MailFolderBackend(BaseEmailBackend):
    """Keeps each mail in the folder of the tenant that sends it."""

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write the files.

        Raises:
            OSError: the folder cannot be written.
        """
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex}"
            partial = folder / f"{name}.partial"
            partial.write_bytes(message.message().as_bytes())
            partial.rename(folder / f"{name}{_SUFFIX}")
        return len(email_messages)


def read_mails(*, to: str | None) -> list[StoredMail]:
    """The tenant's newest mails, the last one first; with ``to``, those to that address."""
    paths = sorted(_folder().glob(f"*{_SUFFIX}"), reverse=True)
    mails = (_read(path) for path in paths)
    found = [mail for mail in mails if to is None or mail.to == to]
    return found[:MOST_SHOWN]


def read_mail(name: str) -> StoredMail | None:
    """One of the tenant's mails; None when there is none of that name."""
    path = _folder() / f"{name}{_SUFFIX}"
    return _read(path) if _NAME.match(name) and path.is_file() else None


def _folder() -> Path:
    return Path(settings.EMAIL_FILE_PATH) / tenant_connection().schema_name


def _read(path: Path) -> StoredMail:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    name = path.name.removesuffix(_SUFFIX)
    return StoredMail(
        name=name,
        written_at=datetime.strptime(name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
        to=str(message["To"]),
        subject=str(message["Subject"]),
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: StoredMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return "" if part is None else str(part.get_content())
