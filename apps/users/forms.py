"""Forms of signing in and of a person's own settings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.forms import PasswordChangeForm
from django.utils import timezone

from apps.users.enums import Scope
from apps.users.models import User

TOKEN_LIFETIMES_DAYS = [(30, "30 days"), (90, "90 days"), (365, "1 year")]


class SignInForm(forms.Form):
    """User name and password."""

    username = forms.CharField(
        label="User name",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class TimeZoneForm(forms.ModelForm):  # type: ignore[type-arg]
    """The zone in which a person sees times."""

    class Meta:
        model = User
        fields = ("time_zone",)

    def __init__(self, *args: Any, company_zone: str, **options: Any) -> None:
        super().__init__(*args, **options)
        zones = [(name, name.replace("_", " ")) for name in sorted(available_timezones())]
        self.fields["time_zone"] = forms.ChoiceField(
            choices=[("", f"The company's ({company_zone})"), *zones], required=False
        )


class OwnPasswordForm(PasswordChangeForm):
    """The present password and a new one, twice."""

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(user, *args, **options)
        # The form stands among others on its page: nothing is to jump to it.
        del self.fields["old_password"].widget.attrs["autofocus"]
        self.fields["old_password"].label = "Present password"
        self.fields[
            "new_password1"
        ].help_text = (
            "At least 10 characters; not a common password, not close to your name or address."
        )
        self.fields["new_password2"].label = "New password again"
        self.fields["new_password2"].help_text = ""


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(max_length=100, help_text="What it is for, such as “Nightly export”.")
    lifetime_days = forms.TypedChoiceField(
        label="Valid for", choices=TOKEN_LIFETIMES_DAYS, coerce=int, initial=90
    )

    scopes = forms.TypedMultipleChoiceField(
        label="It may",
        choices=Scope.choices,
        coerce=Scope,
        initial=[Scope.READ.value],
        widget=forms.CheckboxSelectMultiple,
        help_text="Never more than you may yourself.",
    )

    def expires_at(self) -> datetime:
        """The moment at which the token stops working."""
        return timezone.now() + timedelta(days=self.cleaned_data["lifetime_days"])
