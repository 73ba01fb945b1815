"""What the demo holds: counts per tenant, and with which logins to look at it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.conf import settings
from django.db.models import Count

from apps.crm.changelog import record_models
from apps.operations.demo.people import DEMO_PASSWORD
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.triggers.models import Signal
from apps.users.enums import PersonRole
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class TenantReport:
    """Records per kind, firing signals per trigger, waiting suggestions per tool (held-back ones too)."""

    records: dict[str, int]
    signals: dict[str, int]
    suggestions: dict[str, int]


@dataclass(frozen=True, slots=True)
class Login:
    """Where and as whom to sign in."""

    url: str
    username: str
    password: str
    role: str


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Everything that ``setup_demo`` prints."""

    tenants: dict[str, TenantReport]
    seconds: dict[str, float]
    logins: list[Login]

    def as_json(self) -> dict[str, object]:
        """The report as plain values."""
        return asdict(self)


def report_tenant() -> TenantReport:
    """Count what the tenant holds in whose schema the connection stands."""
    signals = Signal.objects.filter(cleared_at=None).values_list("trigger")
    waiting = Suggestion.objects.filter(state=State.PENDING).values_list("tool")
    return TenantReport(
        # The demo's world writes no e-mail drafts: the tool does, when a person approves one.
        records={
            model.kind.value: count
            for model in record_models()
            if (count := model._default_manager.count())
        },
        signals=dict(signals.annotate(count=Count("pk")).order_by("trigger")),
        suggestions=dict(waiting.annotate(count=Count("pk")).order_by("tool")),
    )


def logins_of(host: str) -> list[Login]:
    """A rep with suggestions of as many tools as possible, a manager, and the administrator."""
    rep = (
        User.objects.filter(groups__name=PersonRole.REP.value, is_active=True)
        .annotate(tools=Count("suggestions__tool", distinct=True), waiting=Count("suggestions__pk"))
        .order_by("-tools", "-waiting", "username")
        .first()
    )
    found: list[tuple[User, PersonRole]] = [(rep, PersonRole.REP)] if rep else []
    for role in (PersonRole.MANAGER, PersonRole.ADMIN):
        user = User.objects.filter(groups__name=role.value, is_active=True).order_by("pk").first()
        if user:
            found.append((user, role))
    return [
        Login(address_of(host), user.username, DEMO_PASSWORD, role.value) for user, role in found
    ]


def address_of(host: str) -> str:
    """The address under which the demo's web process answers for a host."""
    return f"http://{host}:{settings.PORT}/"
