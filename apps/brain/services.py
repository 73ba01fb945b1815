"""The only door to whoever writes proposals."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from apps.brain import rules
from apps.brain.enums import CallOutcome, Mode, Provider
from apps.brain.exceptions import ModeNotOfferedError
from apps.brain.models import BrainCall
from apps.brain.schemas import Proposal, ThinkTask


@dataclass(frozen=True, slots=True)
class Thought:
    """The Brain's answer to a batch: one proposal or None for each task, and the entry of the call log."""

    proposals: tuple[Proposal | None, ...]
    call: BrainCall


def think(tasks: Sequence[ThinkTask], mode: Mode) -> Thought:
    """Ask for proposals. No transaction may be open: a provider may take seconds to answer.

    The call is returned unsaved; whoever stores the proposals stores it with them.

    Raises:
        ModeNotOfferedError: the provider at hand cannot work in this mode.
    """
    if mode != Mode.PROPOSE_ACTIONS:
        raise ModeNotOfferedError()
    began = time.monotonic()
    proposals = tuple(rules.propose(task) for task in tasks)
    call = BrainCall(
        provider=Provider.RULES,
        mode=mode,
        prompt_version=rules.RULES_VERSION,
        prompt_hash=hashlib.sha256(rules.RULES_VERSION.encode()).hexdigest(),
        tasks_count=len(tasks),
        proposals_count=sum(proposal is not None for proposal in proposals),
        latency_ms=int((time.monotonic() - began) * 1000),
        outcome=CallOutcome.ANSWERED,
    )
    return Thought(proposals, call)


def question_hash(task: ThinkTask) -> str:
    """What would be asked, as a hash: the same for the same task and the same version of the prompt.

    The days are no part of it: a question does not become another one overnight.
    """
    question = asdict(task)
    del question["today"], question["next_working_day"]
    text = json.dumps([rules.RULES_VERSION, question], default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
