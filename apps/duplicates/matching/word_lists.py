"""Words that say nothing of who somebody is, each list for one kind of value."""

from __future__ import annotations


def _listed(text: str, separator: str | None = None) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(separator))


# What people type where they have to: folded, and as it was typed ("na" is a surname, "n/a" is none).
PLACEHOLDERS = _listed(
    """test, test test, tester, testing, testuser, test user, asdf, asdfg, asdfgh, asdfasdf, asdf asdf,
    qwerty, qwertz, qwer, abc, abcd, none, null, nil, unknown, not known, unbekannt, inconnu,
    undefined, anonymous, dummy, sample, foo, bar, foobar, noname, no name, nobody, nan, tbd, tba,
    not available, not applicable, keine, lorem ipsum""",
    ",",
)
NOT_GIVEN = _listed("n/a n.a. n.a n/v k.a. #n/a - -- ? ?? .")

HONORIFICS = _listed(
    """mr mrs ms miss dr prof sir dame herr frau hr fr mme mlle monsieur madame sig sra sr dipl ing msc mba
    phd jr"""
)
# Surnames of more than one word begin with these.
PARTICLES = _listed(
    """van von der den de del della di da dos das du la le el al bin ibn ben ter ten zu zur san saint st
    mac mc o بن ابن عبد"""
)
# As the Arabic article stands in Latin letters, also where it takes on the first letter of the name.
ARABIC_ARTICLES = _listed("al el ul il as es ar er az ez at et ad ed an en ash esh")
# In Chinese characters and in Korean syllables.
DOUBLE_SURNAMES = _listed(
    """欧阳 上官 司马 诸葛 司徒 皇甫 尉迟 公孙 慕容 令狐 東方 东方 歐陽 司馬 諸葛
    남궁 황보 제갈 선우 독고 사공"""
)
# The most frequent ones: of two characters the first of which is one, they are likely a whole name.
HAN_SURNAMES = frozenset(
    "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林罗羅郑鄭梁谢謝宋唐许許韩韓邓鄧冯馮曹彭曾"
    "肖蕭萧田董潘袁蔡蒋蔣余于杜叶葉程魏苏蘇吕呂丁任卢盧姚沈钟鍾姜崔谭譚陆陸范汪廖石金韦韋贾賈夏付傅"
    "方邹鄒熊白孟秦邱侯江尹薛闫閻段雷龙龍黎史陶贺賀毛郝顾顧龚龔邵万萬钱錢严嚴赖賴覃洪武莫孔"
)

COMPANY_FILLERS = _listed("the and und et y e of de der die das le la les")

# Their addresses belong to whoever wants one; that two people have one there says next to nothing.
FREE_MAIL = _listed(
    """gmail.com googlemail.com yahoo.com yahoo.co.uk yahoo.fr yahoo.de ymail.com hotmail.com hotmail.co.uk
    hotmail.fr outlook.com outlook.de live.com msn.com aol.com icloud.com me.com mac.com gmx.net
    gmx.de gmx.ch gmx.at web.de t-online.de freenet.de bluewin.ch hispeed.ch sunrise.ch orange.fr
    free.fr laposte.net wanadoo.fr libero.it virgilio.it proton.me protonmail.com pm.me mail.com
    mail.ru yandex.ru yandex.com qq.com 163.com 126.com sina.com foxmail.com naver.com daum.net
    hanmail.net rediffmail.com zoho.com fastmail.com hey.com comcast.net verizon.net att.net
    sbcglobal.net btinternet.com sky.com bigpond.com telus.net shaw.ca example.com example.org
    example.net"""
)
# Mailboxes that are not read by one person.
ROLE_MAILBOXES = _listed(
    """info sales contact kontakt office mail email hello hallo support service admin administrator
    webmaster postmaster marketing team help billing accounts accounting buchhaltung finance jobs hr
    press presse enquiries inquiries noreply no-reply donotreply reception sekretariat bestellung
    order orders shop news newsletter verkauf vertrieb einkauf purchasing"""
)
NO_MAILBOXES = _listed("test asdf none na noemail no xxx aaa abc unknown")
NO_DOMAINS = _listed(
    "test.com test.test test.de test.ch asdf.com none.com noemail.com aaa.com abc.com"
)
# Where names are registered below a second label, as in "acme.co.uk".
SECOND_LEVEL_LABELS = _listed("co com org net gov ac edu ne or go")
NO_PHONES = _listed("123456 1234567 12345678 123456789 1234567890 0123456789")
