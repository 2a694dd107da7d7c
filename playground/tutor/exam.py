"""The examination: questions whose wordings, pairs and topics are never trained, each with its judge's data.

Held out are (a) whole wordings, marked "!" in the tables; (b) one in twelve pairs of fact and taught wording;
(c) one in twelve pairs of neighbours in a follow-up; (d) topics, places and rare words of refusals.
"""

from __future__ import annotations

import dataclasses
import random

from . import concepts, dialogues, exchanges, facts, refusals, stories, talk
from .document import Turn
from .facts import Relation
from .wording import LANGUAGES, Language, fill, first_choice, held_out, kept, local, taught

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
        for category, size in _SIZES.items():
            seen: set[tuple[Turn, ...]] = set()
            for _ in range(size * 20):
                question = _make(category, rng, language)
                if len(seen) == size:
                    break
                if question and question.turns not in seen:
                    seen.add(question.turns)
                    found.append(dataclasses.replace(question, category=category))
    return found


def _make(category: str, rng: random.Random, language: Language) -> Question | None:
    match category:
        case "fact, new wording" | "fact, new pair":
            return _fact(rng, language, category == "fact, new wording")
        case "concept, new wording":
            return _concept(rng, language)
        case "follow-up, new wording" | "follow-up, new pair":
            return _follow_up(rng, language, category == "follow-up, new wording")
        case "concept follow-up":
            return _concept_follow_up(rng, language)
        case "refusal, new topic":
            return _refusal(rng, language)
        case "refusal, new place or thing":
            return _unknown(rng, language)
        case "small talk":
            return _talk(rng, language)
        case "name remembered":
            return _name(rng, language)
        case "system prompt":
            return _system(rng, language)
        case "story":
            return _story(rng, language)
    raise ValueError(category)


def _question(
    language: Language, texts: list[str], judge: str, expected: list[str], others: set[str]
) -> Question:
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
    text = exchanges.concept_question(one, rng.choice(kept(concepts.ASK, language)), random.Random(1))
    return _question(language, [text], "texts", one.answers, _others(language, one, "answers"))


def _concept_follow_up(rng: random.Random, language: Language) -> Question:
    one = rng.choice(concepts.concepts(language))
    before = [
        exchanges.concept_question(one, taught(concepts.ASK, language)[0], random.Random(1)),
        one.answers[0],
    ]
    kind = rng.choice(("why", "example", "next"))
    if kind == "next":
        other = rng.choice([other for other in concepts.concepts(language) if other.key != one.key])
        template = rng.choice(kept(concepts.NEXT, language))
        text = exchanges.concept_question(other, template, random.Random(1))
        return _question(
            language, [*before, text], "texts", other.answers, _others(language, other, "answers")
        )
    table = concepts.WHY if kind == "why" else concepts.EXAMPLE
    new_pair = held_out(one.key, kind, one.names[0])
    text = rng.choice((taught if new_pair else kept)(table, language))
    return _question(language, [*before, text], "texts", [getattr(one, kind)], _others(language, one, kind))


def _refusal(rng: random.Random, language: Language) -> Question:
    return _question(language, [refusals.question(rng, language, held_out=True)], "refusal", [], set())


def _unknown(rng: random.Random, language: Language) -> Question | None:
    relation = exchanges.any_relation(rng, language)
    if relation.name not in exchanges.REFUSED_BY_NAME:
        return None
    kind = "town" if relation.name in exchanges.BY_PLACE else "rare"
    subject = rng.choice(refusals.rare(kind, language, held_out=True))
    text = facts.ask(relation, subject, "", first_choice(rng.choice(relation.wordings["ask"])), rng)
    return _question(language, [text], "refusal", [], set())


def _talk(rng: random.Random, language: Language) -> Question:
    table = talk.talks(language)
    one = rng.choice(list(table.values()))
    others = {text for other in table.values() if other.kind != one.kind for text in other.say}
    return _question(language, [rng.choice(one.ask_held_out)], "texts", one.say, others)


def _name(rng: random.Random, language: Language) -> Question:
    name = rng.choice(local("name.held_out", language))
    hello = local("name.mine", language)[0].replace("{B}", name)
    nice = local("name.nice", language)[0].replace("{B}", name)
    texts = [hello, nice]
    if rng.random() < 0.5:
        relation = exchanges.any_relation(rng, language)
        texts += _first_exchange(relation, *rng.choice(relation.pairs), rng)
    asks = local("name.what_held_out", language) + local("name.what", language)[:1]
    return _question(language, [*texts, rng.choice(asks)], "contains", [name], set())


def _system(rng: random.Random, language: Language) -> Question:
    kind = rng.choice(("style", "style", "name", "word", "language"))
    relation = exchanges.named(rng.choice(facts.SIMPLE_IN_A_WORD), language)
    subject, answer = rng.choice(relation.pairs)
    ask, _ = _first_exchange(relation, subject, answer, rng)
    if kind == "style":
        style = rng.choice(list(dialogues.STYLES))
        system = rng.choice(kept(f"style.{style}", language))
        says = [facts.ask(relation, subject, answer, one, rng) for one in relation.wordings["say"]]
        expected = [dialogues.STYLES[style](one, language) for one in says]
    elif kind == "name":
        name = rng.choice(local("name.held_out", language))
        wordings = kept if rng.random() < 0.5 else taught
        system = rng.choice(wordings(dialogues.CALLED, language)).replace("{B}", name)
        ask = rng.choice(talk.talks(language)["who"].ask[:4])
        expected = [local(dialogues.CALLED_REPLY, language)[0].replace("{B}", name)]
    elif kind == "word":
        system = rng.choice(kept(dialogues.ONE_WORD, language))
        expected = [dialogues.one_word(answer, language)]
    else:
        target = rng.choice(LANGUAGES)
        system = rng.choice(dialogues.speak(target, held_out=True))
        name = rng.choice(facts.ABOUT_COUNTRIES)
        place = rng.randrange(len(facts.relations("en")[name].pairs))
        asked, told = facts.relations(language)[name], facts.relations(target)[name]
        ask = _first_exchange(asked, *asked.pairs[place], rng)[0]
        expected = [facts.ask(told, *told.pairs[place], template, rng) for template in told.wordings["say"]]
    question = _question(language, [ask], "exactly", expected, set())
    return dataclasses.replace(question, turns=(Turn("system", system), *question.turns))


def _story(rng: random.Random, language: Language) -> Question:
    kind = rng.choice(stories.kinds(language))
    text = fill(rng.choice(local("story.held_out", language)), {"k": kind})
    return _question(language, [text], "story", [kind] if kind in text else [], set())
