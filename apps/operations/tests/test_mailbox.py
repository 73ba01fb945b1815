"""The mailbox of a demo: mails are kept in the tenant's folder and shown to whom they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from pytest_django import Settings

from apps.conftest import Cast
from apps.crm.tests.pages import words
from apps.operations.mailbox.folder import StoredMail, read_mail, read_mails
from apps.tenants.models import Tenant

MAILBOX = "/demo/mailbox/"


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """A demo's settings: mails go to a folder."""
    settings.HAS_MAILBOX = True
    settings.EMAIL_BACKEND = "apps.operations.mailbox.folder.MailFolderBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    return tmp_path / "mail"


def write(to: str, subject: str = "Hello") -> StoredMail:
    message = EmailMultiAlternatives(subject=subject, body="Grüße an <b>Anna</b>", to=[to])
    message.attach_alternative("<p>Grüße</p><script>alert(1)</script>", "text/html")
    message.send()
    return read_mails(to=to)[0]


def test_a_mail_is_kept_in_the_folder_of_its_tenant(
    folder: Path, acme: Tenant, globex: Tenant
) -> None:
    mail = write("rep@acme.test", "Ünïcode")
    assert (mail.to, mail.subject, mail.text.strip()) == (
        "rep@acme.test", "Ünïcode", "Grüße an <b>Anna</b>",
    )  # fmt: skip
    assert [path.name for path in (folder / "acme").iterdir()] == [f"{mail.name}.eml"]
    with globex:
        assert (read_mails(to=None), read_mail(mail.name)) == ([], None)


def test_everybody_reads_their_own_and_managers_all(
    folder: Path, cast: Cast, client_for: Any
) -> None:
    mine, other = write(cast.rep.email, "For Rita"), write(cast.teammate.email, "For Tom")
    rep, manager = client_for(cast.rep), client_for(cast.manager)
    assert [mail.name for mail in rep.get(MAILBOX).context["mails"]] == [mine.name]
    assert {mail.name for mail in manager.get(MAILBOX).context["mails"]} == {mine.name, other.name}
    for end in ("", "html/"):
        assert rep.get(f"{MAILBOX}{mine.name}/{end}").status_code == 200
        assert rep.get(f"{MAILBOX}{other.name}/{end}").status_code == 404
        assert manager.get(f"{MAILBOX}{other.name}/{end}").status_code == 200


def test_a_mail_is_shown_in_a_frame_that_runs_nothing(
    folder: Path, cast: Cast, client_for: Any
) -> None:
    mail = write(cast.rep.email)
    client = client_for(cast.rep)
    page = client.get(f"{MAILBOX}{mail.name}/")
    assert "Grüße an <b>Anna</b>" in words(page)
    assert "&lt;b&gt;Anna" in page.content.decode()
    frame = client.get(f"{MAILBOX}{mail.name}/html/")
    assert "script-src 'none'" in frame.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "name", ["x", "..", "%2e%2e%2fglobex", "20261126T073000Z-" + "0" * 32, "*"]
)
def test_a_name_leads_to_no_other_file(
    name: str, folder: Path, cast: Cast, client_for: Any
) -> None:
    write(cast.rep.email)
    assert client_for(cast.admin).get(f"{MAILBOX}{name}/").status_code == 404


def test_elsewhere_there_is_no_mailbox(
    cast: Cast, client_for: Any, folder: Path, settings: Settings
) -> None:
    mail = write(cast.rep.email)
    settings.HAS_MAILBOX = False
    client = client_for(cast.admin)
    for path in (MAILBOX, f"{MAILBOX}{mail.name}/", f"{MAILBOX}{mail.name}/html/"):
        assert client.get(path).status_code == 404
    assert "Mailbox" not in words(client.get("/"))
