"""Handing one message to the mail server, and what is known afterwards."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from smtplib import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPServerDisconnected,
)

from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.validators import validate_email

from apps.suggestions.digest.enums import DigestStatus

UNREACHABLE = "mail_server_unreachable"
LOST = "worker_lost"
# Why a mail is not on its way, by code; the server's own words may hold addresses and are not kept.
MESSAGES = {
    UNREACHABLE: "The mail server does not answer. Nothing was sent.",
    "mail_login_refused": "The mail server refused the login of this installation. Nothing was sent.",
    "address_refused": "The mail server does not take mail for this address. Nothing was sent.",
    "mail_refused": "The mail server refused the mail. Nothing was sent.",
    "header_refused": "The name or address cannot stand in the head of a mail. Nothing was sent.",
    "connection_lost": (
        "The connection broke while the mail was handed over. It may have arrived, so it is not sent"
        " again."
    ),
    LOST: "The worker ended while it was sending. The mail may have arrived, so it is not sent again.",
}
# Trying again would change nothing before somebody mends it.
NEVER_AGAIN = frozenset({"header_refused"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message; ``code`` is empty when the server took it."""

    status: DigestStatus
    code: str = ""


_SENT = Outcome(DigestStatus.SENT)


def deliver(message: EmailMultiAlternatives) -> Outcome:
    """Hand the message over. What breaks after the server was asked to take it is unknown, not failed."""
    if not _can_be_written(message):
        return _failed("header_refused")
    connection = get_connection()
    try:
        connection.open()
    except SMTPAuthenticationError:
        return _failed("mail_login_refused")
    except OSError:
        return _failed(UNREACHABLE)
    try:
        connection.send_messages([message])
    except SMTPRecipientsRefused:
        return _failed("address_refused")
    except SMTPServerDisconnected:
        return Outcome(DigestStatus.UNKNOWN, "connection_lost")
    except SMTPException:
        return _failed("mail_refused")
    except OSError:
        return Outcome(DigestStatus.UNKNOWN, "connection_lost")
    finally:
        # It took the message; how it takes the farewell is no news.
        with suppress(OSError):
            connection.close()
    return _SENT


def _can_be_written(message: EmailMultiAlternatives) -> bool:
    """Whether all headers can stand as they are: Django refuses line ends in them."""
    try:
        for address in message.to:
            validate_email(address)
        message.message()
    except (ValidationError, ValueError):
        return False
    return True


def _failed(code: str) -> Outcome:
    return Outcome(DigestStatus.FAILED, code)
