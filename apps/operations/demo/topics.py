"""What activities are about, and how each is worded: (subject, body) with slots.

Slots: ``first`` and ``company`` of the other side, ``rep`` (first name), ``product``, ``purpose`` (what it
is for). No text names a date, because the demo's dates move along.
"""

from __future__ import annotations

from apps.operations.demo.customer_topics import CUSTOMER_TEXTS
from apps.operations.demo.topic_names import Topic

TEXTS: dict[Topic, tuple[tuple[str, str], ...]] = {
    Topic.FIRST_MAIL: (
        (
            "{product} for your {purpose}",
            "thank you for the talk. As agreed, here is what {product} would bring to your {purpose}, "
            "with the usual delivery times. Which quantities do you have in mind?",
        ),
        (
            "Options for the {purpose}",
            "attached are two ways to set up the {purpose}. My recommendation is {product}: it covers what "
            "you described and leaves room to grow.",
        ),
        (
            "Introduction and next steps: {product}",
            "I look after {company} from now on. I would like to understand what the {purpose} has to do, "
            "so that {product} is sized correctly. Could you spare 20 minutes?",
        ),
        (
            "Following up on {product}",
            "you asked about {product} for the {purpose}. Here are the data sheet and the list price; "
            "volume terms depend on the order and I am glad to work them out with you.",
        ),
    ),
    Topic.QUOTE: (
        (
            "Quote: {product}",
            "please find the quote for {product} attached. It holds for 30 days. Installation at the "
            "{purpose} is listed separately, so you can take it out.",
        ),
        (
            "Revised quote for the {purpose}",
            "I have put the three-year service into the quote and moved the delivery forward, as you "
            "asked. The price of {product} itself is unchanged.",
        ),
        (
            "Terms for {product}",
            "here are the payment terms we spoke about: 50 % with the order, the rest after acceptance "
            "of the {purpose}. Let me know if your purchasing needs another wording.",
        ),
        (
            "Configuration for the {purpose}",
            "our engineer has gone through your list. With {product} in this configuration everything "
            "you named runs, with about a third in reserve.",
        ),
    ),
    Topic.ANSWER: (
        (
            "Re: your question about {product}",
            "good question. {product} covers that as it is; the extended version is only needed if the "
            "{purpose} must never stand still. I can price both.",
        ),
        (
            "Re: delivery of {product}",
            "we can deliver within three weeks of the order. If the {purpose} starts earlier, we bridge the "
            "time with a loan installation.",
        ),
        (
            "Re: references",
            "two customers of your size have agreed to talk to you about {product}. Shall I make the "
            "introduction?",
        ),
        (
            "Re: service hours",
            "the standard service is next business day. For the {purpose} I would take the four-hour "
            "option; it adds about 6 %.",
        ),
    ),
    Topic.RECAP: (
        (
            "Summary of our talk",
            "thank you for your time. What we agreed: you check the headcount for the {purpose}, I send the "
            "adjusted offer for {product}, and we talk again before your budget round.",
        ),
        (
            "What we agreed about the {purpose}",
            "in short: {product} is the candidate, the open point is the service level, and your "
            "colleagues from purchasing join the next call.",
        ),
        (
            "Notes and documents from today",
            "attached are the slides and the plan with the proposed steps for {product}. Please tell me if I "
            "have misunderstood anything.",
        ),
    ),
    Topic.REMINDER: (
        (
            "Any news on {product}?",
            "I wanted to ask whether you have had time to look at the offer for the {purpose}. I am glad to "
            "change it if something does not fit.",
        ),
        (
            "{product}: is this still on your list?",
            "I have not heard from you about the {purpose} for a while. Is it still planned? A short yes or "
            "no helps me to plan our people.",
        ),
        (
            "Offer for the {purpose}",
            "the prices in the offer for {product} will change with the next list. If you decide before, "
            "I can hold them for you.",
        ),
    ),
    Topic.REPLY: (
        (
            "Re: {product}",
            "thanks, that looks good. Two questions: what is the lead time, and does the price include "
            "installation at the {purpose}?",
        ),
        (
            "Re: quote for the {purpose}",
            "we have gone through it. The configuration of {product} is right; my colleagues in "
            "purchasing would like to see the payment terms split.",
        ),
        (
            "Re: next steps",
            "I have shown it to our operations people and they like it. Could you join our weekly call to "
            "explain the service levels?",
        ),
        (
            "Re: options",
            "we prefer the second option. Please send the final numbers with {product}, then I can put it "
            "before our management.",
        ),
        (
            "Re: {purpose}",
            "sorry for the late answer, we had an audit in the house. We are still interested; is the offer "
            "for {product} still valid?",
        ),
        (
            "Question about {product}",
            "our technical team asks what has to be prepared on our side, because the {purpose} starts "
            "before the rest. Do you have a checklist?",
        ),
    ),
    Topic.THANKS: (
        ("Re: {product}", "thank you, that is all I needed for now."),
        ("Re: {purpose}", "thanks, well received. I will pass it on to my colleagues."),
    ),
    Topic.HOLD: (
        (
            "Re: {product} - on hold until the budget round",
            "we want to go on with this, but the budget for the {purpose} is only released next quarter. "
            "Please come back to me then; nothing will happen before.",
        ),
        (
            "Re: {purpose} - please wait for us",
            "the landlord's permission for the {purpose} takes longer than we thought. Please keep the "
            "offer for {product} open, I will need it in some weeks.",
        ),
    ),
    Topic.CALL: (
        (
            "Call: requirements for the {purpose}",
            "Spoke with {first}. They compare us with one other supplier; delivery time matters more than "
            "price. Promised to send the service description for {product}.",
        ),
        (
            "Call: price of {product}",
            "{first} asked for volume terms from 20 units. Said I would check with the manager and come "
            "back with a number.",
        ),
        (
            "Call with {first} at {company}",
            "Decision is made by a committee of three; {first} is in favour. They need a one-page summary "
            "for the others. I said I would write it.",
        ),
        (
            "Call: technical questions",
            "Went through the connection plan for the {purpose}. Open: support on site. I will ask our "
            "engineer and report back.",
        ),
    ),
    Topic.MEETING: (
        (
            "Meeting: walk through the {purpose}",
            "Walked through the plans with {first} and a colleague from operations. {product} fits. "
            "They expect our adjusted offer after this meeting.",
        ),
        (
            "Demo of {product}",
            "Showed {product} to five people of {company}. Good questions about maintenance. Next: offer "
            "with two service options.",
        ),
        (
            "Meeting with {company}: terms",
            "Talked about payment terms and the contract's length. {first} will talk to legal, we send a "
            "draft with the changed clause.",
        ),
        (
            "Kick-off for the {purpose}",
            "Met {first} and the project lead. The plan is realistic. We owe them the delivery schedule.",
        ),
    ),
    Topic.NOTE: (
        (
            "Competition",
            "A second supplier is in the race; they are cheaper but slower to deliver.",
        ),
        ("Decision path", "{first} recommends, the finance director signs above the usual limit."),
        (
            "Background",
            "The {purpose} was postponed once before; this time there is a budget number.",
        ),
        ("Preference", "{first} prefers a call to mail, best in the morning."),
        (
            "Size",
            "They think of starting small with {product} and adding units after the first quarter.",
        ),
    ),
    Topic.ORDER: (
        (
            "Order: {product}",
            "we have decided for you. The purchase order for {product} is attached; please confirm the "
            "delivery for the {purpose}.",
        ),
        (
            "Go-ahead for the {purpose}",
            "good news: management has signed. Please treat this as the order for {product}; the paper "
            "follows by post.",
        ),
    ),
    Topic.ORDER_CONFIRMED: (
        (
            "Order confirmed: {product}",
            "thank you for the order. {product} is scheduled for you; my colleagues will arrange the "
            "delivery for the {purpose}.",
        ),
        (
            "Welcome aboard",
            "thank you for your trust. I remain your contact for {product}; the service number is on the "
            "delivery note.",
        ),
    ),
    Topic.DECLINED: (
        (
            "Re: {product} - our decision",
            "we have decided for another supplier this time. It was close; the shorter contract made the "
            "difference. Thank you for your work.",
        ),
        (
            "Re: offer for the {purpose}",
            "the {purpose} has been cancelled, so we will not buy {product} now. I am sorry that I have no "
            "better news.",
        ),
    ),
    Topic.FAREWELL: (
        (
            "Thank you for considering {product}",
            "thank you for telling me openly. If anything about the {purpose} changes, I am glad to hear "
            "from you.",
        ),
        (
            "Closing your enquiry",
            "I am closing the offer for {product} for now. You can reach me whenever the topic comes up "
            "again.",
        ),
    ),
    Topic.LEAD_FIRST_MAIL: (
        (
            "Your enquiry about {product}",
            "thank you for your interest in {product}. Companies like {company} mostly use it for a "
            "{purpose}; is that what you have in mind?",
        ),
        (
            "{product}: what you asked for",
            "here is the information about {product}. If you tell me the number of places, I can name a "
            "price range right away.",
        ),
        (
            "Good to meet you",
            "we met at your request on our website. May I call you this week to hear what {company} is "
            "planning?",
        ),
    ),
    Topic.LEAD_REPLY: (
        (
            "Re: your enquiry",
            "thanks for coming back to me so fast. Yes, it is about a {purpose}, but that is far off. "
            "Could you "
            "send me something to read?",
        ),
        (
            "Re: {product}",
            "this is interesting. Who else in our line of business uses {product}?",
        ),
        (
            "Re: information",
            "we are at the very beginning and only collect what there is. Is there a data sheet of "
            "{product}?",
        ),
    ),
    Topic.LEAD_INTENT: (
        (
            "Re: {product}: price",
            "we would need about 15 places for the {purpose}. Please send me a quote for {product}; "
            "the budget "
            "is approved.",
        ),
        (
            "Meeting about the {purpose}",
            "we would like to go on with this. Can we meet next week, so that my manager sees {product} too?",
        ),
        (
            "{product}: what does it cost?",
            "what does {product} cost for a {purpose} with 20 people, and how soon could you deliver?",
        ),
        (
            "Anfrage: Angebot für {product}",
            "bitte schicken Sie uns ein Angebot über {product} für 12 Arbeitsplätze. Wir wollen noch "
            "in diesem "
            "Quartal entscheiden.",
        ),
        (
            "Demande de devis : {product}",
            "pourriez-vous nous envoyer un devis pour {product} ? Le projet {purpose} est validé.",
        ),
        (
            "Demo for our team",
            "could you show us {product} in a demo? Three of my colleagues decide with me about the "
            "{purpose}.",
        ),
    ),
    Topic.LEAD_LOOKALIKE: (
        (
            "Automatic reply: {product}",
            "I am out of the office and will read your message on my return.",
        ),
        (
            "Re: newsletter",
            "thank you for the newsletter. The article about a {purpose} was a pleasure to read.",
        ),
        ("Re: newsletter", "please take me off the list of this newsletter, thank you."),
        (
            "Thesis about the market for {product}",
            "I am a student and write about companies like yours. Thank you for your newsletter, it "
            "helped me.",
        ),
        (
            "Re: newsletter",
            "the numbers in your newsletter are interesting. Thank you for sending it.",
        ),
    ),
    Topic.LEAD_REMINDER: (
        (
            "Did my mail reach you?",
            "I sent you information about {product} the other day. Is the {purpose} still a topic for "
            "{company}?",
        ),
        (
            "A short question about {company}",
            "should I keep you on the list for {product}, or has the matter been settled?",
        ),
    ),
    Topic.LEAD_CALL: (
        (
            "Call: first conversation with {first}",
            "{first} plans a {purpose}, budget not yet clear. Wants a price range and two references. "
            "I said I would send both.",
        ),
        (
            "Call: {company}",
            "Reached {first} between two meetings. Interested in {product}, asked me to call back with "
            "someone technical.",
        ),
    ),
    Topic.LEAD_MEETING: (
        (
            "Online demo for {company}",
            "Showed {product} to {first} and two colleagues. They liked how simple it looks. Next step: "
            "an estimate for the {purpose}.",
        ),
    ),
    Topic.COMEBACK: (
        (
            "{purpose}: once more",
            "we decided otherwise back then, and it did not work out. Does your offer for {product} stand?",
        ),
        (
            "Are you still interested?",
            "our budget for the {purpose} was approved after all. What does {product} cost today?",
        ),
    ),
    **CUSTOMER_TEXTS,
}
