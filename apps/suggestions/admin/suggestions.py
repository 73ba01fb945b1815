"""The admin page of suggestions: the same preview and the same decisions as in the queue, and in bulk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.decorators import display as unfold_display

from apps.execution.exceptions import ExecutionError
from apps.execution.schemas import Diff
from apps.suggestions import services
from apps.suggestions.bulk_pages import read_tokens, show_confirmation
from apps.suggestions.enums import MOVES, RejectReason, State, Verdict
from apps.suggestions.exceptions import SuggestionError, SuggestionNotFoundError
from apps.suggestions.forms import RejectForm, SeenForm
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.presentation import diffs_of
from apps.suggestions.querysets import SuggestionQuerySet
from apps.suggestions.services import without_hidden
from apps.suggestions.shown import open_detail, record_shown
from apps.suggestions.views.access import refuse_form
from apps.tenants.admin import (
    NOT_SET,
    ReadOnlyAdmin,
    link_to_list,
    link_to_page,
    link_to_record,
    listed,
)
from apps.tenants.exceptions import AishaError
from apps.tenants.templatetags.aisha_ui import confidence, money
from apps.triggers.models import Signal
from apps.triggers.rules import registry as triggers
from apps.users.models import User
from apps.users.services import person_of

# What can be chosen at once is what one page lists.
ROWS_PER_PAGE = 50

Decide = Callable[[int], Suggestion]


@dataclass(frozen=True, slots=True)
class ChosenItem:
    """One suggestion on the confirmation page; with a ``refusal`` it is shown but left alone."""

    suggestion: Suggestion
    diff: Diff | None
    refusal: str


class SuggestionAdmin(ReadOnlyAdmin):
    """Suggestions: list, preview, approve and reject. All decisions go through the services."""

    actions = ("approve_selected", "reject_selected")
    list_disable_select_all = True
    list_per_page = ROWS_PER_PAGE
    list_display = (
        "title", "record", "assignee", "state_label", "value_text", "urgency", "confidence_text",
        "created_at",
    )  # fmt: skip
    list_filter = ("state", "held_back", "goal", "tool", "urgency", "risk", "origin", "assignee")
    list_select_related = ("assignee",)
    search_fields = ("title", "record_label")
    change_form_outer_before_template = "admin/suggestions/suggestion/_preview.html"
    fieldsets = (
        (
            "Packet",
            {"fields": ("state_label", "goal", "tool", "risk", "record", "assignee", "origin")},
        ),
        (
            "Ranking",
            {"fields": ("value_text", "urgency", "confidence_text", "rank_text", "held_back")},
        ),
        (
            "Times",
            {
                "fields": (
                    "created_at", "refreshed_at", "queued_at", "expires_at", "snoozed_until",
                    "reviewed_at", "reviewed_by", "applied_at", "closed_because",
                )
            },
        ),
        (
            "Story",
            {"fields": ("signal_links", "brain_call", "decision_links", "execution", "other_links")},
        ),
    )  # fmt: skip

    @admin.display(description="Record", ordering="record_label")
    def record(self, suggestion: Suggestion) -> SafeString | str:
        """The way to the record."""
        return link_to_record(suggestion.record_kind, suggestion.record_id, suggestion.record_label)

    @unfold_display(  # type: ignore[untyped-decorator]
        description="State",
        ordering="state",
        label={
            State.PENDING.label: "info",
            State.APPLIED.label: "success",
            State.FAILED.label: "danger",
            State.REJECTED.label: "warning",
        },
    )
    def state_label(self, suggestion: Suggestion) -> str:
        """Where it stands."""
        return suggestion.get_state_display()

    @admin.display(description="At stake", ordering="value_at_stake")
    def value_text(self, suggestion: Suggestion) -> str:
        """The value at stake with its currency."""
        if suggestion.value_at_stake is None:
            return NOT_SET
        return str(money(suggestion.value_at_stake, suggestion.currency))

    @admin.display(description="Confidence", ordering="confidence")
    def confidence_text(self, suggestion: Suggestion) -> str:
        """How often people accept such suggestions, and from how many decisions that is known."""
        return str(confidence(suggestion.confidence, suggestion.confidence_n))

    @admin.display(description="Rank")
    def rank_text(self, suggestion: Suggestion) -> str:
        """The place in the queue, larger first; no more digits than mean anything."""
        return f"{suggestion.rank:.1f}"

    @admin.display(description="Signals")
    def signal_links(self, suggestion: Suggestion) -> SafeString | str:
        """The signals that it rests on."""
        return listed(
            link_to_page("triggers_signal", signal.pk, _signal_text(signal))
            for signal in suggestion.signals.order_by("-fired_at")
        )

    @admin.display(description="Decisions")
    def decision_links(self, suggestion: Suggestion) -> SafeString | str:
        """What people decided on it, the latest first."""
        return listed(
            link_to_page("suggestions_decision", row.pk, _decision_text(row))
            for row in suggestion.decisions.select_related("decided_by")
        )

    @admin.display(description="On record")
    def other_links(self, suggestion: Suggestion) -> SafeString | str:
        """The story as a page, and the log's entries about it."""
        story = reverse("suggestions:story", args=[suggestion.pk])
        return listed(
            (
                format_html('<a class="admin-link" href="{}">The whole story</a>', story),
                link_to_list("audit_auditentry", "Audit log", suggestion_id__exact=suggestion.pk),
            )
        )

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Who may approve and reject."""
        return services.may_decide(person_of(request))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The decisions about one suggestion stand beside its page."""
        name = "suggestions_suggestion"
        routes: list[URLPattern | URLResolver] = [
            path(
                f"<int:row_id>/{verb}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"{name}_{verb}",
            )
            for verb, view in (
                ("approve", self.approve_view),
                ("reject", self.reject_view),
                ("rebase", self.rebase_view),
            )
        ]
        return routes + super().get_urls()

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Suggestion | None:
        """The suggestion, unless it names a record that the person does not see (any more)."""
        found: Suggestion | None = super().get_object(request, object_id, from_field)
        if found is None or not services.sees_records_of(person_of(request), found):
            return None
        return found

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The preview: what would change and why, with the decisions, above the packet's own fields."""
        suggestion = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if suggestion is not None:
            viewer = person_of(request)
            detail = open_detail(suggestion, viewer)
            context |= {
                "suggestion": suggestion,
                "detail": detail,
                "diff": detail.diff,
                "evidence": detail.evidence,
                "can_approve": detail.can_decide
                and State.APPROVED in MOVES[State(suggestion.state)],
                "can_reject": self.has_decide_permission(request)
                and State.REJECTED in MOVES[State(suggestion.state)],
                "reject_reasons": RejectReason.offered_for(suggestion.goal),
            }
        answer: HttpResponse = super().change_view(request, object_id, form_url, context)
        return answer

    def approve_view(self, request: HttpRequest, row_id: int) -> HttpResponse:
        """Apply one suggestion."""
        return self._decide_one(request, row_id, self._approval(request), "Approved")

    def reject_view(self, request: HttpRequest, row_id: int) -> HttpResponse:
        """Close one suggestion, with a reason."""
        return self._decide_one(request, row_id, self._rejection(request), "Rejected")

    def rebase_view(self, request: HttpRequest, row_id: int) -> HttpResponse:
        """Compare the change with the record as it stands now."""

        def decide(pk: int) -> Suggestion:
            return services.rebase(suggestion_id=pk, user=person_of(request), now=timezone.now())

        return self._decide_one(request, row_id, decide, "Brought up to date")

    @admin.action(permissions=["decide"], description="Approve selected suggestions")
    def approve_selected(
        self, request: HttpRequest, queryset: SuggestionQuerySet
    ) -> HttpResponse | None:
        """Show what they come to together; the yes is a bulk approval like that of any page."""
        chosen = queryset.order_by("-rank", "-id").values_list("pk", "refreshed_at")
        person = person_of(request)
        try:
            confirmation = show_confirmation(person, list(chosen))
        except SuggestionError as error:
            messages.error(request, error.message)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Approve these suggestions",
            "opts": self.opts,
            "confirmation": confirmation,
            "items": _chosen_items(_named_in(queryset, confirmation.tokens), person),
        }
        template = "admin/suggestions/suggestion/confirm_bulk.html"
        return TemplateResponse(request, template, context)

    @admin.action(permissions=["decide"], description="Reject selected suggestions")
    def reject_selected(
        self, request: HttpRequest, queryset: SuggestionQuerySet
    ) -> HttpResponse | None:
        """Show them and ask for the reason; when that is confirmed, close them one by one."""
        person = person_of(request)
        items = _chosen_items(queryset, person)
        if "confirmed" in request.POST:
            self._reject_each(request, items, self._rejection(request))
            return None
        record_shown([item.suggestion for item in items if not item.refusal], person)
        context = {
            **self.admin_site.each_context(request),
            "title": "Reject these suggestions",
            "opts": self.opts,
            "items": items,
            "decidable_count": sum(not item.refusal for item in items),
            "reject_reasons": RejectReason.offered_for_all(item.suggestion.goal for item in items),
        }
        template = "admin/suggestions/suggestion/confirm_rejections.html"
        return TemplateResponse(request, template, context)

    def _approval(self, request: HttpRequest) -> Decide:
        form = SeenForm(request.POST)

        def decide(pk: int) -> Suggestion:
            if not form.is_valid():
                refuse_form(person_of(request), pk, Verdict.APPROVE)
            return services.approve(
                suggestion_id=pk,
                user=person_of(request),
                now=timezone.now(),
                seen_at=form.cleaned_data["seen_at"],
            )

        return decide

    def _rejection(self, request: HttpRequest) -> Decide:
        form = RejectForm(request.POST)

        def decide(pk: int) -> Suggestion:
            if not form.is_valid():
                refuse_form(person_of(request), pk, Verdict.REJECT)
            return services.reject(
                suggestion_id=pk,
                user=person_of(request),
                reason=form.cleaned_data["reason"],
                note=form.cleaned_data["note"],
                now=timezone.now(),
            )

        return decide

    def _decide_one(
        self, request: HttpRequest, row_id: int, decide: Decide, said: str
    ) -> HttpResponse:
        try:
            done = decide(row_id)
        except SuggestionNotFoundError as error:
            raise Http404 from error
        except (SuggestionError, ExecutionError) as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"{said}: {done.title}")
        address = reverse("admin:suggestions_suggestion_change", args=[row_id])
        return HttpResponseRedirect(address)

    def _reject_each(self, request: HttpRequest, items: list[ChosenItem], decide: Decide) -> None:
        """Each on its own: what cannot be rejected is named with its reason and stops no other."""
        done = 0
        for item in items:
            try:
                if item.refusal:
                    raise SuggestionError(item.refusal)
                decide(item.suggestion.pk)
            except AishaError as error:
                address = reverse("admin:suggestions_suggestion_change", args=[item.suggestion.pk])
                link = format_html('<a href="{}">{}</a>', address, item.suggestion.title)
                messages.error(request, format_html("{}: {}", link, error.message))
            else:
                done += 1
        level = messages.SUCCESS if done == len(items) else messages.WARNING
        messages.add_message(request, level, f"{done} of {len(items)} rejected.")


def _signal_text(signal: Signal) -> str:
    state = "firing" if signal.is_firing else "cleared"
    return f"{triggers.label(signal.trigger)}, {state}"


def _decision_text(decision: Decision) -> str:
    when = date_format(timezone.localtime(decision.decided_at), "j M Y, H:i")
    return f"{decision.get_verdict_display()} by {decision.decided_by}, {when}"


def _named_in(queryset: SuggestionQuerySet, tokens: str) -> SuggestionQuerySet:
    """Those of the chosen that can be approved together; none where there are no tokens."""
    return queryset.filter(pk__in=[pk for pk, _ in read_tokens([tokens])] if tokens else [])


def _chosen_items(queryset: SuggestionQuerySet, viewer: User) -> list[ChosenItem]:
    """Say what each would have changed, or why it is left alone.

    A constant number of queries but for merges, as for ``diffs_of``.
    """
    rows = queryset.select_related("assignee", "edited_by").order_by("-rank", "-id")
    shown = without_hidden(viewer, rows)
    diffs = diffs_of(shown, viewer)
    return [
        ChosenItem(row, None, f"It is already {State(row.state).label.lower()}.")
        if State.REJECTED not in MOVES[State(row.state)]
        else ChosenItem(row, diffs.get(row.pk), "")
        for row in shown
    ]
