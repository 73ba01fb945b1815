"""What a person wishes in free words: a model makes changes of it, each proposed like any other."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.assistant.replies.naming import Named
from apps.assistant.replies.proposals import REVIEW
from apps.assistant.replies.questions import facts_at_hand
from apps.assistant.replies.reply import Reply, Replying, plainly, way_to
from apps.assistant.steps import Proposed, Working
from apps.assistant.turns import AskedBack, Turn
from apps.brain.enums import Mode, Provider
from apps.brain.schemas import Claim, Wish, WishedChange
from apps.brain.services import think
from apps.brain.wishing import Wished
from apps.crm.models import Stage
from apps.execution.schemas import RecordRef
from apps.execution.tools import registry as tools
from apps.suggestions.models import Suggestion
from apps.suggestions.services import askable_tools, propose_change, record_of
from apps.tenants.exceptions import AishaError

HOW_TO_SAY_IT = (
    "Say it like this: “Remind me to call … on Friday”, “Follow up with … next week”,"
    " “Log a call with …: …”."
)
# Facts whose text is what their record is called.
_NAMES = frozenset({"name", "hit", "met", "account", "contact", "parent"})
NOTHING = "I did not understand what is to be proposed."
NOT_FOR_THEM = "I may not propose anything for you: suggestions are off, or not for you to decide."


def as_wished(turn: Turn, asked_back: AskedBack | None = None) -> Replying:
    """Propose what a model makes of the words; where it fails, say why, and how the rules understand it.

    ``asked_back``: the words answer this.
    """
    keys = tuple(tool.key for tool in askable_tools(turn.user))
    if not keys:
        return plainly(NOT_FOR_THEM)
    facts_at_hand(turn)
    yield Working("Asking the language model what to propose")
    wish = Wish(
        turn.words,
        turn.user,
        turn.language,
        turn.today,
        turn.next_working_day,
        keys,
        # Numbered on from what has been looked up for it before.
        tuple(turn.facts),
        dict(Stage.objects.open().values_list("pk", "label")),
        asked_back.wish if asked_back else "",
        asked_back.question if asked_back else "",
    )
    wished = think(wish, Mode.PROPOSE_ACTIONS, actor=turn.actor, now=turn.now, is_waited_for=True)
    if wished.fall_back is not None:
        return plainly(f"I could not put this together: {wished.fall_back.label}.", HOW_TO_SAY_IT)
    turn.take_up(wished.facts)
    if not wished.changes and wished.ask_back is None:
        return plainly(NOTHING, HOW_TO_SAY_IT)
    words = f"{wish.before} — {turn.words}" if wish.before else turn.words
    made = _Made(turn, wished, words)
    for place, change in enumerate(wished.changes, start=1):
        yield Working(f"Writing suggestion {place} of {len(wished.changes)}")
        suggestion = made.propose(change)
        if suggestion is not None:
            yield Proposed(suggestion.pk)
    return made.reply()


@dataclass(slots=True)
class _Made:
    """What has become of the changes so far."""

    turn: Turn
    wished: Wished
    words: str
    claims: list[Claim] = field(default_factory=list)
    refused: list[Claim] = field(default_factory=list)
    suggestions: list[int] = field(default_factory=list)

    def propose(self, change: WishedChange) -> Suggestion | None:
        """Propose a change in the person's words, or note why it is none."""
        turn = self.turn
        try:
            suggestion = propose_change(
                tool=change.tool,
                arguments=change.arguments,
                reason=change.reason,
                words=self.words,
                user=turn.user,
                origin=turn.origin,
                actor=turn.actor,
                now=turn.now,
                brain_call=self.wished.call,
                told_of=self.wished.records,
            )
        except AishaError as error:
            # A model may name a tool by any text: only one that there is is repeated.
            what = f" “{tools.get(change.tool).label}”" if change.tool in tools else ""
            self.refused.append(Claim(f"I could not propose one change{what}: {error.message}", ()))
            return None
        if suggestion.pk not in self.suggestions:
            self.suggestions.append(suggestion.pk)
            name, numbers = self._named(record_of(suggestion))
            self.claims.append(Claim(f"I suggest “{suggestion.title}” for {name}.", numbers))
        return suggestion

    def reply(self) -> Reply:
        """All of it, with what is asked back at its end."""
        claims = [*self.claims]
        if claims:
            claims.append(Claim(REVIEW, ()))
        claims += self.refused
        if self.wished.left_out:
            claims.append(
                Claim(f"Left out: {self.wished.left_out} more; ask for fewer at once.", ())
            )
        if self.wished.ask_back is not None:
            claims.append(self.wished.ask_back)
        return Reply(
            tuple(claims),
            tuple(self.suggestions),
            way_to("suggestions") if self.suggestions else None,
            Provider.OPENAI,
            self.wished.call.pk,
        )

    def _named(self, ref: RecordRef) -> tuple[str, tuple[int, ...]]:
        """What the record is called in the facts, and the fact that names it."""
        for fact in self.turn.facts:
            if fact.record == ref and fact.key in _NAMES:
                return Named(ref, fact).label, (fact.number,)
        return f"this {ref.kind.label.lower()}", ()
