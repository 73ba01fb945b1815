"""Admin pages of signals, silences, scans and the settings of triggers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.execution.tools import registry as tools
from apps.tenants.admin import (
    NOT_SET,
    AishaAdmin,
    ReadOnlyAdmin,
    ReadOnlyInline,
    link_to_record,
)
from apps.triggers.fact_words import fact_in_words, is_told
from apps.triggers.forms import judge, parameter_fields, typed_parameters
from apps.triggers.models import ScanTrigger, Signal, Silence, TriggerSetting
from apps.triggers.querysets import SignalQuerySet
from apps.triggers.registry import Trigger
from apps.triggers.rules import registry
from apps.triggers.settings import change_setting, read_setting, show_value
from apps.triggers.tasks import send_scan
from apps.users.services import person_of


class SignalAdmin(ReadOnlyAdmin):
    """What fires, and what fired."""

    needs_sight_of_all = True
    list_display = (
        "trigger_label", "record", "goal", "severity", "fired_at", "is_firing", "inhibitor_label",
    )  # fmt: skip
    list_filter = (
        ("cleared_at", admin.EmptyFieldListFilter), "goal", "record_kind", "severity",
        ("fired_at", admin.DateFieldListFilter),
    )  # fmt: skip
    search_fields = ("trigger", "=record_id")
    search_help_text = "A trigger's key or a record's id"
    fields: ClassVar[tuple[str, ...]] = (
        "trigger_label", "record", "goal", "severity", "saw", "facts", "parameters", "fired_at",
        "refreshed_at", "cleared_at", "inhibitor_label",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Signal]:
        """With what stands above each."""
        signals = cast(SignalQuerySet, super().get_queryset(request))
        return signals.with_inhibitor(registry.inhibitions())

    @admin.display(description="Trigger", ordering="trigger")
    def trigger_label(self, signal: Signal) -> str:
        """The trigger's name."""
        return registry.label(signal.trigger)

    @admin.display(description="Record")
    def record(self, signal: Signal) -> SafeString | str:
        """The way to the record."""
        return link_to_record(signal.record_kind, signal.record_id)

    @admin.display(description="What it saw")
    def saw(self, signal: Signal) -> str:
        """The facts in words."""
        told = {
            name: value
            for name, value in signal.facts.items()
            if is_told(name) and value is not None
        }
        return "; ".join(fact_in_words(name, told[name], _day) for name in sorted(told)) or NOT_SET

    @admin.display(description="Firing", boolean=True)
    def is_firing(self, signal: Signal) -> bool:
        """Whether the condition still held at the last scan."""
        return signal.is_firing

    @admin.display(description="Inhibited by")
    def inhibitor_label(self, signal: Any) -> str:
        """The stronger finding at the same record that stands above it."""
        return registry.label(signal.inhibited_by) if signal.inhibited_by else NOT_SET


def _day(day: date) -> str:
    """A day as the admin writes it, that of a moment in the reader's zone."""
    return date_format(timezone.localtime(day) if isinstance(day, datetime) else day)


class SilenceForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new silence. What is left empty matches everything."""

    trigger = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget())
    tool = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget())

    class Meta:
        model = Silence
        fields = ("record_kind", "record_id", "goal", "trigger", "tool", "until", "reason")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = {
            "trigger": [(trigger.key, trigger.label) for trigger in registry.all()],
            "tool": [(tool.key, tool.label) for tool in tools.all()],
        }
        for name, pairs in choices.items():
            if name in self.fields:
                cast(forms.ChoiceField, self.fields[name]).choices = [("", "Any"), *pairs]

    def clean_until(self) -> Any:
        """A silence that is over silences nothing."""
        until = self.cleaned_data["until"]
        if until <= timezone.now():
            raise ValidationError("Choose a time that lies ahead.")
        return until

    def clean(self) -> dict[str, Any]:
        """A record is named by kind and id."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("record_id") is not None and not cleaned.get("record_kind"):
            self.add_error("record_kind", "Say which kind of record this id is of.")
        return cleaned


class SilenceAdmin(AishaAdmin):
    """“Do not suggest this”: added and lifted, never changed."""

    form = SilenceForm
    list_display = ("scope", "until", "reason", "created_by", "created_at")
    list_filter = ("goal", "record_kind", ("until", admin.DateFieldListFilter))
    list_select_related = ("created_by",)
    search_fields = ("reason", "=record_id")
    readonly_fields = ("created_by", "created_at")
    fieldsets = (
        (
            "What is not to be suggested",
            {
                "fields": ("record_kind", "record_id", "goal", "trigger", "tool"),
                "description": "What is left empty matches everything: with all of it empty, nothing "
                "is suggested to anybody.",
            },
        ),
        ("Until when", {"fields": ("until", "reason")}),
        ("Made by", {"fields": ("created_by", "created_at")}),
    )
    add_fieldsets = fieldsets[:2]

    @admin.display(description="Silence")
    def scope(self, silence: Silence) -> str:
        """What it matches, in words."""
        kind = silence.get_record_kind_display() if silence.record_kind else ""
        parts = [
            f"{kind} {silence.record_id or ''}".strip(),
            silence.get_goal_display() if silence.goal else "",
            registry.label(silence.trigger) if silence.trigger else "",
            silence.tool.replace("_", " "),
        ]
        return " · ".join(part for part in parts if part) or "Everything"

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody: one lifts it and makes another."""
        return False

    def save_model(
        self, request: HttpRequest, obj: Silence, form: forms.ModelForm[Any], change: bool
    ) -> None:
        """Store it with the person who made it."""
        obj.created_by = person_of(request)
        super().save_model(request, obj, form, change)

    def log_addition(self, request: HttpRequest, obj: models.Model, message: list[str]) -> None:
        """A silence has an event of its own."""
        assert isinstance(obj, Silence)  # noqa: S101 - narrows the type
        entry = Entry(
            Event.SILENCE_CREATED,
            record_kind=obj.record_kind,
            record_id=obj.record_id,
            details={"silence_id": obj.pk, **self.details_of(obj)},
        )
        record_event(Actor.for_person(person_of(request)), entry)

    def details_of(self, obj: models.Model) -> Mapping[str, Any]:
        """What it matches."""
        assert isinstance(obj, Silence)  # noqa: S101 - narrows the type
        return {
            "goal": obj.goal,
            "trigger": obj.trigger,
            "tool": obj.tool,
            "until": obj.until.isoformat(),
        }


class ScanTriggerInline(ReadOnlyInline):
    """What each trigger found."""

    model = ScanTrigger
    fields = ("trigger", "matched", "fired", "refreshed", "cleared", "duration_s", "error")
    verbose_name_plural = "results"


class ScanAdmin(ReadOnlyAdmin):
    """The ledger of scans."""

    list_display = (
        "queued_at", "kind", "status", "finished_at", "suggestions_created", "held_back",
        "signals_waiting", "requested_by",
    )  # fmt: skip
    list_filter = ("kind", "status", ("queued_at", admin.DateFieldListFilter))
    list_select_related = ("requested_by",)
    search_fields = ("=id", "error", "requested_by__username", "requested_by__last_name")
    search_help_text = "A scan's number, a word of its error, or who asked for it"
    inlines = (ScanTriggerInline,)

    def view_on_site(self, obj: models.Model) -> str | None:
        """The ledger has a page of its own, which this one stands beside."""
        return None


class TriggerSettingForm(forms.ModelForm):  # type: ignore[type-arg]
    """A trigger's switch and its parameters, each with the bounds that the trigger declares."""

    class Meta:
        model = TriggerSetting
        fields = ("is_enabled",)

    # Set by the page: the trigger that is being set, or None while it is not in the registry.
    trigger_rule: Trigger[Any] | None = None
    revision_read = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["revision_read"] = self.instance.revision

    def clean(self) -> dict[str, Any]:
        """Let the trigger judge its parameters together, and see whether somebody was faster."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.trigger_rule is not None:
            judge(self, self.trigger_rule, cleaned)
        revision = cleaned.get("revision_read")
        if revision is not None and revision != self.instance.revision:
            self.add_error(
                None,
                "Somebody changed this meanwhile. What you typed is below; load the page anew.",
            )
        return cleaned


class NewTriggerSettingForm(forms.ModelForm):  # type: ignore[type-arg]
    """Which trigger to set; its parameters begin with their defaults."""

    trigger = forms.ChoiceField(widget=UnfoldAdminSelectWidget())

    class Meta:
        model = TriggerSetting
        fields = ("trigger",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "trigger" in self.fields:
            taken = set(TriggerSetting.objects.values_list("trigger", flat=True))
            free = [(rule.key, rule.label) for rule in registry.all() if rule.key not in taken]
            cast(forms.ChoiceField, self.fields["trigger"]).choices = free


class TriggerSettingAdmin(AishaAdmin):
    """The tenant's own choice for a trigger. Triggers that are not listed run with their defaults."""

    list_display = ("label", "is_enabled", "parameters_text", "changed_by", "changed_at")
    list_display_links = ("label",)
    list_filter = ("is_enabled", "changed_by")
    list_select_related = ("changed_by",)
    search_fields = ("trigger",)
    search_help_text = "A trigger's key"
    readonly_fields = ("label", "changed_by", "changed_at")

    @admin.display(description="Trigger", ordering="trigger")
    def label(self, setting: TriggerSetting) -> str:
        """The trigger's name."""
        return registry.label(setting.trigger)

    @admin.display(description="Parameters")
    def parameters_text(self, setting: TriggerSetting) -> str:
        """The parameters in one line."""
        rule = _rule_of(setting)
        labels = {parameter.name: parameter.label for parameter in rule.declared} if rule else {}
        pairs = (
            f"{labels.get(name, name)}: {show_value(rule, name, value) if rule else value}"
            for name, value in setting.parameters.items()
        )
        return ", ".join(pairs) or "Defaults"

    def get_form(
        self, request: HttpRequest, obj: models.Model | None = None, change: bool = False, **kw: Any
    ) -> type[forms.ModelForm[Any]]:
        """A form with a field for each parameter of this trigger."""
        if not isinstance(obj, TriggerSetting):
            return NewTriggerSettingForm
        fields = _parameter_fields(obj)
        members = {**fields, "trigger_rule": _rule_of(obj)}
        return type("TriggerSettingForm", (TriggerSettingForm,), members)

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """The switch, the parameters, and who changed them last."""
        if not isinstance(obj, TriggerSetting):
            return [(None, {"fields": ["trigger"]})]
        names, hidden = list(_parameter_fields(obj)), ["revision_read"]
        if not self.has_change_permission(request, obj):
            names, hidden = ["parameters_text"] if names else [], []
        return [
            (None, {"fields": ["label", "is_enabled", *hidden]}),
            *([("Parameters", {"fields": names})] if names else []),
            ("Last change", {"fields": ["changed_by", "changed_at"]}),
        ]

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """As the role says, for triggers that are still in the registry."""
        if isinstance(obj, TriggerSetting) and _rule_of(obj) is None:
            return False
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody: a setting goes back to its defaults by typing them."""
        return False

    def save_model(
        self, request: HttpRequest, obj: TriggerSetting, form: Any, change: bool
    ) -> None:
        """Change it as the page and the API do: on record, with a scan after it."""
        if not change:
            # Nothing is set yet: the row makes place for the form.
            super().save_model(request, obj, form, change)
            return
        done = change_setting(
            user=person_of(request),
            key=obj.trigger,
            now=timezone.now(),
            is_enabled=form.cleaned_data["is_enabled"],
            parameters=typed_parameters(form.cleaned_data),
            revision_read=form.cleaned_data["revision_read"],
        )
        if done.scan is not None:
            send_scan(done.scan)

    def response_add(
        self, request: HttpRequest, obj: TriggerSetting, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Go on to the parameters of the trigger that was chosen."""
        return HttpResponseRedirect(reverse("admin:triggers_triggersetting_change", args=[obj.pk]))

    def log_addition(self, request: HttpRequest, obj: models.Model, message: list[str]) -> None:
        """Nothing: with its defaults a trigger runs as it did."""

    def log_change(self, request: HttpRequest, obj: models.Model, message: list[str]) -> None:
        """Put on record by ``save_model``, with the values."""


def _rule_of(setting: TriggerSetting) -> Trigger[Any] | None:
    """The trigger that is set, or None when it is no longer in the registry."""
    return next((rule for rule in registry.all() if rule.key == setting.trigger), None)


def _parameter_fields(setting: TriggerSetting) -> dict[str, forms.Field]:
    if _rule_of(setting) is None:
        return {}
    in_force = read_setting(setting.trigger)
    return parameter_fields(
        in_force.trigger,
        in_force.choice.parameters,
        number=UnfoldAdminIntegerFieldWidget,
        switch=UnfoldBooleanSwitchWidget,
    )
