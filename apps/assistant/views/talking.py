"""Conversations on pages and in the drawer: beginning one, saying something, reading, deleting."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.assistant.answering import respond
from apps.assistant.forms import MessageForm, TalkForm
from apps.assistant.models import Conversation, Message
from apps.assistant.presentation import shown
from apps.assistant.replies.questions import EXAMPLES
from apps.assistant.streaming import CONTENT_TYPE, stream_steps
from apps.assistant.threads import (
    conversations_of,
    delete_conversation,
    delete_conversations,
    find_conversation,
    open_conversation,
    past_conversations_of,
    visible_context_of,
)
from apps.assistant.views.access import problem, reads_json, talker_of, telling_scripts
from apps.brain.config import read_config
from apps.brain.enums import Provider
from apps.crm.layouts import LAYOUTS
from apps.execution.schemas import RecordRef
from apps.tenants.pagination import CappedPaginator
from apps.users.models import User

CONVERSATIONS_PER_PAGE = 20
# Who talks on reads what was said last; the rest is in the API.
MESSAGES_SHOWN = 100
UNUSABLE = 422


@require_safe
def show_assistant(request: HttpRequest) -> HttpResponse:
    """A new conversation, beside the person's others."""
    user = talker_of(request)
    return render(request, "assistant/page.html", _page(request, user, None))


@require_safe
@telling_scripts
def show_conversation(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One conversation of the person's."""
    user = talker_of(request)
    conversation = find_conversation(user, pk)
    return render(request, "assistant/page.html", _page(request, user, conversation))


@require_safe
@telling_scripts
def show_panel(request: HttpRequest) -> HttpResponseBase:
    """What the drawer shows: a conversation, or the beginning of one about the record whose page is open."""
    user = talker_of(request)
    asked = request.GET.get("conversation", "")
    mine = conversations_of(user).filter(pk=asked[:18]).first() if asked.isdecimal() else None
    return render(request, "assistant/_panel.html", _panel(user, mine, _record_in(request)))


@require_http_methods(["GET", "HEAD", "POST"])
@telling_scripts
def list_or_begin(request: HttpRequest) -> HttpResponseBase:
    """The person's conversations, searched in; or, sent as a form, the beginning of one."""
    user = talker_of(request)
    if request.method == "POST":
        return _begin(request, user)
    return render(request, "assistant/_history.html", _history(request, user))


@require_POST
@telling_scripts
def say(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Say something: the answer comes as steps, line by line, or as the page where no script asks."""
    user = talker_of(request)
    conversation = find_conversation(user, pk)
    return _answer(request, user, conversation)


@require_safe
@telling_scripts
def show_message(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One message as it stands in its conversation."""
    user = talker_of(request)
    message = get_object_or_404(Message, pk=pk, conversation__person=user)
    return render(request, "assistant/_message.html", {"shown": shown([message], user)[0]})


@require_POST
@telling_scripts
def delete(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Delete one conversation; what it proposed stays."""
    delete_conversation(talker_of(request), pk)
    return _deleted(request, "The conversation is deleted. What it proposed stays in your queue.")


@require_POST
@telling_scripts
def forget_all(request: HttpRequest) -> HttpResponseBase:
    """Delete all of the person's conversations."""
    count = delete_conversations(talker_of(request))
    said = "1 conversation is" if count == 1 else f"{count:,} conversations are"
    return _deleted(request, f"{said} deleted. What they proposed stays in your queue.")


def _begin(request: HttpRequest, user: User) -> HttpResponseBase:
    form = TalkForm(request.POST)
    if not form.is_valid():
        return _unusable(request, form)
    if not reads_json(request) and not MessageForm(request.POST).is_valid():
        # Nothing was said: no empty thread is left behind.
        return _unusable(request, MessageForm(request.POST))
    conversation = open_conversation(user, form.about, timezone.now())
    if reads_json(request):
        return JsonResponse({"conversation": conversation.pk}, status=201)
    return _answer(request, user, conversation)


def _answer(request: HttpRequest, user: User, conversation: Conversation) -> HttpResponseBase:
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _unusable(request, form)
    steps = respond(
        user,
        conversation,
        form.said,
        form.said_by,
        timezone.now(),
        record=form.about,
    )
    if CONTENT_TYPE in request.headers.get("Accept", ""):
        return stream_steps(request, steps)
    for _ in steps:
        # Without a script the answer is read on the page, when it is whole.
        pass
    return redirect("assistant:conversation", conversation.pk)


def _unusable(request: HttpRequest, form: TalkForm) -> HttpResponseBase:
    said = str(next(iter(form.errors.values()))[0])
    if reads_json(request):
        return problem(UNUSABLE, "invalid", said)
    messages.error(request, said)
    return redirect("assistant:assistant")


def _deleted(request: HttpRequest, said: str) -> HttpResponseBase:
    if reads_json(request):
        return JsonResponse({"said": said})
    messages.success(request, said)
    return redirect("assistant:assistant")


def _record_in(request: HttpRequest) -> RecordRef | None:
    form = TalkForm(request.GET)
    return form.about if form.is_valid() else None


def _page(request: HttpRequest, user: User, conversation: Conversation | None) -> dict[str, Any]:
    return {
        "nav_section": "assistant",
        "is_assistant_page": True,
        **_panel(user, conversation, _record_in(request)),
        **_history(request, user),
    }


def _panel(user: User, conversation: Conversation | None, page: RecordRef | None) -> dict[str, Any]:
    config = read_config()
    about = visible_context_of(user, page, conversation)
    rows = []
    if conversation is not None:
        last = conversation.messages.order_by("-id").prefetch_related("suggestions")
        # What was said in a call may be kept after what answers it.
        in_order = sorted(last[:MESSAGES_SHOWN], key=lambda message: (message.said_at, message.pk))
        rows = shown(in_order, user)
    return {
        "conversation": conversation,
        "messages_shown": rows,
        "about": about,
        "about_label": _label_of(about),
        "about_address": about.address if about else "",
        "examples": EXAMPLES,
        "has_model": config.provider != Provider.RULES and not config.lacks(timezone.localdate()),
    }


def _label_of(ref: RecordRef | None) -> str:
    if ref is None:
        return ""
    layout = LAYOUTS[ref.kind]
    row = layout.model._default_manager.filter(pk=ref.id).first()
    return f"{layout.noun.capitalize()} {row}"


def _history(request: HttpRequest, user: User) -> dict[str, Any]:
    text = request.GET.get("q", "")[:200].replace("\0", "")
    pages = CappedPaginator(
        past_conversations_of(user, text), CONVERSATIONS_PER_PAGE, request.GET.get("page")
    )
    return {"page": pages.asked_page(), "search_text": text}
