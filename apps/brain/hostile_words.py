"""The words in which people give orders to a language model, by language.

Written as they are found after folding (``spellings.folded``): small letters, Latin ones without accents.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Orders:
    """How a language says “ignore all previous instructions”.

    An order has a verb, and near it, in the same sentence, something that only a model has been given
    (``objects``) with a word that says which (``marks``). Words of ``ordinary`` between them say that a
    person writes about their own letters, or that something must not be forgotten.
    """

    verbs: re.Pattern[str]
    objects: re.Pattern[str]
    marks: re.Pattern[str]
    ordinary: re.Pattern[str]


def _words(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{unicodedata.normalize('NFKC', words)})")


def _parts(words: str) -> re.Pattern[str]:
    """Words of a script that is written without spaces, or that inflects by signs."""
    return re.compile(unicodedata.normalize("NFKC", words))


GERMAN = Orders(
    _words(r"ignorier\w*|missacht\w*|vergiss\b|vergesst\b|vergessen sie|umgehe\b|uberschreib\w*"),
    _words(r"anweisung\w*|instruktion\w*|regeln\b|prompts?\b|befehle?\b|systemprompt|richtlinien"),
    _words(
        r"alle\w*|vorherig\w*|bisherig\w*|obig\w*|vorangegangen\w*|vorig\w*|fruher\w*|deine\w*|system"
    ),
    _words(r"mein\w*|unser\w*|nicht\b"),
)
FRENCH = Orders(
    _words(
        r"ignor\w+|oubli\w+|ne (?:tiens|tenez) pas compte|fai(?:s|tes) abstraction|contourne[rz]?\b"
    ),
    _words(r"instructions?\b|consignes?\b|prompts?\b|directives?\b|regles\b"),
    _words(r"precedent\w*|anterieur\w*|toutes?\b|tous\b|ci-dessus|tes\b|vos\b|systeme"),
    _words(r"mes\b|nos\b|notre\b|n['’]oubli\w+"),
)
SPANISH = Orders(
    _words(r"ignor\w+|olvid\w+|desatiend\w+|haz caso omiso|pasa por alto|descart[ae]\b"),
    _words(r"instruccion\w*|prompts?\b|directrices|reglas\b|ordenes\b"),
    _words(r"anterior\w*|previ[ao]s\b|todas?\b|todos\b|tus\b|del sistema|de arriba"),
    _words(r"no\b|mis?\b|nuestr\w+"),
)
ITALIAN = Orders(
    _words(r"ignor\w+|dimentic\w+|trascura\w*|disattendi|non seguire"),
    _words(r"istruzion\w+|prompt\b|direttive\b|regole\b|comandi\b"),
    _words(r"precedent\w+|tutt[ei]\b|tue\b|tuoi\b|sistema|sopra\b"),
    _words(r"mie\b|nostr\w+|non dimentic\w+"),
)
PORTUGUESE = Orders(
    _words(r"ignor\w+|esque[cs]\w*|desconsider\w+"),
    _words(r"instruc\w+|prompts?\b|diretrizes|regras\b|comandos\b"),
    _words(r"anterior\w*|previas\b|todas?\b|todos\b|suas\b|tuas\b|do sistema|acima\b"),
    _words(r"minhas?\b|nossas?\b|nao (?:se )?esque\w+"),
)
DUTCH = Orders(
    _words(r"negeer\w*|negeren|vergeet\b|omzeil\w*"),
    _words(r"instructies?\b|aanwijzingen|prompts?\b|regels\b|opdrachten\b|richtlijnen"),
    _words(r"vorige\b|eerdere\b|voorgaande|alle\b|bovenstaande|je\b|jouw\b|systeem"),
    _words(r"mijn\b|onze\b|niet\b"),
)
POLISH = Orders(
    _words(r"z?ignoruj\w*|zapomnij\w*|pomin\b|pomijaj\b"),
    _words(r"instrukcj\w+|polecen\w*|prompt\w*|regul\w*|wytyczn\w+"),
    _words(r"poprzedni\w*|wczesniejsz\w*|wszystki\w*|powyzsz\w*|swoje\b|twoje\b|systemow\w*"),
    _words(r"moj\w*|nasz\w*|nie\b"),
)
RUSSIAN = Orders(
    _words(r"(?:про)?игнорируй\w*|забудь\w*|не следуй\w*|отмени(?:те)?\b|пренебреги\w*"),
    _words(r"инструкци\w+|указани\w+|промпт\w*|правила\b|команд\w*|директив\w*"),
    _words(r"предыдущ\w+|все\b|всех\b|прежни\w+|вышеуказанн\w+|свои\b|ваши\b|системн\w+"),
    _words(r"мо[ийюея]\w*|наш\w*|не забуд\w+"),
)
TURKISH = Orders(
    _words(r"yok ?say\w*|gormezden gel\w*|unut\w*|dikkate alma\w*|gecersiz kil\w*|goz ardi et\w*"),
    _words(r"talimat\w*|komut\w*|yonerge\w*|istemi\b|istemleri\w*|kurallari?\b|prompt\w*"),
    _words(r"onceki|tum\b|butun\b|yukaridaki|sistem"),
    _words(r"unutma\b|unutmay\w*|benim\b|bizim\b"),
)
ARABIC = Orders(
    _parts(r"تجاهل|انس |انسى|أهمل|لا تتبع"),
    _parts(r"تعليمات|الأوامر|القواعد|التوجيهات"),
    _parts(r"السابق|جميع|كل|أعلاه|كافة"),
    _parts(r"لا تنس"),
)
HEBREW = Orders(
    _parts(r"התעלמ|התעלם|תתעלמ|שכח"),
    _parts(r"הוראות|הנחיות|הכללים|הפקודות"),
    _parts(r"הקודמ|כל|לעיל|המערכת"),
    _parts(r"אל תשכח"),
)
HINDI = Orders(
    _parts(r"अनदेखा|नज़रअंदाज़|नजरअंदाज|भूल जा|उपेक्षा|ध्यान न द"),
    _parts(r"निर्देश|नियम|आदेश|प्रॉम्प्ट"),
    _parts(r"पिछल|पहले|सभी|सारे|उपरोक्त|पूर्व|ऊपर"),
    _parts(r"न भूल|मत भूल"),
)
CHINESE = Orders(
    _parts(r"忽略|无视|無視|忘记|忘記|忽視|忽视|不要遵守|绕过|繞過"),
    _parts(r"指令|指示|提示词|提示詞|规则|規則|系统消息|命令"),
    _parts(r"之前|以前|先前|上述|上面|所有|一切|全部|系统|系統|此前|以上"),
    _parts(r"不要忘|别忘|請勿忘|请勿忘|我的|我们的"),
)
JAPANESE = Orders(
    _parts(r"無視|忘れ|従わない|破棄"),
    _parts(r"指示|命令|プロンプト|ルール|規則"),
    _parts(r"以前|これまで|前の|上記|すべて|全て|今まで|あなたの|システム"),
    _parts(r"忘れない|忘れず|私の|弊社"),
)
KOREAN = Orders(
    _parts(r"무시|잊어|따르지 마|무효"),
    _parts(r"지시|명령|프롬프트|규칙|지침"),
    _parts(r"이전|앞선|위의|모든|지금까지|기존|당신의|시스템"),
    _parts(r"잊지|제가|저희"),
)
LATIN = (GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, DUTCH, POLISH, TURKISH)
OTHERS = (RUSSIAN, ARABIC, HEBREW, HINDI, CHINESE, JAPANESE, KOREAN)

# English says it with its words in a row, so that “the earlier shipping instructions” is none.
_LINKS = (
    r"(?:(?:about|of|the|these|those|that|this|any|all|and|or|other|given|existing|current|safety|security"
    r"|internal|content|previous|prior|above|preceding|earlier|your|system|every|you were)\W+)*"
)
ENGLISH = re.compile(
    r"\b(?:ignor\w*|disregard\w*|forget\w*|overrid\w*|overwrit\w*|bypass\w*|discard|stop following"
    r"|do(?: not|n['’]?t) (?:follow|obey))\W+"
    + _LINKS
    + r"(?:previous|prior|above|preceding|earlier|all|any|every|your|system|former|original"
    r"|initial|foregoing)"
    + r"\W+"
    + _LINKS
    + r"(?:instructions?|prompts?|directives?|guidelines?|rules|guardrails|guidance|programming|messages"
    r"|constraints)\b"
    r"|\bforget (?:everything|all) (?:above|before|you (?:know|were told|have been told))"
    r"|\bignore (?:everything|anything|all text) (?:above|before this|that (?:was|is"
    r"|came) (?:said )?(?:above|before))"
    r"|\b(?:here are|these are|follow|obey)\b.{0,20}\bnew instructions\b(?! (?:from|of|for|on|by)\b)"
    r"|\byour new (?:instructions|task|role|goal|objective|persona|orders) (?:is|are)\b"
    r"|\b(?:reveal|print|repeat|output|leak|show|disclose|dump)\b.{0,20}\b(?:system prompt"
    r"|your (?:system|initial"
    r"|hidden|original|secret) (?:prompt|instructions|rules))\b"
    r"|\b(?:reveal|print|repeat|output|leak|disclose|dump)\b.{0,12}\byour (?:prompt"
    r"|instructions)(?! \w+ing)\b"
    r"|\b(?:ignore|disregard|forget) (?:all |everything )?(?:of )?(?:the )?above and\b"
    r"|\b(?:never mind|ignore|forget|disregard) (?:everything |all |anything )?(?:what |that )?you"
    r" (?:were|have been|had been) (?:told|instructed|taught)\b"
    r"|\bnew (?:system |developer |admin )instructions?\b|\b(?:real|true|actual) instructions"
    r" (?:begin|start|follow|are)\b|\bnew instructions? (?:for|to) (?:the )?(?:assistant|ai|model|bot)\b"
    r"|\bfrom now on,? you (?:only )?(?:obey|must obey|will obey"
    r"|(?:will )?(?:answer|respond|reply) (?:as|only|with))\b"
    # Written apart or together: spaces and signs between the letters are gone.
    r"|ignore(?:all)?(?:the)?(?:previous|prior|above)instructions"
)

# “Everything above”, which needs no word for instructions.
EVERYTHING = re.compile(
    unicodedata.normalize(
        "NFKC",
        r"\b(?:ignorier\w*|vergiss|vergessen sie|missachte\w*) (?:bitte )?alles,? ?"
        r"(?:vorherige|obige|bisherige|oben|davor|was (?:dir|ihnen|oben|zuvor|vorher))"
        r"|\b(?:ignor\w+|oubli(?:e|ez)) tout ce qui (?:precede|est au-dessus)"
        r"|\b(?:ignor\w+|olvid\w+) todo lo (?:anterior|de arriba)"
        r"|\b(?:ignora|dimentica)\w* (?:quanto sopra|tutto (?:cio|quanto|quello) )"
        r"|\b(?:ignor[ea]|esquec[ea]|esqueca) tudo (?:acima|o que|que)"
        r"|\b(?:negeer|vergeet) alles (?:hierboven|wat|daarvoor)"
        r"|\b(?:zignoruj|ignoruj|zapomnij)\w* (?:o )?wszystk\w+,? (?:powyzej|co|wczesniej)"
        r"|\byukaridaki\w* (?:her sey\w*|hepsi\w*) (?:yok say|unut|gormezden)"
        r"|\b(?:про)?(?:игнорируй|забудь)\w*,? вс[её],? что"
        r"|(?:تجاهل|انس) كل ما|(?:התעלם מ|שכח (?:את )?)כל מה"
        r"|(?:ऊपर|पहले) .{0,20}सब .{0,12}(?:अनदेखा|नज़रअंदाज़|भूल जा)"
        r"|(?:忽略|无视|無視|忘记)(?:以上|之前|上面|前面|此前)的?(?:所有|全部|一切)?的?(?:内容|信息|文字|对话)"
        r"|(?:以上|上記|これまで)の(?:すべての)?(?:内容|会話|文章|テキスト)を(?:すべて)?(?:無視|忘れ)"
        r"|(?:위|이전|앞)의? ?(?:내용|대화|텍스트)[을를]? ?(?:모두|전부)? ?(?:무시|잊)",
    )
)
