"""The corpus: an endless stream of documents, the same for the same seed.

Nothing is stored: every text is made here from grammars and tables of this project.
"""

from __future__ import annotations

import random

from . import concepts, dialogues, exchanges, facts, items, stories
from .chinese import to_simplified
from .document import Document, conversation, plain
from .wording import Language

SEED = 20_250_101
_LANGUAGES = ("en", "tw", "cn")
_SHARES = (0.46, 0.27, 0.27)

# Kind of document: how many of a thousand. By tokens, stories are about a quarter and conversations a half.
KINDS = {
    "story": 44,
    "story_chat": 22,
    "facts": 170,
    "sequence": 22,
    "country": 14,
    "concept_text": 36,
    "fact": 210,
    "yes_no": 18,
    "concept": 100,
    "talk": 58,
    "refusal": 62,
    "unknown": 84,
    "follow_up": 78,
    "there": 38,
    "concept_talk": 80,
    "mixed": 26,
    "name": 60,
    "system": 104,
}


def document(rng: random.Random, kind: str | None = None) -> Document:
    """One document; of the given kind, or of a kind drawn by its share."""
    kind = kind or rng.choices(list(KINDS), list(KINDS.values()))[0]
    language = rng.choices(_LANGUAGES, _SHARES)[0]
    match kind:
        case "story":
            return plain(stories.tell("en" if rng.random() < 0.6 else language, rng)[0])
        case "story_chat":
            return conversation([exchanges.story(rng, language)])
        case "facts":
            return plain(_facts(rng, language))
        case "sequence":
            return plain(_sequence(rng, language))
        case "country":
            return plain(_country(rng, language))
        case "concept_text":
            return plain(_concept(rng, language))
        case "fact":
            return conversation([exchanges.fact(exchanges.any_relation(rng, language), rng)])
        case "yes_no":
            return conversation([exchanges.yes_or_no(rng, language)])
        case "concept":
            return conversation([exchanges.concept(rng.choice(concepts.concepts(language)), rng)])
        case "talk":
            return conversation([exchanges.small_talk(rng, language)])
        case "refusal":
            return conversation([exchanges.refusal(rng, language)])
        case "unknown":
            while not (pair := exchanges.unknown(exchanges.any_relation(rng, language), rng)):
                pass
            return conversation([pair])
        case "follow_up":
            return conversation(dialogues.follow_ups(rng, language))
        case "there":
            return conversation(dialogues.about_a_country(rng, language))
        case "concept_talk":
            return conversation(dialogues.about_concepts(rng, language))
        case "mixed":
            return conversation(dialogues.mixed(rng, language, rng.randrange(3, 7)))
        case "name":
            return conversation(dialogues.remembered_name(rng, language))
        case "system":
            return dialogues.with_system(rng, language)
    raise ValueError(kind)


def long_conversation(rng: random.Random, exchanges_wanted: int) -> Document:
    """A conversation of many turns, so that the tutor knows distances beyond a short one's."""
    language = rng.choices(_LANGUAGES, _SHARES)[0]
    return conversation(dialogues.mixed(rng, language, exchanges_wanted))


def _facts(rng: random.Random, language: Language) -> str:
    """One to four true sentences: of one relation, or mixed."""
    relation = exchanges.any_relation(rng, language)
    sentences: list[str] = []
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        if rng.random() < 0.4:
            relation = exchanges.any_relation(rng, language)
        subject, answer = rng.choice(relation.pairs)
        template = rng.choice(relation.wordings["raw"])
        sentences.append(facts.ask(relation, subject, answer, template, rng))
    return (" " if language == "en" else "").join(sentences)


def _sequence(rng: random.Random, language: Language) -> str:
    """Counting, days, months, the alphabet: a run of a known order."""
    kind = rng.choice(("number", "number", "figure", "figure", "by", "back", "day", "month", "letter"))
    english = language == "en"
    if kind in ("day", "month"):
        rule = {"day": "day_after", "month": "month_after"}[kind]
        names = [name for name, _ in items.RULES[rule if english else f"zh_{rule}"]()]
        start, length = rng.randrange(len(names)), rng.randrange(3, len(names) + 1)
        run = [names[(start + place) % len(names)] for place in range(length)]
    elif kind == "letter":
        start = rng.randrange(20)
        run = [chr(65 + place) for place in range(start, rng.randrange(start + 3, 27))]
    else:
        step = rng.choice((2, 5, 10)) if kind == "by" else 1
        start = rng.choice((1, 1, rng.randrange(1, 40))) if step == 1 else step
        numbers = [start + step * place for place in range(rng.randrange(4, 13))]
        numbers = [number for number in numbers if number <= 100]
        if kind == "back":
            numbers.reverse()
        if kind == "figure" or (kind == "by" and rng.random() < 0.5):
            run = [str(number) for number in numbers]
        else:
            run = [items.english(number) if english else items.chinese(number) for number in numbers]
    join = ", " if english or run[0].isdigit() else "、"
    text = join.join(run)
    if english:
        text = rng.choice(("", "", "", "Count with me: ", "In order: ")) + text
        return text[:1].upper() + text[1:] + "." if rng.random() < 0.5 else text + "."
    return text + "。"


def _country(rng: random.Random, language: Language) -> str:
    """A few sentences about one country."""
    table = facts.relations(language)
    place = rng.randrange(len(table["capital"].pairs))
    country, capital = table["capital"].pairs[place]
    continent, tongue = table["continent"].pairs[place][1], table["language"].pairs[place][1]
    if language == "en":
        parts = [
            rng.choice((f"{country} is a country in {continent}.", f"{country} lies in {continent}.")),
            rng.choice((f"Its capital is {capital}.", f"The capital is called {capital}.")),
            rng.choice((f"The people there speak {tongue}.", f"There they speak {tongue}.")),
        ]
        return " ".join(parts[:1] + rng.sample(parts[1:], 2))
    text = f"{country}在{continent}。" + "".join(
        rng.sample([f"首都是{capital}。", f"那裡的人說{tongue}。"], 2)
    )
    return to_simplified(text) if language == "cn" else text


def _concept(rng: random.Random, language: Language) -> str:
    """An explanation as plain text, with its reason or example now and then."""
    one = rng.choice(concepts.concepts(language))
    text = [rng.choice(one.answers)]
    if rng.random() < 0.35:
        text.append(one.example)
    return (" " if language == "en" else "").join(text)
