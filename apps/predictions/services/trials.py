"""Trials: the product's own estimators on a table of somebody's own, tried in a worker."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.crm.importing.exceptions import FileRefusedError
from apps.crm.importing.uploads import is_stored, open_stored, remove_stored
from apps.predictions.exceptions import (
    ExamplesRefusedError,
    TrialPermissionError,
    TrialsBusyError,
)
from apps.predictions.models import Trial
from apps.predictions.schemas import TrialQuestion, TrialResult
from apps.predictions.services.runs import close_lost_runs
from apps.predictions.trial_uploads import FOLDER, MAX_BYTES, Upload
from apps.tenants.enums import Module
from apps.tenants.services import require_module
from apps.tenants.templatetags.aisha_ui import percent
from apps.tenants.work.runs import Tell, carry_out, request_cancel
from apps.users.models import User

ADD_PERMISSION = "predictions.add_trial"
VIEW_PERMISSION = "predictions.view_trial"

# Of one company's, so that the workers are there for others too.
MOST_AT_ONCE = 2
# What was uploaded holds other people's data: it stays for another question of the same day, the answer for
# as long as somebody may come back to it.
UPLOAD_KEPT = timedelta(days=1)
TRIAL_KEPT = timedelta(days=30)


def request_trial(upload: Upload, question: TrialQuestion, user: User) -> Trial:
    """Write down that a person wants to try their table; the caller sends it to a worker.

    Raises:
        TrialPermissionError: the person's role does not include it.
        ModuleOffError: predictions are switched off.
        TrialsBusyError: too many wait or work already.
    """
    _require_permission(user)
    require_module(Module.PREDICTIONS)
    close_lost_runs(timezone.now())
    if Trial.objects.unfinished().count() >= MOST_AT_ONCE:
        raise TrialsBusyError()
    with transaction.atomic():
        trial = Trial.objects.create(
            file_name=upload.file_name,
            stored_path=upload.stored_path,
            question=question.model_dump(mode="json"),
            requested_by=user,
            queued_at=timezone.now(),
        )
        _record(Event.TRIAL_REQUESTED, trial, user)
    return trial


def stop_trial(trial: Trial, user: User) -> None:
    """Stop a trial that waits or works.

    Raises:
        TrialPermissionError: the person's role does not include it.
        WorkOverError: it is over already.
    """
    _require_permission(user)
    request_cancel(trial)


def delete_trial(trial: Trial, user: User) -> None:
    """Delete a trial, its answer and what was uploaded; a worker that is at it finds nothing to write to.

    Raises:
        TrialPermissionError: the person's role does not include it.
    """
    _require_permission(user)
    with transaction.atomic():
        _record(Event.TRIAL_DELETED, trial, user)
        path, _ = trial.stored_path, trial.delete()
        transaction.on_commit(lambda: _remove_unless_used(path))


def try_out(trial: Trial) -> None:
    """Try the estimators, in a worker, and write down what came of it."""
    carry_out(trial, lambda tell: _act(trial, tell))


def remove_old_trials(now: datetime) -> None:
    """Remove uploads of which nobody asks any more, and answers that nobody has come back to."""
    Trial.objects.filter(queued_at__lt=now - TRIAL_KEPT).delete()
    working = set(Trial.objects.unfinished().values_list("stored_path", flat=True))
    for name in default_storage.listdir(FOLDER)[1] if default_storage.exists(FOLDER) else ():
        path = f"{FOLDER}/{name}"
        if path not in working and default_storage.get_modified_time(path) < now - UPLOAD_KEPT:
            remove_stored(path)


def _act(trial: Trial, tell: Tell) -> str:
    # Numerical libraries are loaded in workers alone.
    from apps.predictions.estimation.evaluating import evaluate
    from apps.predictions.estimation.exports import Question, read_examples
    from apps.predictions.services.card_writing import bins_of

    if not is_stored(trial.stored_path):
        raise ExamplesRefusedError("The uploaded file is not there any more. Upload it again.")
    asked = TrialQuestion.model_validate(trial.question)
    question = Question(asked.label, asked.positive, asked.time, asked.drop)
    try:
        examples = read_examples(open_stored(trial.stored_path), question, max_bytes=MAX_BYTES)
    except FileRefusedError as error:
        raise ExamplesRefusedError(error.message) from error
    evaluation = evaluate(examples, told=tell)
    result = TrialResult.model_validate(
        {**evaluation.to_json(), "calibration": bins_of(evaluation.curve)}
    )
    Trial.objects.filter(pk=trial.pk).update(result=result.model_dump(mode="json"))
    return describe(result)


def describe(result: TrialResult) -> str:
    """What came of a trial, in a sentence."""
    if not result.is_served:
        return "Nothing beats the base rate: no score would be shown."
    return (
        f"{result.rung.label} does better than the base rate on rows that it had not seen: "
        f"{percent(result.gain_0_1)} less log loss."
    )


def _remove_unless_used(path: str) -> None:
    if not Trial.objects.filter(stored_path=path).exists():
        remove_stored(path)


def _require_permission(user: User) -> None:
    if not user.has_perm(ADD_PERMISSION):
        raise TrialPermissionError()


def _record(event: Event, trial: Trial, user: User) -> None:
    record_event(Actor.for_person(user), Entry(event, details={"trial_id": trial.pk}))
