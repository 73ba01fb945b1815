"""The two admin sites: a tenant's, for its managers and administrators, and the operator's.

The operator's models live in the public schema and must not show up in a tenant's admin, nor the other way
round, so nothing registers itself with Django's default site: the tables below name every page, its place
in the navigation and its icon. A URL map mounts one site each, both as the namespace ``admin``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, reverse
from django_celery_beat.models import PeriodicTask
from django_tenants.utils import get_public_schema_name
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from apps.audit.admin import AuditEntryAdmin
from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.brain.admin import BrainCallAdmin, BudgetMonthAdmin
from apps.brain.models import BrainCall, BudgetMonth
from apps.brain.settings import VIEW_PERMISSION as VIEW_BRAIN_SETTINGS
from apps.crm.admin import (
    RECORD_ADMINS,
    ChangeLogAdmin,
    CustomFieldAdmin,
    ImportRunAdmin,
    StageAdmin,
)
from apps.crm.models import (
    Account,
    Activity,
    ChangeLog,
    Contact,
    Contract,
    CustomField,
    Draft,
    ImportRun,
    Lead,
    Opportunity,
    Product,
    Stage,
    Task,
)
from apps.dashboard.oversight.reading import VIEW_PERMISSION as VIEW_OVERSIGHT
from apps.duplicates.admin import (
    MatchCursorAdmin,
    MatcherAdmin,
    MatchRunAdmin,
    PairAdmin,
    RecordKeysAdmin,
)
from apps.duplicates.models import MatchCursor, Matcher, MatchRun, Pair, RecordKeys
from apps.execution.admin import PolicyDecisionAdmin
from apps.execution.models import Execution, PolicyDecision
from apps.operations.admin import (
    DomainAdmin,
    OwnModuleAdmin,
    PeriodicTaskAdmin,
    ScheduleAdmin,
    TenantAdmin,
)
from apps.predictions.admin import (
    ForecastAdmin,
    PredictionRunAdmin,
    SalesTargetAdmin,
    ScoreAdmin,
    TrainedModelAdmin,
    TrialAdmin,
)
from apps.predictions.models import (
    Forecast,
    PredictionRun,
    SalesTarget,
    Score,
    TrainedModel,
    Trial,
)
from apps.realtime.admin import (
    SessionAdmin,
    TelemetryEventAdmin,
    TokenRequestAdmin,
    ToolCallAdmin,
)
from apps.realtime.models import Session, TelemetryEvent, TokenRequest, ToolCall
from apps.realtime.watching import SEE_ALL_PERMISSION
from apps.suggestions.admin import (
    BulkApprovalAdmin,
    DecisionAdmin,
    ExecutionStoryAdmin,
    SignalStoryAdmin,
    SuggestionAdmin,
)
from apps.suggestions.digest.admin import DigestPreferenceAdmin, DigestSentAdmin
from apps.suggestions.digest.models import DigestPreference, DigestSent
from apps.suggestions.digest.preferences import CHANGE_PERMISSION as CHANGE_DIGEST_SCHEDULE
from apps.suggestions.discoveries.admin import DiscoveryLookAdmin
from apps.suggestions.learning.admin import FollowedOutcomeAdmin, LearningResetAdmin
from apps.suggestions.models import (
    BulkApproval,
    Decision,
    DiscoveryLook,
    FollowedOutcome,
    LearningReset,
    Suggestion,
)
from apps.suggestions.webhooks.admin import WebhookDeliveryAdmin, WebhookEndpointAdmin
from apps.suggestions.webhooks.models import WebhookDelivery, WebhookEndpoint
from apps.tenants.admin import AdminChange, AishaAdmin
from apps.tenants.models import Domain, ModuleGate, Tenant
from apps.triggers.admin import ScanAdmin, SilenceAdmin, TriggerSettingAdmin
from apps.triggers.models import Reading, Scan, Signal, Silence, TriggerSetting
from apps.triggers.reading.admin import ReadingAdmin
from apps.users import sign_in as signing
from apps.users import views as user_views
from apps.users.admin import OperatorAdmin, PersonAdmin, TeamAdmin
from apps.users.enums import PersonEvent
from apps.users.exceptions import SignInThrottledError
from apps.users.models import Team, User
from apps.users.recorders import report
from apps.users.services import person_of


@dataclass(frozen=True, slots=True)
class Page:
    """One model's pages; ``query`` is what its entry in the navigation opens with."""

    model: type[models.Model]
    admin: type[AishaAdmin]
    title: str
    icon: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of the navigation that leads to a page of the application."""

    route: str
    permission: str
    title: str
    icon: str


@dataclass(frozen=True, slots=True)
class Section:
    """Pages that serve one purpose, and links to pages of the application that do."""

    title: str
    pages: tuple[Page, ...]
    links: tuple[Link, ...] = ()


TENANT_SECTIONS: tuple[Section, ...] = (
    Section(
        "Review",
        (
            Page(Suggestion, SuggestionAdmin, "Suggestions", "checklist", "?state__exact=pending"),
            Page(Decision, DecisionAdmin, "Decisions", "how_to_vote"),
            Page(BulkApproval, BulkApprovalAdmin, "Bulk approvals", "done_all"),
            Page(FollowedOutcome, FollowedOutcomeAdmin, "Outcomes", "query_stats"),
            Page(LearningReset, LearningResetAdmin, "Learning resets", "restart_alt"),
            Page(Execution, ExecutionStoryAdmin, "Executions", "published_with_changes"),
            Page(PolicyDecision, PolicyDecisionAdmin, "Policy decisions", "policy"),
        ),
        links=(Link("dashboard:oversight", VIEW_OVERSIGHT, "Oversight", "supervisor_account"),),
    ),
    Section(
        "Records",
        (
            Page(Lead, RECORD_ADMINS[Lead], "Leads", "person_search"),
            Page(Contact, RECORD_ADMINS[Contact], "Contacts", "contacts"),
            Page(Account, RECORD_ADMINS[Account], "Accounts", "domain"),
            Page(Opportunity, RECORD_ADMINS[Opportunity], "Deals", "handshake"),
            Page(Activity, RECORD_ADMINS[Activity], "Activities", "forum"),
            Page(Task, RECORD_ADMINS[Task], "Tasks", "task_alt"),
            Page(Draft, RECORD_ADMINS[Draft], "E-mail drafts", "drafts"),
            Page(Contract, RECORD_ADMINS[Contract], "Contracts", "contract"),
            Page(Product, RECORD_ADMINS[Product], "Products", "inventory_2"),
            Page(ImportRun, ImportRunAdmin, "Imports", "upload_file"),
        ),
    ),
    Section(
        "Signals",
        (
            Page(Signal, SignalStoryAdmin, "Signals", "sensors", "?cleared_at__isempty=1"),
            Page(Silence, SilenceAdmin, "Silences", "notifications_paused"),
            Page(Scan, ScanAdmin, "Scans", "radar"),
            Page(Reading, ReadingAdmin, "Readings", "menu_book"),
            Page(DiscoveryLook, DiscoveryLookAdmin, "Seen in Discovered", "visibility"),
        ),
    ),
    Section(
        "Predictions",
        (
            Page(Score, ScoreAdmin, "Scores", "speed", "?is_latest__exact=1"),
            Page(TrainedModel, TrainedModelAdmin, "Models", "model_training"),
            Page(PredictionRun, PredictionRunAdmin, "Training and scoring", "cycle"),
            Page(Trial, TrialAdmin, "Trials", "science"),
            Page(Forecast, ForecastAdmin, "Forecasts", "trending_up"),
            Page(SalesTarget, SalesTargetAdmin, "Targets", "flag"),
        ),
    ),
    Section(
        "Duplicates",
        (
            Page(Pair, PairAdmin, "Pairs", "join_inner", "?state__exact=open"),
            Page(MatchRun, MatchRunAdmin, "Looks", "cycle"),
            Page(Matcher, MatcherAdmin, "Matchers", "balance"),
            Page(RecordKeys, RecordKeysAdmin, "Keys", "key"),
            Page(MatchCursor, MatchCursorAdmin, "Read up to", "bookmark"),
        ),
    ),
    Section(
        "Realtime voice",
        (
            Page(Session, SessionAdmin, "Sessions", "call"),
            Page(TokenRequest, TokenRequestAdmin, "Token requests", "vpn_key"),
            Page(ToolCall, ToolCallAdmin, "Tool calls", "handyman"),
            Page(TelemetryEvent, TelemetryEventAdmin, "Telemetry", "monitoring"),
        ),
        links=(Link("realtime:panel", SEE_ALL_PERMISSION, "Debug panel", "troubleshoot"),),
    ),
    Section(
        "People",
        (
            Page(User, PersonAdmin, "People", "person"),
            Page(Team, TeamAdmin, "Teams", "groups"),
        ),
    ),
    Section(
        "Settings",
        (
            Page(TriggerSetting, TriggerSettingAdmin, "Triggers", "tune"),
            Page(Stage, StageAdmin, "Stages", "linear_scale"),
            Page(CustomField, CustomFieldAdmin, "Custom fields", "data_object"),
            Page(ModuleGate, OwnModuleAdmin, "Modules", "extension"),
            Page(PeriodicTask, ScheduleAdmin, "Schedule", "schedule"),
            Page(WebhookEndpoint, WebhookEndpointAdmin, "Webhooks", "webhook"),
            Page(WebhookDelivery, WebhookDeliveryAdmin, "Webhook messages", "outgoing_mail"),
            Page(DigestPreference, DigestPreferenceAdmin, "Digest choices", "unsubscribe"),
            Page(DigestSent, DigestSentAdmin, "Digests sent", "mark_email_read"),
        ),
        links=(
            Link("digest:schedule", CHANGE_DIGEST_SCHEDULE, "Digest schedule", "schedule_send"),
            Link("brain:settings", VIEW_BRAIN_SETTINGS, "Brain", "neurology"),
        ),
    ),
    Section(
        "Audit",
        (
            Page(AuditEntry, AuditEntryAdmin, "Audit log", "history"),
            Page(ChangeLog, ChangeLogAdmin, "Change log", "difference"),
            Page(BrainCall, BrainCallAdmin, "Brain calls", "neurology"),
            Page(BudgetMonth, BudgetMonthAdmin, "Brain budget", "payments"),
        ),
    ),
)
OPERATOR_SECTIONS: tuple[Section, ...] = (
    Section(
        "Tenants",
        (
            Page(Tenant, TenantAdmin, "Tenants", "apartment"),
            Page(Domain, DomainAdmin, "Host names", "language"),
        ),
    ),
    Section("People", (Page(User, OperatorAdmin, "Operators", "shield_person"),)),
    Section("Settings", (Page(PeriodicTask, PeriodicTaskAdmin, "Schedule", "schedule"),)),
    Section("Audit", (Page(AuditEntry, AuditEntryAdmin, "Audit log", "history"),)),
)


class AishaSite(UnfoldAdminSite):  # type: ignore[misc]
    """What both sites share: their own pages alone, navigation by purpose, changes on record."""

    index_title = "Overview"
    # The way out of the admin.
    back_title: ClassVar[str]

    def __init__(self, sections: Iterable[Section]) -> None:
        super().__init__(name="admin")
        self.sections = tuple(sections)
        # In bulk and without a word about what hangs on the rows; pages that may delete do it one by one.
        self.disable_action("delete_selected")
        for section in self.sections:
            for page in section.pages:
                self.register(page.model, page.admin)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Every route but the detour to a row's page by way of content types."""
        urls: list[URLPattern | URLResolver] = super().get_urls()
        return [url for url in urls if getattr(url, "name", "") != "view_on_site"]

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The navigation of a person: the pages they may look at."""
        back = {
            "title": self.back_title,
            "icon": "arrow_back",
            "link": "/",
            "active": False,
            "has_permission": True,
        }
        return [
            {"items": [back]},
            *(
                {
                    "title": section.title,
                    "separator": True,
                    "items": [
                        *(self._nav_item(request, page) for page in section.pages),
                        *(_nav_link(request, link) for link in section.links),
                    ],
                }
                for section in self.sections
            ),
        ]

    def record_change(self, request: HttpRequest, change: AdminChange) -> None:
        """Write a change that was made on an admin page to the audit log of this schema."""
        details = {
            "change": change.verb,
            "model": change.model,
            "id": change.row_id,
            "fields": list(change.fields),
            **change.details,
        }
        entry = Entry(Event.SETTINGS_CHANGED, details=details)
        record_event(Actor.for_person(person_of(request)), entry)

    def _nav_item(self, request: HttpRequest, page: Page) -> dict[str, Any]:
        options = page.model._meta
        link = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
        return {
            "title": page.title,
            "icon": page.icon,
            "link": f"{link}{page.query}",
            "active": request.path.startswith(link),
            "has_permission": self._registry[page.model].has_view_permission(request),
        }


class TenantSite(AishaSite):
    """The admin of one tenant, at its own host name."""

    settings_name = "UNFOLD"
    back_title = "Back to AiSHA"

    def has_permission(self, request: HttpRequest) -> bool:
        """Active managers and administrators, at a tenant's host and nowhere else."""
        return not _is_public(request) and bool(super().has_permission(request))

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The application's sign-in page is the only one; who may not come in here is refused."""
        if not request.user.is_authenticated:
            return redirect_to_login(reverse("admin:index"), reverse("users:sign_in"))
        if not self.has_permission(request):
            raise PermissionDenied("The admin is for managers and administrators.")
        return redirect("admin:index")

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sign out as everywhere in the application."""
        return user_views.sign_out(request)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A person's password is a matter of their own page."""
        return redirect("users:profile")


class OperatorSignInForm(AuthenticationForm):  # type: ignore[misc]
    """The operators' sign-in: throttled and on record, as on the tenants' own page."""

    def clean(self) -> dict[str, Any]:
        """Check the password and sign in."""
        username = self.cleaned_data.get("username")
        password = self.cleaned_data.get("password")
        if username and password:
            try:
                self.user_cache = signing.sign_in(
                    self.request, username=username, password=password
                )
            except SignInThrottledError as error:
                raise ValidationError(error.message, code=error.code) from error
            if self.user_cache is None:
                raise self.get_invalid_login_error()
        return dict(self.cleaned_data)


class OperatorSite(AishaSite):
    """The admin of the installation, at the public host."""

    settings_name = "UNFOLD_OPERATOR"
    back_title = "Front page"
    login_form = OperatorSignInForm

    def has_permission(self, request: HttpRequest) -> bool:
        """Active operators, at the public host and nowhere else."""
        return _is_public(request) and bool(super().has_permission(request))

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sign in and go on to the page that was asked for, else to the first one."""
        if request.method == "POST" and not {"next"} & {*request.POST, *request.GET}:
            # Django would look for the tenants' first page, which this host does not have.
            posted = request.POST.copy()
            posted["next"] = reverse("admin:index")
            request.POST = posted  # type: ignore[assignment]
        answer: HttpResponse = super().login(request, extra_context)
        return answer

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sign out and go to the front page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        signing.sign_out(request)
        return redirect("landing")

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Change one's own password, on record."""
        with transaction.atomic():
            answer: HttpResponse = super().password_change(request, extra_context)
            if request.method == "POST" and isinstance(answer, HttpResponseRedirect):
                details = {"setting": "password"}
                report(PersonEvent.SETTINGS_CHANGED, person_of(request), details)
        return answer


def _nav_link(request: HttpRequest, link: Link) -> dict[str, Any]:
    return {
        "title": link.title,
        "icon": link.icon,
        "link": reverse(link.route),
        "active": False,
        "has_permission": person_of(request).has_perm(link.permission),
    }


def _is_public(request: HttpRequest) -> bool:
    schema: str = request.tenant.schema_name  # type: ignore[attr-defined]
    return bool(schema == get_public_schema_name())


tenant_site = TenantSite(TENANT_SECTIONS)
operator_site = OperatorSite(OPERATOR_SECTIONS)
