"""The form in which a person edits what a change would write, made from the tool's own schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.crm.forms.fields import (
    AmountField,
    DayField,
    MomentField,
    NumberField,
    OwnerField,
    ReferenceField,
)
from apps.crm.models import Record, Stage
from apps.crm.services import visible_records
from apps.execution.custom_fields import definitions_of
from apps.execution.custom_names import ATTRIBUTES, custom_key, flat, nested
from apps.execution.descriptions import Argument, arguments_of, own_argument
from apps.execution.exceptions import (
    ChangeNotPossibleError,
    InvalidArgumentsError,
    ReferenceRefusedError,
)
from apps.execution.schemas import JsonValue
from apps.execution.tools import Tool
from apps.execution.tools.base import FittedArguments, to_json
from apps.execution.tools.fields import OWNER, STAGE
from apps.users.models import User

# A text that may be longer than this gets several lines.
LONGEST_LINE = 300
# The most that any column takes; where a tool takes fewer, it says so.
_MOST_DIGITS = 16


class ArgumentsForm(forms.Form):
    """What a tool would write, one field for each argument that a person may change.

    Which record is meant is not among them. Of an update the fields are those that ``arguments`` gives,
    with what belongs to them; of a creation all. The tool's own schema judges what was typed, and then
    ``Tool.check`` the rows that it names, as it will when the change is applied.

    Arguments that no longer fit, because the tool has changed since, are there to be mended: the form says at
    each field what is wrong before anything is sent, and keeps what fits.

    Raises:
        InvalidArgumentsError: which record is meant can no longer be told.
    """

    def __init__(
        self,
        data: Any = None,
        *,
        tool: Tool[Any],
        arguments: Mapping[str, JsonValue],
        viewer: User,
        **options: Any,
    ) -> None:
        super().__init__(data, **options)
        self.tool, self.viewer = tool, viewer
        fitted, self.given = tool.fit(arguments), flat(arguments)
        every = [*arguments_of(tool), *self._own_fields()]
        self.fitted = FittedArguments(
            flat(fitted.values), (*fitted.problems, *self._undefined(every))
        )
        names = {argument.name for argument in every}
        self.given = {name: value for name, value in self.given.items() if name in names}
        if any(known.is_fixed and known.name not in self.fitted.values for known in every):
            raise InvalidArgumentsError(tool.key, [*self.fitted.problems])
        self.editable = [argument for argument in every if self._is_offered(argument)]
        for argument in self.editable:
            value = self._value_of(argument)
            self.fields[argument.name] = self._field_for(argument, value)
            self.initial[argument.name] = self._initial_of(argument, value)

    def full_clean(self) -> None:
        """Judge what was sent; before anything is, say what no longer fits."""
        super().full_clean()
        if not self.is_bound:
            self.cleaned_data = {}
            self._say_what_no_longer_fits()

    def clean(self) -> dict[str, Any]:
        """Hold what was typed against the tool's schema, and against the rows that it names."""
        if self.errors:
            return self.cleaned_data
        try:
            self.tool.check(self.tool.parse(self.arguments()), self.viewer)
        except InvalidArgumentsError as error:
            for problem in error.extras["problems"]:
                self._add_problem(problem)
        except ReferenceRefusedError as error:
            field = error.extras["field"]
            self.add_error(field if field in self.fields else None, error.message)
        except ChangeNotPossibleError as error:
            self.add_error(None, error.message)
        return self.cleaned_data

    def arguments(self) -> dict[str, JsonValue]:
        """Return the arguments with what was typed; what was left alone stays as it was given."""
        arguments = dict(self.given)
        for argument in self.editable:
            value = self._json_of(argument, self.cleaned_data.get(argument.name))
            if argument.name in self.given and argument.name not in self.fitted.values:
                arguments[argument.name] = value
                continue
            if value == self._json_of(argument, self.initial[argument.name]):
                continue
            if argument.name not in self.given and value == argument.default:
                continue
            arguments[argument.name] = value
        return nested(arguments)

    def _own_fields(self) -> list[Argument]:
        """The company's own fields among the arguments, as they are defined."""
        keys = {key for name in self.given if (key := custom_key(name))}
        kind = str(self.given.get("record_kind"))
        if not keys or kind not in RecordKind.values:
            return []
        defined = definitions_of(RecordKind(kind))
        return [own_argument(field) for key, field in defined.items() if key in keys]

    def _undefined(self, every: Iterable[Argument]) -> Iterator[str]:
        """What stands in the arguments and is no field of the company's any more."""
        names = {argument.name for argument in every}
        for name in self.given:
            if custom_key(name) and name not in names:
                yield f"{name}: There is no such custom field."

    def _is_offered(self, argument: Argument) -> bool:
        if argument.is_fixed or argument.name == ATTRIBUTES:
            return False
        if self.tool.is_creation or argument.name in self.given or argument.is_required:
            return True
        return any(
            argument.name in group and group & self.given.keys() for group in self.tool.together
        )

    def _is_shown(self, argument: Argument) -> bool:
        """Whether there is a value to begin with: in an update a default means nothing."""
        return self.tool.is_creation or argument.name in self.given or argument.is_required

    def _value_of(self, argument: Argument) -> Any:
        """The value to begin with; a text that no longer fits is kept, to be mended."""
        if not self._is_shown(argument):
            return None
        stored = self.given.get(argument.name)
        if argument.name in self.fitted.values:
            return self.fitted.values[argument.name]
        if argument.name not in self.given:
            return argument.default
        is_text = argument.json_type == "string" and not argument.choices
        is_plain = argument.format in ("", "email")
        return stored if is_text and is_plain and isinstance(stored, str) else None

    def _field_for(self, argument: Argument, value: Any) -> forms.Field:
        options: dict[str, Any] = {
            "label": argument.label,
            "help_text": argument.help_text,
            "required": self._is_shown(argument)
            and not (argument.may_be_empty or argument.is_nullable),
        }
        if argument.reference:
            return self._reference_field(argument, value, options)
        if argument.choices:
            blank = () if value is not None else (("", "–"),)
            return forms.TypedChoiceField(
                choices=(*blank, *argument.choices),
                empty_value=None,
                coerce=int if argument.json_type == "integer" else str,
                **options,
            )
        match argument.format, argument.json_type:
            case "date", _:
                return DayField(**options)
            case "date-time", _:
                return MomentField(**options)
            case "decimal", _:
                return AmountField(max_digits=_MOST_DIGITS, decimal_places=2, **options)
            case _, "integer":
                return forms.IntegerField(**options)
            case _, "number":
                return NumberField(**options)
            case _, "boolean":
                return forms.TypedChoiceField(
                    choices=((True, "Yes"), (False, "No")),
                    coerce=lambda text: text == str(True),
                    empty_value=None,
                    **options,
                )
            case _:
                return forms.CharField(
                    max_length=argument.max_length, widget=_text_widget(argument), **options
                )

    def _reference_field(
        self, argument: Argument, value: Any, options: dict[str, Any]
    ) -> forms.Field:
        if argument.reference == OWNER:
            field = OwnerField(
                viewer=self.viewer,
                owner_id=value,
                label=argument.label,
                help_text=argument.help_text,
            )
            field.required = options["required"]
            field.empty_label = "–" if field.required else "Nobody"
            return field
        if argument.reference == STAGE:
            return forms.ModelChoiceField(queryset=Stage.objects.open(), empty_label="–", **options)
        model = model_of(RecordKind(argument.reference))
        held = self._held(model, value)
        return ReferenceField(model=model, viewer=self.viewer, held=held, **options)

    def _held(self, model: type[Record], value: Any) -> Record | None:
        """The record that stands in a field; one that the viewer does not see stands there unnamed."""
        if value is None:
            return None
        found: Record | None = visible_records(self.viewer, model).filter(pk=value).first()
        return found

    def _initial_of(self, argument: Argument, value: Any) -> Any:
        if isinstance(value, datetime):
            # The browser's field knows no seconds.
            return timezone.localtime(value).replace(second=0, microsecond=0)
        if argument.reference and argument.reference not in (OWNER, STAGE):
            return self._held(model_of(RecordKind(argument.reference)), value)
        return value

    def _json_of(self, argument: Argument, value: Any) -> JsonValue:
        if isinstance(value, User | Stage | Record):
            return value.pk
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat()
        if value is None or value == "":
            return None if argument.is_nullable else ""
        if isinstance(value, str):
            # Browsers send line ends of their own; white space around a text is never meant.
            return value.replace("\r\n", "\n").strip()
        if isinstance(value, date | Decimal):
            return to_json(value)
        return value  # type: ignore[no-any-return]

    def _say_what_no_longer_fits(self) -> None:
        if self.fitted.problems:
            self.add_error(
                None,
                "What can be written here has changed since this was suggested."
                " Look at the fields that are marked, and save.",
            )
        names = {argument.name for argument in arguments_of(self.tool)}
        for problem in self.fitted.problems:
            name = problem.partition(":")[0]
            if name in names or name in self.fields or name == "arguments":
                self._add_problem(problem)
            else:
                name = custom_key(name) or name
                self.add_error(None, f"“{_in_words(name)}” is no longer written, and left out.")

    def _add_problem(self, problem: str) -> None:
        name, _, words = problem.partition(": ")
        words = words.removeprefix("Value error, ")
        field = name if name in self.fields else name.partition(".")[0]
        self.add_error(field if field in self.fields else None, f"{words[:1].upper()}{words[1:]}.")


def _in_words(name: str) -> str:
    return name.removesuffix("_id").replace("_", " ").capitalize()


def _text_widget(argument: Argument) -> forms.Widget:
    if argument.format == "email":
        return forms.EmailInput()
    if argument.max_length is None or argument.max_length > LONGEST_LINE:
        return forms.Textarea(attrs={"rows": 8})
    return forms.TextInput()
