"""Webhooks as pages: the list, an endpoint, its secret shown once, and what became of its messages."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.audit.exporting import filters_asked, send_table
from apps.suggestions.webhooks import settings as endpoints
from apps.suggestions.webhooks.composing import Sender, body_of
from apps.suggestions.webhooks.exceptions import (
    EndpointChangedError,
    InvalidEndpointError,
    WebhookError,
    WebhookNotFoundError,
    WebhookPermissionError,
)
from apps.suggestions.webhooks.forms import DeliveryFilterSet, EndpointForm
from apps.suggestions.webhooks.models import WebhookDelivery, WebhookEndpoint
from apps.suggestions.webhooks.posting import MESSAGES
from apps.suggestions.webhooks.rules import MOST_ATTEMPTS
from apps.suggestions.webhooks.sending import send_at_once
from apps.tenants.pagination import CappedPaginator
from apps.tenants.services import current_tenant
from apps.users.models import User
from apps.users.services import person_with

ROWS_PER_PAGE = 50
LATEST_SHOWN = 10
EXPORT_CHUNK = 500
HEADER = (
    "Id", "Webhook", "Event", "Suggestion", "Occurred", "State", "Tries", "Last try", "Next try", "Answer",
    "Code",
)  # fmt: skip


@require_safe
def list_endpoints(request: HttpRequest) -> HttpResponse:
    """Who is told of what."""
    _viewer_of(request)
    context = {
        "nav_section": "webhooks",
        "tab": "endpoints",
        "endpoints": WebhookEndpoint.objects.with_counts(),
    }
    return render(request, "webhooks/endpoint_list.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def add_endpoint(request: HttpRequest) -> HttpResponse:
    """A new endpoint; the answer to the form shows its secret, and no page ever again."""
    user = _viewer_of(request)
    if request.method != "POST":
        return _show_form(request, EndpointForm())
    form = EndpointForm(request.POST)
    if not form.is_valid():
        return _show_form(request, form, status=422)
    try:
        made = endpoints.add_endpoint(user=user, now=timezone.now(), **form.values())
    except InvalidEndpointError as error:
        form.refuse(error.problems)
        return _show_form(request, form, status=error.status)
    return _show_secret(request, made)


@require_safe
def show_endpoint(request: HttpRequest, pk: int) -> HttpResponse:
    """An endpoint: how it fares, what can be done with it, and its latest messages."""
    _viewer_of(request)
    endpoint = _find(pk)
    latest = endpoint.deliveries.select_related("endpoint").order_by("-id")[:LATEST_SHOWN]
    context = {
        "nav_section": "webhooks",
        "tab": "",
        "endpoint": endpoint,
        "rows": _explained(latest),
        "most_attempts": MOST_ATTEMPTS,
        "signs_with_two": endpoint.former_secret_until is not None
        and timezone.now() < endpoint.former_secret_until,
    }
    return render(request, "webhooks/endpoint_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def edit_endpoint(request: HttpRequest, pk: int) -> HttpResponse:
    """Its name, address and events; if it changed since it was opened, nothing is written."""
    user, endpoint = _viewer_of(request), _find(pk)
    if request.method != "POST":
        return _show_form(request, EndpointForm.of(endpoint), endpoint)
    form = EndpointForm(request.POST)
    if not form.is_valid():
        return _show_form(request, form, endpoint, status=422)
    try:
        endpoints.change_endpoint(
            user=user,
            endpoint_id=pk,
            values=form.values(),
            revision_read=form.cleaned_data["revision_read"],
        )
    except InvalidEndpointError as error:
        form.refuse(error.problems)
        return _show_form(request, form, endpoint, status=error.status)
    except EndpointChangedError as error:
        messages.error(request, f"{error.message} It is shown as it stands now.")
        present = _find(pk)
        return _show_form(request, EndpointForm.of(present), present, status=409)
    messages.success(request, "Webhook saved.")
    return redirect(endpoint)


@never_cache
@require_POST
def replace_secret(request: HttpRequest, pk: int) -> HttpResponse:
    """A new secret, shown on this answer alone."""
    user = _viewer_of(request)
    made = endpoints.replace_secret(user=user, endpoint_id=pk, now=timezone.now())
    return _show_secret(request, made)


@require_POST
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """On or off, as the button said."""
    is_on = request.POST.get("is_on") == "yes"
    row = endpoints.switch(
        user=_viewer_of(request), endpoint_id=pk, is_on=is_on, now=timezone.now()
    )
    messages.success(
        request,
        "Switched on. It is told of what happens from now on."
        if row.is_enabled
        else "Switched off. What waited is among the messages that were not delivered.",
    )
    return redirect(row)


@require_POST
def remove_endpoint(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an endpoint and its messages away."""
    endpoints.remove_endpoint(user=_viewer_of(request), endpoint_id=pk)
    messages.success(request, "Webhook removed.")
    return redirect("webhooks:endpoint_list")


@require_POST
def send_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a message that says nothing, and tell what the receiver answered."""
    user, now = _viewer_of(request), timezone.now()
    try:
        delivery = endpoints.queue_test(user=user, endpoint_id=pk, now=now)
    except (WebhookNotFoundError, WebhookPermissionError):
        raise
    except WebhookError as error:
        messages.error(request, error.message)
        return redirect("webhooks:endpoint_detail", pk=pk)
    send_at_once(delivery, current_tenant(), now)
    delivery.refresh_from_db()
    if delivery.error_code:
        messages.error(request, f"The test was not delivered. {MESSAGES[delivery.error_code]}")
    else:
        messages.success(request, f"The test was delivered: {delivery.last_status}.")
    return redirect("webhooks:endpoint_detail", pk=pk)


@require_safe
def list_deliveries(request: HttpRequest) -> HttpResponse:
    """What was sent, what waits and what was given up, newest first."""
    _viewer_of(request)
    filter_set = _read_filters(request)
    page = CappedPaginator(filter_set.qs, ROWS_PER_PAGE, request.GET.get("page")).asked_page()
    context = {
        "nav_section": "webhooks",
        "tab": "deliveries",
        "filters": filter_set.form,
        "page": page,
        "rows": _explained(page),
        "most_attempts": MOST_ATTEMPTS,
    }
    return render(request, "webhooks/delivery_list.html", context)


@require_safe
def export_deliveries(request: HttpRequest) -> HttpResponseBase:
    """The list as it is on screen, all pages of it, as a CSV file."""
    user, filter_set = _viewer_of(request), _read_filters(request)
    rows = (
        (
            row.message_id,
            row.endpoint.name,
            row.kind,
            row.suggestion_id,
            row.occurred_at,
            row.get_state_display(),
            row.attempts,
            row.last_attempt_at,
            row.next_attempt_at,
            row.last_status,
            row.error_code,
        )
        for row in filter_set.qs.iterator(chunk_size=EXPORT_CHUNK)
    )
    return send_table(
        request,
        user,
        what="webhook-messages",
        header=HEADER,
        rows=rows,
        filters=filters_asked(filter_set.form),
    )


@require_safe
def show_delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """One message, with what it says."""
    _viewer_of(request)
    delivery = WebhookDelivery.objects.select_related("endpoint").filter(pk=pk).first()
    if delivery is None:
        raise WebhookNotFoundError()
    context = {
        "nav_section": "webhooks",
        "tab": "",
        "delivery": delivery,
        "why": MESSAGES.get(delivery.error_code, ""),
        "body": body_of(delivery, Sender.of(current_tenant())).decode(),
        "most_attempts": MOST_ATTEMPTS,
    }
    return render(request, "webhooks/delivery_detail.html", context)


@require_POST
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a message that was given up."""
    try:
        endpoints.send_again(user=_viewer_of(request), delivery_id=pk, now=timezone.now())
    except (WebhookNotFoundError, WebhookPermissionError):
        raise
    except WebhookError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Queued. It is sent within a minute.")
    return redirect("webhooks:delivery_detail", pk=pk)


@require_POST
def send_all_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue all messages to an endpoint that were given up."""
    try:
        count = endpoints.send_all_again(
            user=_viewer_of(request), endpoint_id=pk, now=timezone.now()
        )
    except (WebhookNotFoundError, WebhookPermissionError):
        raise
    except WebhookError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{count} queued. They are sent within minutes.")
    return redirect("webhooks:endpoint_detail", pk=pk)


def _viewer_of(request: HttpRequest) -> User:
    return person_with(request, endpoints.CHANGE_PERMISSION, "Webhooks are for administrators.")


def _find(pk: int) -> WebhookEndpoint:
    endpoint = WebhookEndpoint.objects.with_counts().filter(pk=pk).first()
    if endpoint is None:
        raise WebhookNotFoundError()
    return endpoint


def _read_filters(request: HttpRequest) -> DeliveryFilterSet:
    rows = WebhookDelivery.objects.select_related("endpoint").order_by("-id")
    return DeliveryFilterSet(request.GET, queryset=rows)


def _explained(rows: Iterable[WebhookDelivery]) -> list[tuple[WebhookDelivery, str]]:
    """Each message with what went wrong at its last attempt, in words."""
    return [(row, MESSAGES.get(row.error_code, "")) for row in rows]


def _show_form(
    request: HttpRequest,
    form: EndpointForm,
    endpoint: WebhookEndpoint | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {"nav_section": "webhooks", "tab": "", "form": form, "endpoint": endpoint}
    return render(request, "webhooks/endpoint_form.html", context, status=status)


def _show_secret(request: HttpRequest, made: endpoints.NewSecret) -> HttpResponse:
    context = {
        "nav_section": "webhooks",
        "tab": "",
        "endpoint": made.endpoint,
        "secret": made.secret,
    }
    return render(request, "webhooks/secret.html", context)
