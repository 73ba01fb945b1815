"""The provider ``openai`` from tasks to proposals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.brain.config import BrainConfig
from apps.brain.enums import CallOutcome, FallBack, Mode
from apps.brain.language_model.calling import Called, call_model
from apps.brain.language_model.prompts import prompt_of
from apps.brain.language_model.replies import UnusableReplyError, proposal_of
from apps.brain.schemas import Proposal, ThinkTask


@dataclass(frozen=True, slots=True)
class Written:
    """What came of asking for one task: the call, its proposal, or why there is none."""

    called: Called
    proposal: Proposal | None
    fall_back: FallBack | None


def propose(
    tasks: Sequence[ThinkTask], config: BrainConfig, *, now: datetime
) -> list[Written | FallBack]:
    """Ask for each task; where it could not be asked, say why."""
    prompts = [prompt_of(task, config.tone, config.language) for task in tasks]
    called = call_model(prompts, config, Mode.PROPOSE_ACTIONS, today=tasks[0].today, now=now)
    return [item if isinstance(item, FallBack) else _written(item) for item in called]


def _written(called: Called) -> Written:
    proposal, call = None, called.call
    if call.outcome == CallOutcome.ANSWERED:
        try:
            proposal = proposal_of(called.reply.text)
            call.proposals_count = 1
        except UnusableReplyError as error:
            call.outcome, call.error_code = CallOutcome.UNUSABLE, error.code
    return Written(called, proposal, FALL_BACKS.get(CallOutcome(call.outcome)))


FALL_BACKS = {
    CallOutcome.FAILED: FallBack.CALL_FAILED,
    CallOutcome.REFUSED: FallBack.REFUSED,
    CallOutcome.UNUSABLE: FallBack.UNUSABLE,
}
