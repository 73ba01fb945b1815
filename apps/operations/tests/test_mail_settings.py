"""How the mail server is named, and what stands in its place where none is."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from aisha.environment import MailServer, parse_email_url
from apps.operations.tests.serving import environment_on_test_database

_ASKED = ("EMAIL_BACKEND", "SENDS_MAIL", "HAS_MAILBOX", "LINK_SCHEME", "LINK_PORT", "EMAIL_USE_TLS")


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.test", MailServer("mail.test", 587, "", "", True, False)),
        ("smtps://a%40b:p%3Aw@mail.test", MailServer("mail.test", 465, "a@b", "p:w", False, True)),
        ("smtp+plain://127.0.0.1:2525", MailServer("127.0.0.1", 2525, "", "", False, False)),
    ],
)
def test_the_address_says_how_the_way_is_encrypted(url: str, server: MailServer) -> None:
    assert parse_email_url(url) == server


@pytest.mark.parametrize(
    "url", ["mail.test", "http://mail.test", "smtp://", "smtp://u:secret@mail.test:x"]
)
def test_what_is_no_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as caught:
        parse_email_url(url)
    assert "secret" not in str(caught.value)


def read_settings(**variables: str) -> dict[str, object]:
    """What a process with these variables reads."""
    code = (
        "import json; from django.conf import settings;"
        f"print(json.dumps({{name: getattr(settings, name) for name in {_ASKED!r}}}))"
    )
    environment = environment_on_test_database() | {"DJANGO_SETTINGS_MODULE": "aisha.settings"}
    environment |= {"DJANGO_SECRET_KEY": secrets.token_urlsafe(64), **variables}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_development_keeps_its_mails_and_production_sends_none_without_a_server(
    django_db_setup: None,
) -> None:
    assert read_settings(AISHA_ENV="development", PORT="9000") == {
        "EMAIL_BACKEND": "apps.operations.mailbox.folder.MailFolderBackend",
        "SENDS_MAIL": True,
        "HAS_MAILBOX": True,
        "LINK_SCHEME": "http",
        "LINK_PORT": 9000,
        "EMAIL_USE_TLS": False,
    }
    assert read_settings(AISHA_ENV="production") == {
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "SENDS_MAIL": False,
        "HAS_MAILBOX": False,
        "LINK_SCHEME": "https",
        "LINK_PORT": 0,
        "EMAIL_USE_TLS": False,
    }
    with_server = read_settings(AISHA_ENV="production", EMAIL_URL="smtp://u:p@mail.test")
    assert (with_server["EMAIL_BACKEND"], with_server["SENDS_MAIL"]) == (
        "django.core.mail.backends.smtp.EmailBackend", True,
    )  # fmt: skip
    assert with_server["EMAIL_USE_TLS"] is True
