"""What can be asked of the page of learning."""

from __future__ import annotations

from django import forms

from apps.execution.tools import registry as tools
from apps.suggestions.learning.enums import ResetScope
from apps.suggestions.learning.resets import RESET_PERMISSION, Scope
from apps.triggers.rules import registry as triggers
from apps.users.models import User

Choices = list[tuple[str, str]]


class ResetForm(forms.Form):
    """What is to be learned anew, among what the person may reset."""

    target = forms.ChoiceField(label="Learn anew")

    def __init__(self, user: User, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        field = self.fields["target"]
        if isinstance(field, forms.ChoiceField):
            field.choices = _choices(user)


def _choices(user: User) -> list[tuple[str, str | Choices]]:
    mine = Scope(ResetScope.PERSON, person=user)
    if not user.has_perm(RESET_PERMISSION):
        return [(mine.target, "Your own decisions")]
    people = User.objects.order_by("first_name", "last_name", "username")
    of_people = [(Scope(ResetScope.PERSON, person=one).target, str(one)) for one in people]
    of_triggers = [
        (Scope(ResetScope.TRIGGER, one.key).target, str(one.label)) for one in triggers.all()
    ]
    of_tools = [(Scope(ResetScope.TOOL, one.key).target, str(one.label)) for one in tools.all()]
    return [
        (Scope(ResetScope.TENANT).target, "Everything"),
        ("Triggers", of_triggers),
        ("Tools", of_tools),
        ("People", of_people),
    ]
