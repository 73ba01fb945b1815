"""A real mail server on a free port of this machine, with ways to misbehave."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from threading import Event
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pytest_django import Settings

from apps.operations.tests.serving import free_port


@dataclass
class Inbox:
    """What the server has taken, and how it answers; an empty answer takes a mail and breaks off."""

    url: str
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    recipient_answer: str = "250 OK"
    answer: str = "250 OK"
    #: Set when a mail has been taken, and while the server may say so.
    has_taken: Event = field(default_factory=Event)
    may_answer: Event = field(default_factory=Event)

    @property
    def mail(self) -> EmailMessage:
        (only,) = self.mails
        return only

    def part(self, kind: str) -> str:
        """The plain or html text of the only mail."""
        body = self.mail.get_body((kind,))
        assert body is not None
        return str(body.get_content())


class _Handler:
    """What the server asks at each step; aiosmtpd names the methods."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        if self._inbox.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self._inbox.recipient_answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        inbox = self._inbox
        assert isinstance(envelope.content, bytes)
        if inbox.answer.startswith("5"):
            return inbox.answer
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        inbox.mails.append(message)
        inbox.recipients += envelope.rcpt_tos
        inbox.has_taken.set()
        await asyncio.to_thread(inbox.may_answer.wait)
        if inbox.answer == "":
            # Taken, and gone before it could say so.
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return inbox.answer


@contextmanager
def mail_server(settings: Settings) -> Iterator[Inbox]:
    """Serve, and let Django hand its mails over there."""
    port = free_port()
    inbox = Inbox(url=f"smtp+plain://127.0.0.1:{port}")
    inbox.may_answer.set()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    controller = Controller(_Handler(inbox), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield inbox
    finally:
        inbox.may_answer.set()
        controller.stop()
