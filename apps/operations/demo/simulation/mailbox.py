"""Mail from people that the CRM does not know."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from apps.operations.demo.causes import SenderNature
from apps.operations.demo.names import plain
from apps.operations.demo.schemas import AccountRow, ActivityRow
from apps.operations.demo.simulation.diary import Diary
from apps.operations.demo.texts import HOSTILE_MAIL, letter

_WINDOW_DAYS = 13

_BUYER_MAILS = (
    (
        "Request for an offer: {product}",
        "a business partner recommended you. We at {company} need {product} for a {purpose}. Could you send "
        "me an offer, or call me?",
    ),
    (
        "{product}: availability and price",
        "we are planning a {purpose} and would like to compare suppliers. Which quantities of {product} "
        "could you deliver this quarter?",
    ),
    (
        "Question from your web page",
        "does {product} also suit a {purpose} with about 40 people? If so, please contact me; I decide about "
        "purchases at {company}.",
    ),
)
_COLLEAGUE_MAILS = (
    (
        "New contact for the {purpose}",
        "I have taken over the {purpose} at {company} from a colleague. Please send me the latest offer for "
        "{product}, so that I can go on with it.",
    ),
    (
        "Invoice address and {product}",
        "I work in purchasing at {company}. For the next order of {product} we need your bank details on "
        "the offer. Could you send it to me?",
    ),
)
_VENDOR_MAILS = (
    (
        "Partnership opportunity",
        "we help sales teams to fill their calendars with qualified meetings. Do you have 15 minutes this "
        "week for a short introduction?",
    ),
    (
        "Better rates for your business travel",
        "I noticed that your team travels a lot. Our corporate rates save 20 % on average. Who is in charge "
        "of this at your company?",
    ),
)
_MACHINE_MAILS = (
    ("Your weekly industry digest", "the five most read articles of the week, selected for you."),
    ("Your parcel is on its way", "your delivery will arrive within two working days."),
)


class Mailbox:
    """Writes unknown senders' mails into the reps' mailboxes."""

    def __init__(
        self, diary: Diary, products: Sequence[str], purposes: Sequence[str], rng: Random
    ) -> None:
        self._diary = diary
        self._products = products
        self._purposes = purposes
        self._rng = rng

    def fill(self, owners: Sequence[str], accounts: Sequence[AccountRow]) -> None:
        """Some mails for each rep: mostly buyers, a few who want to sell, and machines."""
        rng = self._rng
        for owner in owners:
            natures = [SenderNature.BUYER]
            natures += rng.choices(
                (
                    SenderNature.BUYER,
                    SenderNature.COLLEAGUE,
                    SenderNature.VENDOR,
                    SenderNature.MACHINE,
                ),
                weights=(40, 15, 25, 20),
                k=rng.choice((0, 1, 1, 2)),
            )
            for nature in natures:
                self._receive(owner, nature, accounts)
        self._receive_hostile(rng.choice(list(owners)))

    def _receive(self, owner: str, nature: SenderNature, accounts: Sequence[AccountRow]) -> None:
        rng, names = self._rng, self._diary.names
        company = names.company()
        name, domain = company.name, company.domain
        if nature is SenderNature.COLLEAGUE:
            account = rng.choice(list(accounts))
            name, domain = account.name, account.domain
        first_name, last_name = names.person()
        address = names.email(first_name, last_name, domain)
        full_name = f"{first_name} {last_name}"
        mails = {
            SenderNature.BUYER: _BUYER_MAILS,
            SenderNature.COLLEAGUE: _COLLEAGUE_MAILS,
            SenderNature.VENDOR: _VENDOR_MAILS,
            SenderNature.MACHINE: _MACHINE_MAILS,
        }[nature]
        if nature is SenderNature.MACHINE:
            address, full_name = f"{rng.choice(('no-reply', 'newsletter'))}@{domain}", name
        subject, body = rng.choice(mails)
        slots = {
            "company": name,
            "product": rng.choice(list(self._products)),
            "purpose": rng.choice(list(self._purposes)),
        }
        stated: dict[str, str] = {}
        signature = full_name
        if nature is not SenderNature.MACHINE and rng.random() < 0.8:
            stated = {
                "phone": names.phone(),
                "title": names.title(),
                "company": name,
                "email": address,
            }
            signature = f"Best wishes\n{full_name}\n{stated['title']}, {name}\n{stated['phone']} | {address}"
        greeting = self._diary.people[owner].first_name
        texts = (subject.format_map(slots), letter(greeting, body.format_map(slots), signature))
        self._write(owner, address, full_name, texts, stated)
        self._diary.world.causes.senders[address] = nature
        if nature is SenderNature.BUYER and rng.random() < 0.15:
            again = (f"Re: {texts[0]}", letter(greeting, "did my request reach you?", signature))
            self._write(owner, address, full_name, again, stated, days=3.0)

    def _receive_hostile(self, owner: str) -> None:
        subject, body = HOSTILE_MAIL
        address = f"{plain('Operations')}@urgent-verification.example"
        self._write(owner, address, '=HYPERLINK("http://urgent.example")', (subject, body), {})
        self._diary.world.causes.senders[address] = SenderNature.VENDOR

    def _write(
        self,
        owner: str,
        address: str,
        name: str,
        texts: tuple[str, str],
        stated: dict[str, str],
        days: float = _WINDOW_DAYS,
    ) -> None:
        activities = self._diary.world.activities
        activities.append(
            ActivityRow(
                key=f"activity-{len(activities) + 1}",
                owner=owner,
                kind="email",
                direction="inbound",
                occurred_at=self._diary.calendar.ago(self._rng.uniform(0.1, days), self._rng),
                subject=texts[0],
                body=texts[1],
                counterpart_address=address,
                counterpart_name=name,
                stated_details=dict(stated),
            )
        )
