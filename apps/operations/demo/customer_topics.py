"""How what happens with customers is worded, as in ``topics``: (subject, body) with slots."""

from __future__ import annotations

from apps.operations.demo.topic_names import Topic

CUSTOMER_TEXTS: dict[Topic, tuple[tuple[str, str], ...]] = {
    Topic.CHECK_IN: (
        (
            "How is {product} doing?",
            "a few weeks after delivery I like to ask: does everything in the {purpose} run as you expected?",
        ),
        (
            "New service hours",
            "our service now answers until 8 pm. You need not do anything; the change holds for all your "
            "contracts.",
        ),
        (
            "Planning the next quarter",
            "many customers are planning their next quarter now. Is there anything at {company} that I "
            "should plan for?",
        ),
    ),
    Topic.CHECK_IN_REPLY: (
        (
            "Re: how are things",
            "all is well here, thank you. One case went to your support and your people were quick.",
        ),
        (
            "Re: planning",
            "nothing firm yet. There is talk of another {purpose}; I will write when it becomes concrete.",
        ),
    ),
    Topic.CHECK_IN_THANKS: (
        (
            "Good to hear",
            "thank you for the quick word. I have noted it; call me whenever something comes up.",
        ),
    ),
    Topic.CHECK_IN_CALL: (
        (
            "Call: yearly review with {company}",
            "{first} is content with the service. Asked about replacing the older version; I will send the "
            "conditions.",
        ),
        (
            "Call: support case",
            "{first} reported slow start-up after the last update. Passed to support, promised to ask "
            "again whether it was solved.",
        ),
    ),
    Topic.SERVICE_QUESTION: (
        (
            "Question about the {purpose}",
            "one of our people cannot open {product} since this morning. Could your team have a look?",
        ),
        (
            "{product}: a setting",
            "where do we change the names of the places in the {purpose}? I did not find it.",
        ),
        ("Another user", "please add one of our new colleagues to {product}."),
    ),
    Topic.SERVICE_ANSWER: (
        ("Re: {product}", "this is done. Write to me if it comes up again."),
        (
            "Re: your question",
            "I have set it for you, and the description of the step is attached.",
        ),
    ),
    Topic.SERVICE_STATUS: (
        ("{purpose}: where we stand", "this week's points are closed; the list is attached."),
        ("Notes on {product}", "here are the notes of the week for the {purpose}, for your files."),
    ),
    Topic.SERVICE_STATUS_REPLY: (
        ("Re: {purpose}", "thank you, that is how we see it too."),
        ("Re: notes", "thanks, well received."),
    ),
    Topic.LEAVING: (
        (
            "Our contract for {product}",
            "we are looking at other suppliers for the {purpose} and do not expect to renew the contract.",
        ),
        (
            "Notice period",
            "management asks me by when we would have to give notice, because we want to end the "
            "contract for "
            "{product} with this term.",
        ),
        (
            "Kündigung zum Ende der Laufzeit",
            "wir sind mit {product} nicht mehr zufrieden und wollen den Vertrag nicht verlängern.",
        ),
        (
            "Résiliation du contrat",
            "nous ne souhaitons pas renouveler le contrat pour {product} et pensons à le résilier.",
        ),
    ),
    Topic.GRUMBLE: (
        (
            "Support for {product}",
            "the last answer took two days, which is too long for us. It works again now, thank you.",
        ),
        (
            "We have to cancel the appointment",
            "our people for the {purpose} are ill this week. We will find another day, thank you.",
        ),
    ),
    Topic.SUCCESSOR: (
        (
            "I am handing over",
            "a colleague of mine looks after {product} from now on and will write to you. Thank you for "
            "everything.",
        ),
    ),
}
