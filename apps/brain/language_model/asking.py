"""Asking a language model: a batch of prompts at once, within timeouts, with the official client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import openai
from openai.types.responses import ResponseInputItemParam, ToolParam
from pydantic import ValidationError

from apps.brain.circuit import FAILURES_TO_OPEN
from apps.brain.clients import async_client
from apps.brain.config import BrainConfig
from apps.brain.enums import CallOutcome
from apps.brain.language_model.prompts import Prompt
from apps.brain.language_model.replies import Reply
from apps.brain.language_model.responses import ProviderResponse
from apps.brain.prices import Usage

# What is not under way when so much time has passed is not asked any more: leases of slots last longer.
BATCH_LASTS_S = 240
_CODES: tuple[tuple[type[openai.OpenAIError], str], ...] = (
    (openai.APITimeoutError, "timeout"),
    (openai.APIConnectionError, "connection"),
    (openai.AuthenticationError, "key_refused"),
    (openai.PermissionDeniedError, "not_permitted"),
    (openai.NotFoundError, "not_found"),
    (openai.RateLimitError, "rate_limited"),
    (openai.BadRequestError, "bad_request"),
    (openai.InternalServerError, "server_error"),
)


@dataclass(slots=True)
class _Run:
    """One batch under way. Prompts are taken in order; none is begun once the provider fails."""

    client: openai.AsyncOpenAI
    config: BrainConfig
    prompts: Sequence[Prompt]
    replies: list[Reply | None]
    following: int = 0
    failures: int = 0

    async def work(self) -> None:
        """Ask one prompt after the other until there is none, or no use in going on."""
        while self.following < len(self.prompts) and self.failures < FAILURES_TO_OPEN:
            place = self.following
            self.following += 1
            reply = await _ask(self.client, self.config, self.prompts[place])
            self.failures = self.failures + 1 if reply.is_failure else 0
            self.replies[place] = reply


def ask(
    prompts: Sequence[Prompt], config: BrainConfig, *, at_once: int, is_trial: bool
) -> list[Reply | None]:
    """Return the replies in the prompts' order; None for one that was not asked.

    ``at_once``: how many are under way at the same time. A trial asks the first alone, and the rest only
    if that went well.
    """
    return asyncio.run(_ask_all(prompts, config, at_once, is_trial))


async def _ask_all(
    prompts: Sequence[Prompt], config: BrainConfig, at_once: int, is_trial: bool
) -> list[Reply | None]:
    timeout = openai.Timeout(
        config.read_timeout_s, connect=config.connect_timeout_s, pool=BATCH_LASTS_S
    )
    async with async_client(
        config.base_url,
        config.api_key,
        is_own_address=config.is_own_address,
        timeout=timeout,
        max_retries=config.most_retries,
    ) as client:
        run = _Run(client, config, prompts, [None] * len(prompts))
        try:
            async with asyncio.timeout(BATCH_LASTS_S):
                if is_trial:
                    run.following = 1
                    run.replies[0] = first = await _ask(client, config, prompts[0])
                    if first.is_failure:
                        return run.replies
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(at_once, len(prompts))):
                        group.create_task(run.work())
        except TimeoutError:
            # What has been answered is kept; what was under way may have been charged for.
            for place in range(run.following):
                run.replies[place] = run.replies[place] or _cut_off(prompts[place])
    return run.replies


def _cut_off(prompt: Prompt) -> Reply:
    return Reply(
        CallOutcome.FAILED,
        _sent(prompt),
        BATCH_LASTS_S * 1000,
        error_code="timeout",
        is_failure=True,
    )


async def _ask(client: openai.AsyncOpenAI, config: BrainConfig, prompt: Prompt) -> Reply:
    began = time.monotonic()
    try:
        raw = await client.responses.with_raw_response.create(
            model=config.model,
            instructions=prompt.instructions,
            input=[
                {"role": "developer", "content": prompt.wishes},
                {"role": "user", "content": prompt.document},
                *cast("list[ResponseInputItemParam]", prompt.turns),
            ],
            text={
                "format": {
                    "type": "json_schema",
                    "name": prompt.name,
                    "schema": prompt.schema,
                    "strict": True,
                }
            },
            tools=cast("list[ToolParam]", prompt.functions) or openai.omit,
            tool_choice=_choice_of(prompt),
            max_output_tokens=prompt.most_tokens_out,
            prompt_cache_key=prompt.stable_hash,
            store=False,
        )
        # Not parsed by the client, which takes any JSON, and a page in HTML, for a response.
        reply = _read(raw.http_response.content, raw.retries_taken, prompt)
    except openai.OpenAIError as error:
        reply = _failed(error, config, prompt)
    except ValidationError:
        reply = Reply(CallOutcome.FAILED, _sent(prompt), 0, error_code="bad_body", is_failure=True)
    return replace(reply, latency_ms=int((time.monotonic() - began) * 1000))


def _choice_of(prompt: Prompt) -> Literal["auto", "none"] | openai.Omit:
    if not prompt.functions:
        return openai.omit
    # The functions are told all the same: what is the same in each turn, the provider has at hand.
    return "none" if prompt.is_last_turn else "auto"


def _read(body: bytes, retries: int, prompt: Prompt) -> Reply:
    response = ProviderResponse.model_validate_json(body)
    parts = response.parts
    usage = response.used or prompt.most_usage
    if response.status == "incomplete":
        return Reply(CallOutcome.UNUSABLE, usage, 0, error_code="incomplete", retries=retries)
    if any(part.type == "refusal" for part in parts):
        return Reply(CallOutcome.REFUSED, usage, 0, error_code="refusal", retries=retries)
    if prompt.functions and (calls := response.calls):
        return Reply(CallOutcome.ANSWERED, usage, 0, calls=calls, retries=retries)
    text = "".join(part.text for part in parts if part.type == "output_text")
    if not text:
        return Reply(CallOutcome.UNUSABLE, usage, 0, error_code="empty", retries=retries)
    return Reply(CallOutcome.ANSWERED, usage, 0, text=text, retries=retries)


def _failed(error: openai.OpenAIError, config: BrainConfig, prompt: Prompt) -> Reply:
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "other")
    # A request that the provider took and did not answer may have been charged for.
    is_charged = isinstance(error, openai.APIConnectionError)
    is_repeated = code in {"timeout", "connection", "rate_limited", "server_error"}
    retries = config.most_retries if is_repeated else 0
    return Reply(
        CallOutcome.FAILED,
        _sent(prompt).times(1 + retries) if is_charged else Usage(0, 0),
        0,
        error_code=code,
        retries=retries,
        is_failure=code != "bad_request",
    )


def _sent(prompt: Prompt) -> Usage:
    return Usage(prompt.most_usage.tokens_in, 0)
