"""The mailbox of a demo: what would have been sent."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.operations.mailbox.folder import StoredMail, read_mail, read_mails
from apps.suggestions.digest.frame import answer_mail
from apps.users.models import User
from apps.users.services import person_of


@never_cache
@require_safe
def list_mails(request: HttpRequest) -> HttpResponse:
    """The person's own mails; everybody's for who sees all records."""
    reader = _reader_of(request)
    mails = read_mails(to=None if reader.sees_all else reader.email)
    context = {"nav_section": "mailbox", "mails": mails, "sees_all": reader.sees_all}
    return render(request, "mailbox/mail_list.html", context)


@never_cache
@require_safe
def show_mail(request: HttpRequest, name: str) -> HttpResponse:
    """One mail: its head, the HTML in a frame, the plain text."""
    context = {"nav_section": "mailbox", "mail": _find(request, name)}
    return render(request, "mailbox/mail_detail.html", context)


@never_cache
@require_safe
def show_html(request: HttpRequest, name: str) -> HttpResponse:
    """The HTML of a mail, for the frame."""
    return answer_mail(_find(request, name).html)


def _reader_of(request: HttpRequest) -> User:
    """The signed-in person; elsewhere than in a demo that keeps its mails there is no such page."""
    if not settings.HAS_MAILBOX:
        raise Http404("There is no mailbox here.")
    return person_of(request)


def _find(request: HttpRequest, name: str) -> StoredMail:
    reader, mail = _reader_of(request), read_mail(name)
    if mail is None or not (reader.sees_all or mail.to == reader.email):
        raise Http404("There is no such mail here.")
    return mail
