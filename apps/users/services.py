"""Roles of people, kept as groups with permissions."""

from __future__ import annotations

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from apps.users.enums import PersonRole
from apps.users.models import User

RECORD_MODELS = (
    "lead",
    "contact",
    "account",
    "opportunity",
    "activity",
    "task",
    "contract",
    "draft",
)

# Permissions by role, as ``app.codename``. A rep works; a manager sees and steers all; an
# administrator also manages people and settings.
REP_PERMISSIONS = frozenset(
    {f"crm.{verb}_{model}" for verb in ("view", "add", "change") for model in RECORD_MODELS}
    | {"crm.view_product", "crm.view_stage", "crm.view_customfield"}
    | {"suggestions.view_suggestion", "suggestions.decide_suggestion"}
    | {"triggers.view_signal", "triggers.view_scan", "triggers.add_scan"}
    | {"triggers.view_triggersetting"}
    | {
        f"predictions.view_{model}"
        for model in ("score", "trainedmodel", "forecast", "salestarget")
    }
    | {"duplicates.view_pair", "duplicates.change_pair"}
    | {"assistant.add_message", "realtime.add_session"}
)
MANAGER_PERMISSIONS = REP_PERMISSIONS | frozenset(
    {"users.see_all_records", "users.view_user", "users.view_team", "audit.view_auditentry"}
    | {"crm.add_product", "crm.change_product", "crm.view_changelog"}
    | {"crm.add_importrun", "crm.view_importrun", "crm.change_importrun"}
    | {"execution.view_execution", "execution.view_policydecision", "brain.view_braincall"}
    | {"brain.view_brainsettings", "brain.view_budgetmonth"}
    | {"suggestions.view_decision", "suggestions.view_bulkapproval"}
    | {"suggestions.view_learningreset", "suggestions.add_learningreset"}
    | {"suggestions.view_followedoutcome"}
    | {"suggestions.change_digestschedule", "suggestions.view_digestsent"}
    | {"suggestions.view_digestpreference"}
    | {"suggestions.view_discoverylook"}
    | {"triggers.view_reading"}
    | {f"triggers.{verb}_silence" for verb in ("view", "add", "delete")}
    | {"triggers.change_triggersetting", "triggers.add_triggersetting"}
    | {"triggers.view_replayrun", "triggers.add_replayrun"}
    | {"predictions.view_predictionrun", "predictions.add_predictionrun"}
    | {"predictions.change_trainedmodel", "predictions.view_trial", "predictions.add_trial"}
    | {"predictions.add_salestarget", "predictions.change_salestarget"}
    | {"predictions.delete_salestarget"}
    | {"duplicates.view_matcher", "duplicates.view_matchrun", "duplicates.add_matchrun"}
)
ADMIN_PERMISSIONS = MANAGER_PERMISSIONS | frozenset(
    {f"users.{verb}_{model}" for verb in ("add", "change") for model in ("user", "team")}
    | {f"crm.{verb}_customfield" for verb in ("add", "change")}
    | {f"crm.{verb}_stage" for verb in ("add", "change")}
    | {"crm.delete_customfield"}
    | {"brain.change_brainsettings", "brain.view_capturedtext"}
    | {"suggestions.view_webhookendpoint", "suggestions.change_webhookendpoint"}
    | {"suggestions.view_webhookdelivery"}
    | {"duplicates.view_recordkeys", "duplicates.view_matchcursor"}
    | {"realtime.view_realtimesettings", "realtime.change_realtimesettings"}
    | {f"realtime.view_{model}" for model in ("session", "tokenrequest", "toolcall")}
    | {"realtime.view_telemetryevent"}
)
PERMISSIONS: dict[PersonRole, frozenset[str]] = {
    PersonRole.REP: REP_PERMISSIONS,
    PersonRole.MANAGER: MANAGER_PERMISSIONS,
    PersonRole.ADMIN: ADMIN_PERMISSIONS,
}


def ensure_person_roles() -> None:
    """Make the three groups and give each exactly its permissions; safe to run again."""
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0)
    by_name = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.select_related("content_type")
    }
    for role, names in PERMISSIONS.items():
        group, _ = Group.objects.get_or_create(name=role.value)
        group.permissions.set([by_name[name] for name in sorted(names)])


def give_role(user: User, role: PersonRole) -> None:
    """Make this the person's one role. Managers and administrators may enter the admin."""
    user.groups.set([Group.objects.get(name=role.value)])
    user.is_staff = role in {PersonRole.MANAGER, PersonRole.ADMIN}
    user.save(update_fields=["is_staff"])


def check_first_password(username: str, password: str) -> None:
    """Hold a new person's name and password against the rules, before there is a place to store them.

    Raises:
        ValidationError: one of them will not do.
    """
    person = User(username=User.normalize_username(username))
    person.clean_fields(exclude={field.name for field in User._meta.fields} - {"username"})
    validate_password(password, person)


def make_administrator(username: str, password: str) -> User:
    """Make a person who manages people and settings, in the schema that the connection stands in."""
    person = User.objects.create_user(username, password=password)
    give_role(person, PersonRole.ADMIN)
    return person


def person_of(request: HttpRequest) -> User:
    """Return the signed-in person of a request.

    Raises:
        PermissionDenied: nobody is signed in. The middleware lets nobody come this far; a route
            that it does not guard still tells nothing.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied
    # The person and not the proxy that read them on demand: it takes its time over each attribute.
    person: User = getattr(request.user, "_wrapped", request.user)
    return person


def person_with(request: HttpRequest, permission: str, refusal: str = "") -> User:
    """Return the signed-in person of a request, whose role includes a permission.

    Raises:
        PermissionDenied: it does not; ``refusal`` tells them.
    """
    user = person_of(request)
    if not user.has_perm(permission):
        raise PermissionDenied(refusal) if refusal else PermissionDenied
    return user
