"""What is asked: the commonest questions, each by a pattern and, where one word narrows it, a choice."""

from __future__ import annotations

import re
from collections.abc import Mapping

from apps.assistant.rules.heard import Heard, Topic
from apps.assistant.rules.wording import is_said, points_at_page, points_back

Choices = Mapping[str, str]


def _compiled(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_HELP = _compiled(
    r"^(?:help(?: me)?|hilfe|hi|hello|hey|hallo|guten (?:tag|morgen)|good (?:morning|afternoon|evening)"
    r"|thanks|thank you"
    r"|danke|what can (?:you|i) (?:do|ask)(?: you| here| for me)?|was kannst du(?: (?:tun|machen))?|)$"
)
_NAMED: tuple[tuple[Topic, re.Pattern[str]], ...] = (
    (
        Topic.OWNER,
        _compiled(
            r"^(?:(?:and|und) )?(?:who (?:owns|is the owner of|looks after|is responsible for|has)|whose is"
            r"|wem gehört|wer (?:betreut|ist zuständig für|ist verantwortlich für))\s+(?P<name>.+)$"
        ),
    ),
    (
        Topic.ABOUT,
        _compiled(
            r"^(?:tell me (?:more |something |everything )?about|(?:give me )?(?:a "
            r"|an )?(?:short )?(?:summary|overview) of"
            r"|(?:summari[sz]e|sum up|brief me on|recap)|sum|what do (?:we|you) know about"
            r"|what(?:'s| is) (?:the (?:status|state) of|going on with|happening with|new with|up with)"
            r"|who is|erzähle? mir (?:etwas |mehr )?(?:über|von)|was wissen wir über|was ist los mit|wer ist"
            r"|fasse?)\s+(?P<name>.+?)(?: up| for me| zusammen)?$"
        ),
    ),
    (
        Topic.FIND,
        _compiled(
            r"^(?:find|search(?: for)?|look (?:up|for)|where is|suche?(?: nach)?|finde|wo ist"
            r"|show me|zeige? mir)\s+(?P<name>.+)$"
        ),
    ),
)  # fmt: skip
_COUNTED: tuple[tuple[Topic, re.Pattern[str], Choices], ...] = (
    (
        Topic.TO_DO,
        _compiled(
            r"\bwhat (?:should|shall|must|can|do) i (?:do|work on|have to do|need to do|focus on"
            r"|tackle)(?: first| next| today| now)*"
            r"|\bwhat(?:'s| is) (?:next|on my plate|important)(?: today| now)*|\bwhere (?:should|do"
            r"|shall) i (?:start|begin)"
            r"|\bmy (?:day|priorities)\b|\bwhat needs (?:doing|my attention)|\bwhat waits for me"
            r"|\bwas (?:soll|muss|kann|sollte) ich(?: heute| jetzt| als nächstes)*(?: (?:tun|machen"
            r"|erledigen))?"
            r"|\bwomit (?:soll|fange) ich|\bwas steht (?:heute )?an\b|\bwas ist (?:heute )?zu tun"
        ),
        {},
    ),
    (
        Topic.TASKS,
        _compiled(r"\b(?:tasks?|to-?dos?|reminders?|aufgaben?)\b(?: of mine)?"),
        {
            "overdue": r"\b(?:over ?due|late|überfällige?[nr]?)\b",
            "today": r"\b(?:for |due |until )?(?:today|heute)\b(?: due)?",
            "": r"\b(?:open|offene?[nr]?|still)\b",
        },
    ),
    (
        Topic.FORECAST,
        _compiled(r"\b(?:forecasts?|prognosen?)\b|\b(?:will|do|can) we (?:win|close|make|sell)\b"),
        {
            "next_month": r"\b(?:next month|nächsten monat)\b",
            "this_month": r"\b(?:this |the |diese[nrms]* )?(?:month|monat)s?\b",
            "quarter": r"\b(?:this |the |diese[nrms]* )?(?:quarter|quartal)s?\b",
        },
    ),
    (
        Topic.RENEWALS,
        _compiled(
            r"\b(?:renewals?|(?:contracts? )?(?:that )?renew(?:s|ing)?"
            r"|contracts?(?: (?:that )?(?:are )?(?:up for renewal|coming up for renewal|ending|expiring"
            r"|coming up|running out|expire|end))?|verlängerung(?:en)?"
            r"|verträge?(?: laufen(?: bald| demnächst)?)?)\b"
        ),
        {
            "": r"\b(?:ahead|coming(?: up)?|soon|next|up|upcoming|due|demnächst|bald|nächste[nr]?"
            r"|anstehende[nr]?|stehen|laufen|aus)\b"
        },
    ),
    (
        Topic.DISCOVERED,
        _compiled(
            r"\b(?:discover(?:ed|ies)|findings?|hot leads?|heiße[nr]? leads?|(?:stalled|stuck"
            r"|stalling) (?:deals?|opportunities)"
            r"|(?:deals?|opportunities) (?:that )?(?:are |is |have )?(?:stalled|stalling|stuck)"
            r"|leads? (?:that )?(?:are |is )?hot|leads? sind heiß|(?:deals?|geschäfte) stocken"
            r"|(?:stockende|festgefahrene)[nr]? (?:deals?|geschäfte)|churn(?: signals?| risks?)?"
            r"|(?:accounts?|customers?|kunden)"
            r" (?:that )?(?:are |sind )?(?:at risk|gefährdet)|gefährdete[nr]? kunden|missing follow[- ]?ups?"
            r"|fehlende[nr]? nachfassaktionen"
            r"|duplicates?|du(?:b|p)letten|entdeckt|gefunden"
            r"|(?:changed|new|odd|unusual) behaviou?r|what(?: did you| have you|'s| is"
            r"| was)(?: been)? (?:find|found|new))\b"
        ),
        {
            "hot_lead": r"\b(?:hot|heiß(?:e[nr]?)?)\b",
            "stalled_deal": r"\b(?:stalled|stuck|stalling|stocken(?:de[nr]?)?|festgefahrene[nr]?)\b",
            "churn_signal": r"\b(?:churn|risk|gefährdete?[nr]?)\b",
            "missing_followup": r"\b(?:missing|fehlende[nr]?)\b",
            "duplicate": r"\b(?:duplicates?|du(?:b|p)letten)\b",
            "behaviour_change": r"\bbehaviou?r\b",
            "": r"\b(?:today|wurde|lately|recently|this week|hast|du|been|did|heute)\b",
        },
    ),
    (
        Topic.PIPELINE,
        _compiled(r"\bpipeline\b|\bopen (?:deals|opportunities)\b|\boffene[nr]? (?:deals|geschäfte)\b"),
        {},
    ),
)  # fmt: skip
_ALL_TOGETHER = frozenset(
    {
        "everything", "all", "anything", "alle", "alles", "something", "mine", "my",
        "me", "tasks", "deals", "leads", "contacts", "accounts",
    }
)  # fmt: skip


def hear(words: str) -> Heard | None:
    """What is asked; None where no pattern knows it."""
    if _HELP.match(words):
        return Heard(Topic.HELP)
    # “Find the pipeline”, “show me my tasks” are no names; “tell me about the pipeline” is neither.
    for topic, pattern, choices in _COUNTED:
        if found := pattern.search(words):
            heard = _counted(topic, found, choices, words)
            if heard.is_whole or not _named(words):
                return heard
    return _named(words)


def _counted(topic: Topic, found: re.Match[str], choices: Choices, words: str) -> Heard:
    narrowed = [(choice, re.search(p, words, re.IGNORECASE)) for choice, p in choices.items()]
    choice = next((choice for choice, match in narrowed if match and choice), "")
    is_whole = is_said(words, found, *(match for _, match in narrowed))
    return Heard(topic, choice=choice, is_whole=is_whole)


def _named(words: str) -> Heard | None:
    for topic, pattern in _NAMED:
        found = pattern.match(words)
        if found is None or found["name"].casefold() in _ALL_TOGETHER:
            continue
        name = found["name"].strip()
        if topic == Topic.FIND and (points_at_page(name) or points_back(name)):
            topic = Topic.ABOUT
        return Heard(topic, name=name)
    return None
