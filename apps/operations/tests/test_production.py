"""Production without containers: real workers, hashed static files, no debug page, no weak secret."""

from __future__ import annotations

import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from apps.conftest import owner_connection
from apps.operations.tests.serving import ask, environment_on_test_database, free_port, running
from apps.tenants.grants import apply_grants
from apps.tenants.models import Tenant
from apps.tenants.roles import RUN_TIME_LOGIN
from apps.users.models import ApiToken
from apps.users.tests.factories import UserFactory


@dataclass(frozen=True, slots=True)
class Production:
    """A site in production mode; ``host`` is a tenant's."""

    port: int
    host: str


def production_environment(static_root: Path) -> dict[str, str]:
    return {
        **environment_on_test_database(),
        "AISHA_ENV": "production",
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": ".localhost,localhost",
        "AISHA_HTTPS": "no",
        "STATIC_ROOT": str(static_root),
    }


def manage(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def production(
    committed_tenant: Tenant, django_db_blocker: DjangoDbBlocker, tmp_path: Path
) -> Iterator[Production]:
    environment = production_environment(tmp_path / "static")
    collected = manage(environment, "collectstatic", "--noinput", "--verbosity", "0")
    assert collected.returncode == 0, collected.stderr
    connection.close()
    port = free_port()
    web = ["uvicorn", "aisha.asgi:application", "--port", str(port), "--workers", "2"]
    with running([web], environment, port=port):
        yield Production(port, "race.localhost")


def test_the_site_in_production_mode(production: Production) -> None:
    status, headers, page = ask(production.port, "/sign-in/", host=production.host)
    assert status == 200
    policy = set(headers["content-security-policy"].split("; "))
    assert {"default-src 'self'", "script-src 'self'", "style-src 'self'"} <= policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"

    (stylesheet,) = re.findall(r'href="(/static/css/aisha\.[0-9a-f]{12}\.css)"', page)
    status, headers, _ = ask(
        production.port, stylesheet, host=production.host, headers={"Accept-Encoding": "gzip"}
    )
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert "immutable" in headers["cache-control"]

    assert ask(production.port, "/healthz", host=production.host)[0] == 200
    status, _, page = ask(production.port, "/", host="nobody.localhost")
    assert status == 404
    assert "There is nothing at this address" in page
    assert ask(production.port, "/", host="evil.example")[0] == 404
    status, headers, _ = ask(production.port, "/suggestions/", host=production.host)
    assert (status, headers["location"]) == (302, "/sign-in/?next=/suggestions/")
    status, _, page = ask(production.port, "/nothing/here/", host=production.host)
    assert status == 404
    assert "Traceback" not in page
    assert "urlpatterns" not in page


def test_a_fault_shows_no_debug_page(production: Production) -> None:
    _, key = ApiToken.issue(user=UserFactory(), name="tests", expires_at=None)
    token, session = {"Authorization": f"Token {key}"}, {"Cookie": f"sessionid={'x' * 32}"}
    with owner_connection(), connection.cursor() as cursor:
        for table in ("crm_lead", "django_session"):
            cursor.execute(f"REVOKE SELECT ON race.{table} FROM {RUN_TIME_LOGIN}")
    try:
        for path, sent, kind in (
            ("/api/v1/leads/", token, "application/problem+json"),
            ("/suggestions/", session, "text/html; charset=utf-8"),
        ):
            status, headers, page = ask(production.port, path, host=production.host, headers=sent)
            assert (status, headers["content-type"]) == (500, kind)
            for word in ("Traceback", "crm_lead", "django_session", "psycopg", "DATABASE_URL"):
                assert word not in page
    finally:
        with owner_connection():
            apply_grants("race")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"DJANGO_SECRET_KEY": ""}, "DJANGO_SECRET_KEY"),
        ({"DJANGO_SECRET_KEY": "too-short"}, "50 or more random characters"),
        ({"DJANGO_SECRET_KEY": settings.DEVELOPMENT_SECRET_KEY}, "50 or more random characters"),
        ({"AISHA_SEALING_KEYS": f"{'k' * 32},short"}, "32 or more random characters"),
        ({"DJANGO_DEBUG": "yes"}, "must be off"),
        ({"WEBHOOKS_TO_LOOPBACK": "yes"}, "WEBHOOKS_TO_LOOPBACK must be off"),
        ({"WEBHOOK_KEEP_DAYS": "7"}, "WEBHOOK_KEEP_DAYS is 8 or more"),
        ({"AISHA_ENV": "prod"}, "development, test or production"),
    ],
)
def test_it_refuses_to_start_unsafe(tmp_path: Path, change: dict[str, str], complaint: str) -> None:
    result = manage({**production_environment(tmp_path), **change}, "check")
    assert result.returncode != 0
    assert complaint in result.stderr


def send_body(port: int, path: str, announced: int, sent: int) -> int:
    """Post so many bytes of those announced; return the status of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: race.localhost\r\nContent-Length: {announced}\r\n"
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        caller.sendall(head.encode() + b"x" * sent)
        return int(caller.recv(4096).split()[1])


def test_a_body_that_is_too_large_is_refused_before_it_is_read(production: Production) -> None:
    small, large, huge = 1000, settings.REQUEST_MAX_BYTES + 1, 2 * 1024**3
    assert send_body(production.port, "/sign-in/", small, small) == 403
    assert send_body(production.port, "/sign-in/", large, 0) == 413
    assert send_body(production.port, "/import/", large, large) == 302
    assert send_body(production.port, "/import/", huge, 0) == 413
