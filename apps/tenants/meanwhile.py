"""What somebody else changed while a form was open: for the pages of settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.forms import BaseForm

FormT = TypeVar("FormT", bound=BaseForm)


@dataclass(frozen=True, slots=True)
class MeanwhileChange:
    """One value that somebody else changed; ``mine`` is empty where nothing was typed."""

    label: str
    theirs: str
    mine: str


@dataclass(frozen=True, slots=True)
class Meanwhile(Generic[FormT]):
    """What somebody else changed while the form was open, and the form to go on with."""

    form: FormT
    changes: tuple[MeanwhileChange, ...]
