"""The corpus: an endless stream of documents, the same for the same seed.

Nothing is stored: every text is made here from grammars and tables of this project.
"""

from __future__ import annotations

import random

from . import concepts, dialogues, exchanges, facts, items, learners, stories, topics
from .chinese import to_simplified
from .document import Document, conversation, plain
from .wording import Language, normal

SEED = 20_250_101
_LANGUAGES = ("en", "tw", "cn")
_SHARES = (0.42, 0.29, 0.29)

# Kind of document and its share, the same from the first step to the last: questions are learned beside the
# plain texts that hold their answers.
KINDS = {
    "story": 24,
    "story_chat": 34,
    "facts": 92,
    "sequence": 12,
    "country": 10,
    "concept_text": 34,
    "fact": 178,
    "yes_no": 18,
    "concept": 78,
    "concept_use": 48,
    "topic": 108,
    "difference": 44,
    "compared": 22,
    "side_by_side": 28,
    "talk": 58,
    "refusal": 76,
    "unknown": 40,
    "mismatched": 18,
    "follow_up": 66,
    "there": 36,
    "it": 36,
    "concept_talk": 60,
    "mixed": 22,
    "name": 50,
    "system": 64,
}


def document(rng: random.Random, kind: str | None = None) -> Document:
    """One document; of a kind drawn by its share if none is given. None asks what the examination asks."""
    while True:
        drawn = _document(rng, kind)
        if not any(turn.role == "user" and normal(turn.text) in learners.asked() for turn in drawn.turns):
            return drawn


def _document(rng: random.Random, kind: str | None) -> Document:
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
        case "concept_use":
            return conversation([exchanges.concept_use(rng.choice(concepts.concepts(language)), rng)])
        case "topic":
            return conversation(exchanges.topic(rng, language))
        case "difference":
            return conversation([exchanges.difference(rng, language)])
        case "compared":
            return conversation(dialogues.compared(rng, language))
        case "side_by_side":
            return conversation(dialogues.side_by_side(rng, language))
        case "mismatched":
            return conversation([exchanges.mismatched(rng, language)])
        case "it":
            return conversation(dialogues.about_a_thing(rng, language))
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
    while True:
        drawn = conversation(dialogues.mixed(rng, language, exchanges_wanted))
        if not any(turn.role == "user" and normal(turn.text) in learners.asked() for turn in drawn.turns):
            return drawn


def _facts(rng: random.Random, language: Language) -> str:
    """One to four true sentences: of one relation, or mixed."""
    relation = exchanges.any_relation(rng, language)
    sentences: list[str] = []
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        if rng.random() < 0.4:
            relation = exchanges.any_relation(rng, language)
        subject, answer = rng.choice(relation.pairs)
        template = rng.choice(relation.wordings["raw"])
        sentence = facts.ask(relation, subject, answer, template, rng)
        if sentences and sentences[-1][-1].isalnum():  # two sums are apart
            sentences[-1] += "." if language == "en" else "。"
        sentences.append(sentence)
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
    """An explanation as plain text, with its reason or example now and then; or what differs, or why."""
    kind = rng.random()
    if kind < 0.2:
        return rng.choice(topics.differences(language)).answer
    if kind < 0.4:
        return rng.choice(rng.choice(topics.topics(language)).answers)
    one = rng.choice(concepts.concepts(language))
    text = [rng.choice(one.answers)]
    if rng.random() < 0.35:
        text.append(one.example)
    return (" " if language == "en" else "").join(text)
