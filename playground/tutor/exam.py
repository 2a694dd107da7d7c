"""The examination: questions whose wordings, pairs and topics are never trained, each with its judge's data.

Held out are (a) whole wordings, marked "!" in the tables; (b) one in twelve pairs of fact and taught wording;
(c) one in twelve pairs of neighbours in a follow-up; (d) topics, places and rare words of refusals.
"""

from __future__ import annotations

import dataclasses
import random

from . import concepts, dialogues, exchanges, facts, refusals, talk
from .chinese import to_simplified
from .document import Turn
from .facts import Relation
from .wording import LANGUAGES, Language, fill, first_choice, held_out

SEED = 7
_SIZES = {  # questions a language; 0 in "every" means all there are
    "fact, new wording": 150,
    "fact, new pair": 80,
    "concept, new wording": 80,
    "follow-up, new wording": 60,
    "follow-up, new pair": 40,
    "concept follow-up": 50,
    "refusal, new topic": 60,
    "refusal, new place or thing": 40,
    "small talk": 60,
    "name remembered": 20,
    "system prompt": 60,
    "story": 8,
}
CATEGORIES = tuple(_SIZES)
FACTS = ("fact, new wording", "fact, new pair", "concept, new wording")
FOLLOW_UPS = ("follow-up, new wording", "follow-up, new pair", "concept follow-up")
REFUSALS = ("refusal, new topic", "refusal, new place or thing")


@dataclasses.dataclass(frozen=True)
class Question:
    """One question of the examination."""

    category: str
    language: Language
    turns: tuple[Turn, ...]  # the last is the visitor's
    judge: str  # "answer", "texts", "refusal", "contains" or "story"
    expected: tuple[str, ...]  # right answers or texts
    others: tuple[str, ...] = ()  # what a right reply does not say: answers or texts of other facts


def questions() -> list[Question]:
    """All questions, the same each time."""
    rng = random.Random(SEED)
    found: list[Question] = []
    for language in LANGUAGES:
        makers = {
            "fact, new wording": lambda language=language: _fact(rng, language, new_wording=True),
            "fact, new pair": lambda language=language: _fact(rng, language, new_wording=False),
            "concept, new wording": lambda language=language: _concept(rng, language),
            "follow-up, new wording": lambda language=language: _follow_up(rng, language, new_wording=True),
            "follow-up, new pair": lambda language=language: _follow_up(rng, language, new_wording=False),
            "concept follow-up": lambda language=language: _concept_follow_up(rng, language),
            "refusal, new topic": lambda language=language: _refusal(rng, language),
            "refusal, new place or thing": lambda language=language: _unknown(rng, language),
            "small talk": lambda language=language: _talk(rng, language),
            "name remembered": lambda language=language: _name(rng, language),
            "system prompt": lambda language=language: _system(rng, language),
            "story": lambda language=language: _story(rng, language),
        }
        for category, size in _SIZES.items():
            seen: set[tuple[Turn, ...]] = set()
            for _ in range(size * 20):
                question = makers[category]()
                if len(seen) == size:
                    break
                if question and question.turns not in seen:
                    seen.add(question.turns)
                    found.append(dataclasses.replace(question, category=category))
    return found


def _question(language: Language, texts: list[str], judge: str, expected: list[str], others: set[str]) -> Question:
    """Texts alternate between visitor and tutor."""
    turns = tuple(Turn("user" if place % 2 == 0 else "assistant", text) for place, text in enumerate(texts))
    return Question("", language, turns, judge, tuple(expected), tuple(sorted(others - set(expected))))


def _right(relation: Relation, subject: str) -> list[str]:
    """All right answers: a city may be asked in more than one way, a subject may have several answers."""
    return [answer for known, answer in relation.pairs if known == subject]


def _fact(rng: random.Random, language: Language, new_wording: bool) -> Question | None:
    relation = exchanges.any_relation(rng, language)
    subject, answer = rng.choice(relation.pairs)
    if new_wording:
        template = rng.choice(relation.wordings["ask!"])
    else:
        kept = [one for one in relation.wordings["ask"] if not relation.may_train(one, subject)]
        if not kept:
            return None
        template = rng.choice(kept)
    text = facts.ask(relation, subject, answer, template, rng)
    return _question(language, [text], "answer", _right(relation, subject), relation.answers())


def _first_exchange(relation: Relation, subject: str, answer: str, rng: random.Random) -> list[str]:
    ask = facts.ask(relation, subject, answer, relation.wordings["ask"][0], rng)
    return [ask, facts.ask(relation, subject, answer, relation.wordings["say"][0], rng)]


def _follow_up(rng: random.Random, language: Language, new_wording: bool) -> Question | None:
    if new_wording and rng.random() < 0.25:
        return _there(rng, language)
    relation = exchanges.any_relation(rng, language)
    if "follow" not in relation.wordings:
        return None
    before, subject = rng.sample(relation.pairs, 2)
    if new_wording:
        template = rng.choice(relation.wordings["follow!"])
    else:
        if not held_out(relation.name, "follow", before[0], subject[0]):
            return None
        template = rng.choice(relation.wordings["follow"])
    texts = _first_exchange(relation, *before, rng)
    texts.append(facts.ask(relation, *subject, template, rng))
    return _question(language, texts, "answer", _right(relation, subject[0]), relation.answers())


def _there(rng: random.Random, language: Language) -> Question | None:
    table = facts.relations(language)
    first, second = rng.sample(facts.ABOUT_COUNTRIES, 2)
    if "there!" not in table[second].wordings:
        return None
    place = rng.randrange(len(table["capital"].pairs))
    texts = _first_exchange(table[first], *table[first].pairs[place], rng)
    texts.append(rng.choice(table[second].wordings["there!"]))
    expected = [table[second].pairs[place][1]]
    return _question(language, texts, "answer", expected, table[second].answers())


def _others(language: Language, one: concepts.Concept, field: str) -> set[str]:
    """Texts of the other concepts, which a right reply is unlike."""
    texts = set[str]()
    for other in concepts.concepts(language):
        if other.key != one.key:
            value = getattr(other, field)
            texts.update(value if isinstance(value, list) else [value])
    return texts


def _concept(rng: random.Random, language: Language) -> Question:
    one = rng.choice(concepts.concepts(language))
    text = exchanges.concept_question(one, rng.choice(concepts.questions(language)[1]), random.Random(1))
    return _question(language, [text], "texts", one.answers, _others(language, one, "answers"))


def _concept_follow_up(rng: random.Random, language: Language) -> Question:
    one = rng.choice(concepts.concepts(language))
    before = [exchanges.concept_question(one, concepts.questions(language)[0][0], random.Random(1)), one.answers[0]]
    kind = rng.choice(("why", "example", "next"))
    if kind == "next":
        other = rng.choice([other for other in concepts.concepts(language) if other.key != one.key])
        template = rng.choice(concepts.follow_ups(concepts.NEXT, language)[1])
        text = exchanges.concept_question(other, template, random.Random(1))
        return _question(language, [*before, text], "texts", other.answers, _others(language, other, "answers"))
    table = concepts.WHY if kind == "why" else concepts.EXAMPLE
    new_pair = held_out(one.key, kind, one.names[0])
    text = rng.choice(concepts.follow_ups(table, language)[0 if new_pair else 1])
    return _question(language, [*before, text], "texts", [getattr(one, kind)], _others(language, one, kind))


def _refusal(rng: random.Random, language: Language) -> Question:
    return _question(language, [refusals.question(rng, language, held_out=True)], "refusal", [], set())


def _unknown(rng: random.Random, language: Language) -> Question | None:
    relation = exchanges.any_relation(rng, language)
    if relation.name not in exchanges.REFUSED_BY_NAME:
        return None
    kind = "town" if relation.name in exchanges.BY_PLACE else "rare"
    subject = rng.choice(refusals.words(kind, language, held_out=True))
    text = facts.ask(relation, subject, "", first_choice(rng.choice(relation.wordings["ask"])), rng)
    return _question(language, [text], "refusal", [], set())


def _talk(rng: random.Random, language: Language) -> Question:
    table = talk.talks(language)
    one = rng.choice(list(table.values()))
    others = {text for other in table.values() if other.kind != one.kind for text in other.say}
    return _question(language, [rng.choice(one.ask_held_out)], "texts", one.say, others)


def _local(table: dict[str, list[str]], language: Language) -> list[str]:
    texts = table["en" if language == "en" else "tw"]
    return [to_simplified(text) for text in texts] if language == "cn" else texts


def _name(rng: random.Random, language: Language) -> Question:
    name = rng.choice(_local(dialogues.NAMES_HELD_OUT, language))
    hello = exchanges.local(dialogues.MY_NAME, language)[0].replace("{B}", name)
    nice = exchanges.local(dialogues.NICE, language)[0].replace("{B}", name)
    texts = [hello, nice]
    if rng.random() < 0.5:
        relation = exchanges.any_relation(rng, language)
        texts += _first_exchange(relation, *rng.choice(relation.pairs), rng)
    asks = exchanges.local(dialogues.WHAT_NAME_HELD_OUT, language) + exchanges.local(dialogues.WHAT_NAME, language)[:1]
    return _question(language, [*texts, rng.choice(asks)], "contains", [name], set())


def _system(rng: random.Random, language: Language) -> Question:
    kind = rng.choice(("style", "style", "name", "word", "language"))
    relation = exchanges.named(rng.choice(facts.SIMPLE_IN_A_WORD), language)
    subject, answer = rng.choice(relation.pairs)
    ask, say = _first_exchange(relation, subject, answer, rng)
    if kind == "style":
        style = rng.choice(dialogues.STYLES)
        system = rng.choice(dialogues.prompts(style.prompts, language, held=True))
        expected = [style.change(say, language)]
    elif kind == "name":
        name = rng.choice(_local(dialogues.NAMES_HELD_OUT, language))
        held = rng.random() < 0.5
        system = rng.choice(dialogues.prompts(dialogues.CALLED, language, held)).replace("{B}", name)
        ask = rng.choice(talk.talks(language)["who"].ask[:4])
        expected = [exchanges.local(dialogues.CALLED_REPLY, language)[0].replace("{B}", name)]
    elif kind == "word":
        system = rng.choice(dialogues.prompts(dialogues.ONE_WORD, language, held=True))
        expected = [dialogues.one_word(answer, language)]
    else:
        target = rng.choice(LANGUAGES)
        system = rng.choice(concepts.split_held_out(dialogues.SPEAK[target])[1])
        name = rng.choice(facts.ABOUT_COUNTRIES)
        place = rng.randrange(len(facts.relations("en")[name].pairs))
        asked, told = facts.relations(language)[name], facts.relations(target)[name]
        ask = _first_exchange(asked, *asked.pairs[place], rng)[0]
        expected = [
            facts.ask(told, *told.pairs[place], template, rng) for template in told.wordings["say"]
        ]
    question = _question(language, [ask], "exactly", expected, set())
    return dataclasses.replace(question, turns=(Turn("system", system), *question.turns))


def _story(rng: random.Random, language: Language) -> Question:
    from . import stories

    kind = rng.choice(stories.kinds(language))
    text = fill(rng.choice(_local(exchanges.STORY_HELD_OUT, language)), {"k": kind})
    return _question(language, [text], "story", [kind] if kind in text else [], set())
