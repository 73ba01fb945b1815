"""Admin pages of people and teams, and of the operators in the public schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget

from apps.tenants.admin import AishaAdmin
from apps.users.enums import PersonRole
from apps.users.models import Team, User
from apps.users.services import give_role

_NAMES = ("first_name", "last_name", "email")


def _role_field(**options: Any) -> forms.ChoiceField:
    """The one role of a person: it decides what they see and may do."""
    return forms.ChoiceField(
        choices=PersonRole.choices,
        widget=UnfoldAdminSelectWidget(),
        help_text="Managers and administrators see everything and may enter these pages.",
        **options,
    )


class NewPersonForm(UserCreationForm):  # type: ignore[misc]
    """A new person, with their role and a first password."""

    role = _role_field(initial=PersonRole.REP.value)

    class Meta:
        model = User
        fields = ("username",)


class PersonForm(UserChangeForm):  # type: ignore[misc]
    """A person's details and role. The page sets ``editor``: who is editing."""

    editor: ClassVar[User]

    role = _role_field()

    class Meta:
        model = User
        fields = ("username", *_NAMES, "team", "time_zone", "is_active")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "role" in self.fields:
            self.initial["role"] = role_of(self.instance)

    def clean(self) -> dict[str, Any]:
        """Nobody locks themselves out."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk == self.editor.pk:
            _refuse_locking_out(self, cleaned)
        return cleaned


class OperatorForm(UserChangeForm):  # type: ignore[misc]
    """An operator's details. The page sets ``editor``: who is editing."""

    editor: ClassVar[User]

    class Meta:
        model = User
        fields = ("username", *_NAMES, "is_active")

    def clean(self) -> dict[str, Any]:
        """Nobody locks themselves out."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk == self.editor.pk:
            _refuse_locking_out(self, cleaned)
        return cleaned


class NewOperatorForm(UserCreationForm):  # type: ignore[misc]
    """A new operator, with a first password."""

    class Meta:
        model = User
        fields = ("username",)


class AccountAdmin(UserAdmin, AishaAdmin):  # type: ignore[type-arg,misc]
    """What people of a tenant and operators have in common. Accounts are switched off, never deleted."""

    change_password_form = AdminPasswordChangeForm
    filter_horizontal = ()
    search_fields = ("username", *_NAMES)
    ordering = ("first_name", "last_name", "username")

    def get_form(
        self, request: HttpRequest, obj: models.Model | None = None, change: bool = False, **kw: Any
    ) -> type[forms.ModelForm[Any]]:
        """The form, told who is editing."""
        form = super().get_form(request, obj, change=change, **kw)
        return type(form.__name__, (form,), {"editor": request.user})

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Those who may only look get no word about the password."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return [
            (title, {**options, "fields": [f for f in options["fields"] if f != "password"]})
            for title, options in fieldsets
        ]

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """As the role says; a superuser's account is changed by superusers alone."""
        if isinstance(obj, User) and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody: what a person decided keeps their name."""
        return False


class PersonAdmin(AccountAdmin):
    """The people of a tenant."""

    form = PersonForm
    add_form = NewPersonForm
    list_display = ("display_name", "username", "email", "role", "team", "is_active", "last_login")
    list_display_links = ("display_name",)
    list_filter = ("groups", "team", "is_active")
    list_select_related = ("team",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", *_NAMES)}),
        ("Work", {"fields": ("role", "team", "time_zone")}),
        ("Access", {"fields": ("is_active", "password", "last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", *_NAMES)}),
        ("Work", {"fields": ("role", "team", "time_zone")}),
        ("First password", {"fields": ("usable_password", "password1", "password2")}),
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[User]:
        """People with their roles, in two queries."""
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description="Name", ordering="first_name")
    def display_name(self, person: User) -> str:
        """The name as others see it."""
        return person.display_name

    @admin.display(description="Role")
    def role(self, person: User) -> str:
        """The role, read from the groups that were loaded with the list."""
        key = role_of(person)
        return PersonRole(key).label if key else "None"

    def get_readonly_fields(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> tuple[str, ...]:
        """Those who may only look see the role as a text."""
        fields = tuple(super().get_readonly_fields(request, obj))
        if obj is not None and not self.has_change_permission(request, obj):
            return (*fields, "role")
        return fields

    def save_model(
        self, request: HttpRequest, obj: User, form: forms.ModelForm[Any], change: bool
    ) -> None:
        """Store the person and give them the role."""
        super().save_model(request, obj, form, change)
        give_role(obj, PersonRole(form.cleaned_data["role"]))

    def details_of(self, obj: models.Model) -> Mapping[str, Any]:
        """The role goes on record with each change."""
        return {"role": role_of(User.objects.get(pk=obj.pk))}


class OperatorAdmin(AccountAdmin):
    """The operators: they run the installation and belong to no tenant. All of them may do the same."""

    form = OperatorForm
    add_form = NewOperatorForm
    list_display = ("display_name", "username", "email", "is_active", "last_login")
    list_display_links = ("display_name",)
    list_filter = ("is_active",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", *_NAMES)}),
        ("Access", {"fields": ("is_active", "password", "last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", *_NAMES)}),
        ("First password", {"fields": ("usable_password", "password1", "password2")}),
    )

    @admin.display(description="Name", ordering="first_name")
    def display_name(self, person: User) -> str:
        """The name as others see it."""
        return person.display_name

    def save_model(
        self, request: HttpRequest, obj: User, form: forms.ModelForm[Any], change: bool
    ) -> None:
        """Store the account; whoever is made here is an operator."""
        obj.is_staff = obj.is_superuser = True
        super().save_model(request, obj, form, change)


class TeamAdmin(AishaAdmin):
    """Teams: who sees whose records."""

    list_display = ("name", "region", "members_count")
    search_fields = ("name", "region")
    fields = ("name", "region")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Team]:
        """Teams with the number of people who work in them."""
        active = models.Count("members", filter=models.Q(members__is_active=True))
        teams: models.QuerySet[Team] = super().get_queryset(request)
        return teams.annotate(members_count=active)

    @admin.display(description="People", ordering="members_count")
    def members_count(self, team: Team) -> int:
        """How many active people there are in the team."""
        count: int = team.members_count  # type: ignore[attr-defined]
        return count


def role_of(person: User) -> str:
    """Return the person's role, or an empty text for an account without one."""
    names = {group.name for group in person.groups.all()} if person.pk else set()
    return next((role.value for role in PersonRole if role.value in names), "")


def _refuse_locking_out(form: forms.ModelForm[Any], cleaned: Mapping[str, Any]) -> None:
    if not cleaned.get("is_active", True):
        form.add_error("is_active", "You cannot switch off your own account.")
    if "role" in form.fields and cleaned.get("role") != form.initial.get("role"):
        form.add_error("role", ValidationError("Ask another administrator to change your role."))
