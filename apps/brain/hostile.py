"""Whether a text of the CRM reads like instructions to an AI: what is kept from a language model.

This is one fence of several. It keeps known tricks out of prompts and puts them on record; what gets past it
is quoted data to the model, and the model's answer is held against the facts. A text that is taken for
instructions loses little: the built-in rules and people see it as it is.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

from apps.brain.hostile_words import ENGLISH, EVERYTHING, LATIN, OTHERS, Orders
from apps.brain.spellings import decoded, folded, hides_signs, respelled

ORDERS = "orders"
ROLE_MARKS = "role_marks"
TOOL_CALL = "tool_call"
APPROVAL = "approval"
TO_AN_AI = "to_an_ai"
MARKUP = "markup"
HIDDEN_SIGNS = "hidden_signs"
ENCODED = "encoded"

# Of a long text, so many characters from its beginning and from its end are read.
LOOKED_AT = 20_000
# How far from its verb the rest of an order may stand.
_NEAR = 60

_ACTS = (
    r"create|update|delete|remove|merge|draft|log|send|apply|approve|execute|export|drop|transfer"
    r"|purge|grant"
    r"|pay|reassign|assign|convert|close|set|get|list|call|run"
)
_THINGS = (
    r"lead|contact|account|opportunit(?:y|ies)|deal|task|activit(?:y|ies)|follow_?up|e?mail"
    r"|record|duplicate"
    r"|suggestion|proposal|change|user|owner|payment|tool|function|all|everything|database|customer"
)
_TOOL_CALL = re.compile(
    rf"\b(?:{_ACTS})_(?:\w+_)?(?:{_THINGS})s?(?:_\w+)?\b(?!\.\w{{2,4}}\b)"
    rf"|\b(?:{_ACTS})(?:{_THINGS})s?\("
    r"|\b(?:function|tool)_(?:call|use|choice|calls)\b"
    r"|[\"'](?:tool|tools|tool_calls?|arguments|function_call)[\"']\s*:"
    r"|\b(?:owner|doer|subject|about|record|opportunity)_id\b\W{0,5}(?:to\s+)?\d"
)
_ROLE_MARKS = re.compile(
    r"<\|?\s*/?(?:im_start|im_end|system|assistant|endoftext|begin_of_text|start_header_id"
    r"|eot_id|sys)\b"
    r"|<<sys>>|\[/?inst\]|\[/(?:system|assistant|sys)\]|</?(?:tool_call|instructions?|prompt)>"
    r"|[\"']role[\"']\s*:\s*[\"'](?:system|assistant|developer|user|tool|function)"
    r"|#{2,}\s*(?:system|instructions?|assistant|developer)\b"
    r"|^\W*(?:system|developer)(?: (?:message|prompt|notice|override|instructions?))?\s*[:>\]].{0,80}?"
    r"\b(?:you|your|ignor\w*|must|approv\w*|propos\w*|tool|instruction\w*|polic\w+|disabled|set|mode)\b"
    r"|^\W*system (?:prompt|override|instructions?)\b"
    r"|\b(?:begin|end|new) (?:of )?(?:the )?system (?:prompt|message|instructions?)"
    r"|^\W*(?:systemnachricht|systemanweisung|message (?:du )?systeme|mensaje del sistema"
    r"|messaggio di sistema"
    r"|mensagem do sistema|systeembericht|komunikat systemowy|системное сообщение|sistem mesaji"
    r"|رسالة النظام"
    r"|הודעת מערכת|सिस्टम संदेश|系统消息|系統消息|システムメッセージ|시스템 메시지|系统提示)\s*[:\]]"
    r"|</(?:user|facts|document|data|context|untrusted\w*)>|<(?:assistant|developer)>"
    r"|\[(?:admin|system|security|developer)[ _-](?:override|prompt|mode|instructions?)[^\]]{0,30}\]"
    r"|\[from: (?:system|admin)\]"
    r"|\b(?:begin|end) (?:of )?(?:admin|system|developer|hidden|secret) (?:instructions?|prompt"
    r"|input|message)"
    r"|\bend of (?:facts|data|text|document|input|context)\b.{0,40}\binstructions?\b"
    r"|[\"'][\]}]+\s*,\s*\{\s*[\"'](?:number|label|text|role|tool|facts)[\"']"
    r"|^\W*assistant:\s*(?:sure|ok\b|certainly|of course|i (?:will|have)|\{)"
    r"|^\W*user:\s*(?:please )?(?:approve|ignore)\b"
    r"|^\W*human:.{0,500}^\W*assistant:",
    re.MULTILINE | re.DOTALL,
)
_TO_AN_AI = re.compile(
    r"\b(?:note|message|attention|memo|hint|reminder|instructions?) (?:to|for) (?:the |any |all |our )?"
    r"(?:ai|llm|gpt|language model|chatbot|assistant model|ai assistant|ai agent|model)s?\b\s*[:,.!-]"
    r"|\b(?:dear|attention|hey|hello) (?:ai|llm|chatgpt|gpt|language model|ai assistant)\b"
    r"|\b(?:ai|llm|gpt|chatgpt|copilot|language model)s?[:,]\s*(?:please |you |ignore|set|do"
    r"|approve|write|say"
    r"|act|update|create|delete|send|mark|always|never|if|when)"
    r"|\bif you(?: are|['’]re)? (?:(?:an? )?(?:ai|llm|language model|chatbot|automated assistant)\b"
    r"|(?:process|read|summari[sz]e) this (?:text )?(?:as|with) (?:an? )?(?:ai|model))"
    r"|\byou are (?:now |no longer )?(?:an? |the |in )?(?:ai|chatgpt|gpt|llm|language model|dan"
    r"|jailbroken"
    r"|unrestricted|(?:developer|maintenance|debug|god|admin) mode|root)\b"
    r"|\bas an ai(?: language model| assistant)?,? you\b"
    r"|\bsystem prompt\b.{0,30}\b(?:says?|now|end|ends|ignore|you|follows)\b"
    r"|\b(?:developer|god|jailbreak) mode (?:is )?(?:now )?(?:on|enabled|activated)\b"
    r"|\bset (?:the |your )?(?:model )?confidence (?:to|=)"
    r"|\b(?:language model|ai|llm) (?:must|shall|should) (?:now |always |never )?(?:ignore"
    r"|propose|approve|obey"
    r"|follow|set|write|say)\b"
    r"|\byou are now .{0,40}\b(?:no|without(?: any)?) (?:restrictions|limits|rules|filters)\b"
    r"|\b(?:enable|enter|activate|switch to) (?:dan|developer|jailbreak|god"
    r"|debug) mode\b(?! (?:of|in|on)\b)"
    r"|\bpretend (?:that )?you(?: are|['’]re) (?:an?|the) (?:system|admin\w*|ai|developer|human"
    r"|assistant)\b"
    r"|\bwhen(?:ever)? (?:you )?(?:summari[sz]\w+|generat\w+|propos\w+|suggest\w*) (?:this"
    r"|these|the|any|suggestions"
    r"|changes|proposals)\b.{0,40}\b(?:always|never|say|output|write|propose)\b"
    r"|\b(?:whoever|whatever|any (?:system|model|bot|ai|assistant)) (?:that )?(?:reads"
    r"|processes|parses|summari[sz]es)"
    r" this (?:automatically|record|text|note)\b"
    r"|\b(?:do not|don['’]?t|never) (?:tell|inform|warn|alert) the (?:human|reviewer)\b"
    r"|\b(?:do not|don['’]?t|never) (?:mention|tell|reveal|show|disclose) (?:this|the"
    r"|these)? ?(?:note|message|instructions?)?"
    r" ?(?:to |about )?(?:this )?(?:to )?the (?:user|human|reviewer)\b"
    r"|\b(?:do not|don['’]?t|never) tell the user about (?:this|these)\b"
    r"|\bmessage (?:is )?from (?:openai|anthropic|the (?:system|developers?|ai))\s*[:,]"
    r"|\b(?:respond|reply|answer|output) only (?:with|in) json\b|\boutput the following json\b"
    # The same in the languages in which it is met.
    r"|\bdu bist (?:jetzt|nun) (?:eine? )?(?:ki|ai|chatgpt|sprachmodell)\b"
    r"|\b(?:tu es|vous etes) (?:maintenant|desormais) (?:une? )?(?:ia|ai|chatgpt|modele)\b"
    r"|\b(?:ahora eres|sei ora|agora es|agora voce e) (?:una? |uma? )?(?:ia|ai|chatgpt|modelo"
    r"|modello)\b"
    r"|你现在是(?:一个)?(?:ai|人工智能|没有限制)|あなたは(?:今から)?ai|당신은 이제 (?:ai|인공지능)"
)
_APPROVAL = re.compile(
    r"\b(?:auto-?)?(?:approve|apply|execute|accept|confirm) (?:this|all|every|it|these|any"
    r"|(?:the (?:change|suggestion"
    r"|proposal|action|request)s?))\b"
    r"(?: [\w-]+){0,4} (?:automatically|yourself|without (?:asking|review\w*|approval"
    r"|confirmation|a human"
    r"|any human|human|waiting))"
    r"|\bauto-?(?:approve|execute|apply) (?:this|it|all|every|these|the (?:change|suggestion"
    r"|proposal))\b"
    r"|\b(?:approve|apply|execute|accept) (?:all|every|any)(?: pending| open|"
    r" waiting)? (?:suggestions?|proposals?"
    r"|pending changes)\b"
    r"|\b(?:no|without|skip|bypass)(?: the| any)? (?:human|person(?:['’]s)?) (?:review|approval"
    r"|confirmation)\b"
    r"|\bthis (?:change|suggestion|proposal) (?:is|has been|was) (?:already"
    r" )?(?:pre-?)?approved by (?:the )?"
    r"(?:system|admin\w*|developer|openai)\b"
    r"|\b(?:genehmige|bestatige|fuhre) (?:dies|das|alle|diese)\w*(?: \w+){0,3} (?:automatisch"
    r"|ohne (?:ruckfrage|prufung))"
    r"|\b(?:approuve[rz]?|execute[rz]?|valide[rz]?) (?:ceci|cela|tout\w*|cette|ce)\b(?: \w+){0,3}"
    r" (?:automatiquement|sans (?:validation|verification|demander))"
    r"|\b(?:aprueb[ae]|ejecut[ae]) (?:esto|est[ae]|tod[ao]s?)\b(?: \w+){0,3} (?:automaticamente"
    r"|sin (?:preguntar|revision))"
    r"|\b(?:approva|esegui) (?:quest[oaei]|tutt[oaei])\b(?: \w+){0,3} (?:automaticamente"
    r"|senza (?:chiedere|conferma))"
    r"|\b(?:aprove|execute) (?:isto|isso|est[ea]|tudo|todas?|todos)\b(?:"
    r" \w+){0,3} (?:automaticamente|sem (?:perguntar|revisao))"
    r"|\bkeur (?:dit|deze|alles)\b(?: \w+){0,3} automatisch"
    r"|\bzatwierdz (?:to|te|wszystk\w+)\b(?: \w+){0,3} automatycznie"
    r"|\b(?:автоматически одобри|одобри(?:те)? (?:это|все)\b.{0,20}автоматически)"
    r"|\b(?:bunu|hepsini|tumunu) otomatik (?:olarak )?onayla"
    r"|وافق (?:على|عليه).{0,20}تلقائي|אשר (?:את )?(?:זה|הכל).{0,20}אוטומטית|इसे (?:स्वतः"
    r"|अपने आप) स्वीकृत"
    r"|(?:自动|自動|直接)批准(?:此|这|這|该|本|所有)|自動(?:的に)?承認(?:して|せよ|しろ)|자동으로 승인(?:해"
    r"|하)"
)
_MARKUP = re.compile(
    r"<\s*/?\s*(?:script|iframe|object|embed|svg|form|meta|base|link|template|math|style\s*>)\b"
    r"|<[a-z][^>]{0,300}\bon[a-z]{3,20}\s*=|\b(?:javascript|vbscript)\s*:|\bdata:text/html"
    r"|\{\{.{0,60}?(?:settings|config|secret|request\.|__|self\.|\bsystem\b)"
    r"|\{%-?\s*(?:debug|include|load|import|extends|raw)\b|\$\{(?:jndi|env|7\*7)"
    r"|!\[[^\]]{0,200}\]\([a-z]+://[^)]{0,300}\?[^)]{0,300}=",
)
# Letters beyond those of European languages in Latin script.
_OTHER_SCRIPT = re.compile("[\u0370-\u1fff\u2c00-\ufaff\uff00-\uffef]")
_ENDS = re.compile(r"[.!?\n。！？।]")
# The beginnings of words: a pattern is tried only where there is a word that it could match.
_HEADS = re.compile(r"(?<![a-z])[a-z]{2,4}")


@dataclass(frozen=True, slots=True)
class _Cue:
    """What to look for, and what a text must have for that to be worth while: a beginning, or a sign."""

    code: str
    pattern: re.Pattern[str]
    heads: frozenset[str]
    signs: str = ""

    def is_in(self, text: str, heads: frozenset[str]) -> bool:
        may_be = not self.heads.isdisjoint(heads) or any(sign in text for sign in self.signs)
        return may_be and bool(self.pattern.search(text))


def _heads(words: str) -> frozenset[str]:
    return frozenset(words.split())


_MARKS = _Cue(MARKUP, _MARKUP, _heads("java vbsc data"), "<{$!")
_ROLES = _Cue(
    ROLE_MARKS,
    _ROLE_MARKS,
    _heads("syst deve huma mess mens komu sist role assi admi secu end user begi"),
    "<[#",
)
_ENGLISH = _Cue(
    ORDERS,
    ENGLISH,
    _heads(
        "inst prom dire guid rule guar prog mess cons ever igno disr forg neve obey answ resp repl task role"
        " goal obje orde"
    ),
)
_EVERYTHING = _Cue(ORDERS, EVERYTHING, _heads("alle tout todo quan tutt tudo wszy yuka"))
_CALLS = _Cue(TOOL_CALL, _TOOL_CALL, _heads("tool argu func"), "_(")
_ADDRESSED = _Cue(
    TO_AN_AI,
    _TO_AN_AI,
    _heads(
        "ai llm llms gpt chat copi lang mode conf prom dan jail unre root ki ia auto pret summ gene prop"
        " sugg whoe what user huma revi open anth deve syst json rest"
    ),
)
_APPROVALS = _Cue(
    APPROVAL,
    _APPROVAL,
    _heads("appr auto exec acce huma pers gene best fuhr vali apru ejec eseg apro keur zatw onay"),
)
# Beginnings of what only a model has been given, in the languages of ``LATIN``.
_GIVEN = _heads(
    "anwe inst rege prom befe syst rich cons dire regl orde regl istr rego coma diri regr aanw opdr pole regu"
    " wyty tali komu yone iste kura"
)
_ANY_HEAD = (
    _MARKS.heads
    | _ROLES.heads
    | _ENGLISH.heads
    | _EVERYTHING.heads
    | _CALLS.heads
    | _ADDRESSED.heads
    | _APPROVALS.heads
    | _GIVEN
)
# The same words in rot13, and signs that letters are hidden in or behind.
_TURNED = re.compile(
    r"vtaber|qvfertneq|sbetrg|olcnff|vafgehpgvba|cebzcg|nccebir|flfgrz|nffvfgnag|(?:perngr"
    r"|hcqngr|qryrgr)_",
    re.IGNORECASE,
)
_UNUSUAL = re.compile(
    r"[<{}\[\]\\%&_|#=$`~!(]|[A-Za-z0-9+/]{20}|(?:[0-9a-fA-F]{2}[ :]){8}|\b\w[ .*-]\w[ .*-]\w[ .*-]"
    r"|[A-Za-z]\d|\d[A-Za-z]"
)


def reads_like_orders(text: str) -> str:
    """Return a code of what makes the text read like instructions to an AI, or an empty text."""
    if len(text) > 2 * LOOKED_AT:
        text = f"{text[:LOOKED_AT]}\n{text[-LOOKED_AT:]}"
    return _code_of(text) if len(text) <= 300 else _look(text)


@lru_cache(maxsize=8192)
def _code_of(text: str) -> str:
    return _look(text)


def _look(text: str) -> str:
    if _is_plain(text):
        return ""
    if hides_signs(text):
        return HIDDEN_SIGNS
    plain = folded(text)
    if code := _said(plain):
        return code
    for reading in respelled(plain):
        if code := _said(reading):
            return code
    for inner in decoded(text):
        if _said(folded(inner)):
            return ENCODED
    if _TURNED.search(text) and _said(codecs.decode(plain, "rot13")):
        return ENCODED
    return ""


def _is_plain(text: str) -> bool:
    """Whether the text has neither unusual signs nor a word that begins like one of an order."""
    if not text.isascii() or _UNUSUAL.search(text):
        return False
    return _ANY_HEAD.isdisjoint(_HEADS.findall(text.lower())) and not _TURNED.search(text)


def _said(text: str) -> str:
    heads = frozenset(_HEADS.findall(text))
    is_latin = not _OTHER_SCRIPT.search(text)
    if not is_latin:
        heads |= _ANY_HEAD
    for cue in (_MARKS, _ROLES, _ENGLISH, _EVERYTHING):
        if cue.is_in(text, heads):
            return cue.code
    if not _GIVEN.isdisjoint(heads) and any(_is_order(text, one) for one in LATIN):
        return ORDERS
    if not is_latin and any(_is_order(text, one) for one in OTHERS):
        return ORDERS
    found = (cue.code for cue in (_CALLS, _ADDRESSED, _APPROVALS) if cue.is_in(text, heads))
    return next(found, "")


def _is_order(text: str, language: Orders) -> bool:
    """Whether a verb has, in its sentence and near it, an object that only a model has been given."""
    for verb in language.verbs.finditer(text):
        begins = max(0, verb.start() - _NEAR)
        before = _ENDS.split(text[begins : verb.start()])[-1]
        after = _ENDS.split(text[verb.end() : verb.end() + _NEAR])[0]
        sentence = before + verb[0] + after
        if language.ordinary.search(sentence):
            continue
        for found in language.objects.finditer(sentence):
            beside = sentence[max(0, found.start() - 25) : found.end() + 25]
            if language.marks.search(beside):
                return True
    return False
