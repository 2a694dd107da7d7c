"""Conversations of several turns, and what a system prompt changes."""

from __future__ import annotations

import random
from collections.abc import Callable

from . import concepts, exchanges, facts, refusals, talk, topics
from .document import Document, conversation
from .exchanges import Exchange
from .registers import typed
from .wording import LANGUAGES, Language, choose, held_out, in_script, local, taught, words


def follow_ups(rng: random.Random, language: Language) -> list[Exchange]:
    """A fact and then the same asked of others: "And of Japan?"."""
    relation = exchanges.any_relation(rng, language)
    while "follow" not in relation.wordings:
        relation = exchanges.any_relation(rng, language)
    pair = rng.choice(relation.pairs)
    pairs = [exchanges.fact(relation, rng, pair=pair)]
    before = pair[0]
    for _ in range(rng.choice((1, 1, 2, 3))):
        if rng.random() < 0.12 and (strange := exchanges.unknown(relation, rng, "follow")):
            pairs.append(strange)
            continue
        subject, answer = rng.choice(relation.pairs)
        if subject == before or held_out(relation.name, "follow", before, subject):
            continue
        template = rng.choice(relation.follows())
        question = typed(facts.ask(relation, subject, answer, template, rng), language, rng)
        pairs.append((question, exchanges.reply(relation, subject, answer, rng)))
        before = subject
    return pairs


def about_a_country(rng: random.Random, language: Language) -> list[Exchange]:
    """A question about a country, then others about "there"."""
    table = facts.relations(language)
    first, *others = rng.sample(facts.ABOUT_COUNTRIES, 3)
    place = rng.randrange(len(table["capital"].pairs))
    country = table["capital"].pairs[place][0]
    pairs = [exchanges.fact(table[first], rng, pair=table[first].pairs[place])]
    for name in others[: rng.choice((1, 2))]:
        relation = table[name]
        wordings = [*relation.wordings.get("there", []), *relation.wordings.get("it", [])]
        if not wordings or held_out("there", name, country):
            continue
        question = typed(choose(rng.choice(wordings), rng), language, rng)
        pairs.append((question, exchanges.reply(relation, country, relation.pairs[place][1], rng)))
    return pairs


_ABOUT_THINGS = ("sound", "baby", "home", "legs", "isa", "eats", "animal_gives", "gives", "colour")


def about_a_thing(rng: random.Random, language: Language) -> list[Exchange]:
    """An animal, then other questions about "it": the same words, and each time another answer."""
    table = facts.relations(language)
    known = [table[name] for name in _ABOUT_THINGS if name in table and "it" in table[name].wordings]
    while True:
        subject = rng.choice(table["legs"].pairs)[0]
        having = [(one, dict(one.pairs)[subject]) for one in known if subject in dict(one.pairs)]
        if len(having) > 1:
            break
    rng.shuffle(having)
    relation, answer = having[0]
    pairs = [exchanges.fact(relation, rng, pair=(subject, answer))]
    for relation, answer in having[1 : rng.choice((2, 3, 4))]:
        if rng.random() < 0.7:
            question = typed(choose(rng.choice(relation.wordings["it"]), rng), language, rng)
            pairs.append((question, exchanges.reply(relation, subject, answer, rng)))
        else:
            pairs.append(exchanges.fact(relation, rng, pair=(subject, answer)))
    return pairs


def about_concepts(rng: random.Random, language: Language) -> list[Exchange]:
    """A concept, then why, an example, in other words, what differs, or the next concept."""
    one = rng.choice(concepts.concepts(language))
    pairs = [exchanges.concept(one, rng)]
    said: set[str] = {pairs[0][1]}
    for _ in range(rng.choice((1, 1, 2, 3))):
        kind = rng.choices(("why", "example", "again", "next"), (30, 30, 10, 30))[0]
        if held_out(one.key, kind, one.names[0]) and kind in ("why", "example"):
            continue
        if kind == "next":
            one = rng.choice(concepts.concepts(language))
            ask = rng.choice(taught(concepts.NEXT, language))
            question = typed(exchanges.concept_question(one, ask, rng), language, rng)
        else:
            question = _asked({"why": concepts.WHY, "example": concepts.EXAMPLE}.get(kind, concepts.AGAIN),
                              language, rng)  # fmt: skip
        answers = {"why": [one.why], "example": [one.example]}.get(kind, one.answers)
        if fresh := [text for text in answers if text not in said]:
            pairs.append((question, rng.choice(fresh)))
            said.add(pairs[-1][1])
    return pairs


def _asked(wordings: str, language: Language, rng: random.Random) -> str:
    """A short question from a list of wordings, as people type it."""
    return typed(choose(rng.choice(taught(wordings, language)), rng), language, rng)


def compared(rng: random.Random, language: Language) -> list[Exchange]:
    """A concept, then how it differs from another: "and how is it different from BERT?"."""
    pair = rng.choice(topics.differences(language))
    by_name = {name: one for one in concepts.concepts(language) for name in one.names}
    for names, other in ((pair.one, True), (pair.other, False)):
        known = next((by_name[name] for name in names if name in by_name), None)
        if known:
            ask, say = topics.compared_with(pair, rng, other)
            return [exchanges.concept(known, rng), (typed(ask, language, rng), say)]
    return [exchanges.difference(rng, language)]


def side_by_side(rng: random.Random, language: Language) -> list[Exchange]:
    """Questions that share words and differ in answer: what it is, why, what differs, a near miss."""
    if rng.random() < 0.4:
        group = rng.choice(topics.alike(language))
        return [
            (typed(ask, language, rng), say)
            for ask, say in rng.sample(group, rng.randrange(1, len(group) + 1))
        ]
    one = rng.choice(concepts.concepts(language))
    pairs = [exchanges.concept(one, rng)]
    if rng.random() < 0.6:
        pairs.append(exchanges.concept_use(one, rng))
    near = [
        topic
        for topic in topics.topics(language)
        if any(name.casefold() in ask.casefold() for ask in topic.asks for name in one.names)
    ]
    rng.shuffle(near)
    for topic in near[:2]:
        question = typed(topics.question(topic, rng), language, rng)
        pairs.append((question, rng.choice(topic.answers)))
    if rng.random() < 0.4 or len(pairs) == 1:
        pairs.append(exchanges.refusal(rng, language))
    rng.shuffle(pairs)
    return pairs


def a_name(rng: random.Random, language: Language) -> str:
    """A name for a person or for the tutor: many in Chinese hold a character that is written in bytes."""
    if language != "en" and rng.random() < 0.5:
        kind = rng.random()
        if kind < 0.4:
            return rng.choice(refusals.rare("first", language))
        character = refusals.rare_character(rng, language)
        first = in_script(rng.choice(words("name.first.tw")), language)
        return first + character if kind < 0.8 else first + character + refusals.rare_character(rng, language)
    if language == "en" or rng.random() < 0.3:
        if rng.random() < 0.6:
            return refusals.invented(rng, "en").capitalize()
        return rng.choice(words("names.en"))
    if rng.random() < 0.55:
        name = refusals.invented(rng, language)
        return name if name.isascii() is False else rng.choice(words("names.en"))
    return in_script(rng.choice(words("names.tw")), language)


def remembered_name(rng: random.Random, language: Language) -> list[Exchange]:
    """The visitor says a name, and later asks for it."""
    name = a_name(rng, language)

    def one(wordings: str) -> str:
        return choose(rng.choice(local(wordings, language)), rng).replace("{B}", name)

    pairs = [(one("name.mine"), one("name.nice"))]
    for _ in range(rng.choice((0, 0, 1, 2))):
        pairs.append(short_exchange(rng, language))
    return [*pairs, (typed(one("name.what"), language, rng), one("name.yours"))]


def short_exchange(rng: random.Random, language: Language) -> Exchange:
    """Any exchange but a story."""
    kind = rng.random()
    if kind < 0.4:
        return exchanges.fact(exchanges.any_relation(rng, language), rng)
    if kind < 0.55:
        return exchanges.concept(rng.choice(concepts.concepts(language)), rng)
    if kind < 0.65:
        return exchanges.topic(rng, language)[0]
    if kind < 0.72:
        return exchanges.difference(rng, language)
    if kind < 0.88:
        return exchanges.small_talk(rng, language)
    return exchanges.refusal(rng, language)


def mixed(rng: random.Random, language: Language, turns: int) -> list[Exchange]:
    """A conversation that changes its subject, with thanks and now and then a story or another language."""
    pairs = [exchanges.small_talk(rng, language, "greet")] if rng.random() < 0.4 else []
    while len(pairs) < turns:
        kind = rng.random()
        if rng.random() < 0.04:
            language = rng.choice(LANGUAGES)
        if kind < 0.14:
            pairs += follow_ups(rng, language)
        elif kind < 0.2:
            pairs += about_a_country(rng, language)
        elif kind < 0.26:
            pairs += about_a_thing(rng, language)
        elif kind < 0.38:
            pairs += about_concepts(rng, language)
        elif kind < 0.44:
            pairs.append(exchanges.story(rng, language))
        elif kind < 0.52:
            pairs.append(exchanges.small_talk(rng, language, "thanks"))
        else:
            pairs.append(short_exchange(rng, language))
    return pairs


Change = Callable[[str, Language], str]


def _around(before: str, after: str, before_zh: str, after_zh: str) -> Change:
    def change(reply: str, language: Language) -> str:
        if language == "en":
            return before + reply + after
        return in_script(before_zh, language) + reply + in_script(after_zh, language)

    return change


STYLES: dict[str, Change] = {  # what a system prompt does to a reply; its wordings are the lists "style.*"
    "none": lambda reply, language: reply,
    "pirate": _around("Arr, matey! ", "", "啊哈，水手！", ""),
    "cheerful": _around("What a great question! ", " Hooray!", "好棒的問題！", "耶！"),
    "sad": _around("Oh dear... ", " Sigh.", "唉……", "好難過。"),
}
ONE_WORD, CALLED, CALLED_REPLY = "system.one_word", "system.called", "system.called_reply"


def with_system(rng: random.Random, language: Language) -> Document:
    """A conversation under a system prompt."""
    kind = rng.random()
    if kind < 0.2:
        return _named(rng, language)
    if kind < 0.4:
        return _one_word(rng, language)
    if kind < 0.6:
        return _spoken(rng, language)
    style = rng.choice(list(STYLES))
    pairs = [short_exchange(rng, language) for _ in range(rng.choice((1, 1, 2)))]
    if rng.random() < 0.25:
        pairs = follow_ups(rng, language)
    system = rng.choice(taught(f"style.{style}", language))
    return conversation([(ask, STYLES[style](say, language)) for ask, say in pairs], system)


def _named(rng: random.Random, language: Language) -> Document:
    name = a_name(rng, language)
    system = rng.choice(taught(CALLED, language)).replace("{B}", name)
    who = talk.talks(language)["who"]
    say = local(CALLED_REPLY, language)[0]
    pairs = [(rng.choice(who.ask), say.replace("{B}", name))]
    if rng.random() < 0.4:
        pairs.insert(rng.randrange(2), short_exchange(rng, language))
        pairs = [(ask, say) for ask, say in pairs if ask not in who.ask or name in say]
    return conversation(pairs, system)


def _one_word(rng: random.Random, language: Language) -> Document:
    pairs: list[Exchange] = []
    for _ in range(rng.choice((1, 1, 2))):
        relation = exchanges.named(rng.choice(facts.SIMPLE_IN_A_WORD), language)
        pair = rng.choice(relation.pairs)
        question, _ = exchanges.fact(relation, rng, pair=pair)
        pairs.append((question, one_word(pair[1], language)))
    return conversation(pairs, rng.choice(taught(ONE_WORD, language)))


def one_word(answer: str, language: Language) -> str:
    """An answer alone, with its stop."""
    return answer[:1].upper() + answer[1:] + ("." if language == "en" else "。")


def speak(target: Language, held_out: bool = False) -> list[str]:
    """System prompts, in any language, that ask for replies in the target language."""
    return [one.lstrip("!") for one in words(f"speak.{target}") if (one[0] == "!") is held_out]


def _spoken(rng: random.Random, language: Language) -> Document:
    target = rng.choice(LANGUAGES)
    system = rng.choice(speak(target))
    kind = rng.random()
    if kind < 0.5:
        name = rng.choice(facts.ABOUT_COUNTRIES)
        asked, told = facts.relations(language)[name], facts.relations(target)[name]
        place = rng.randrange(len(asked.pairs))
        question, _ = exchanges.fact(asked, rng, pair=asked.pairs[place])
        return conversation([(question, exchanges.reply(told, *told.pairs[place], rng))], system)
    if kind < 0.75:
        place = rng.randrange(len(concepts.concepts("en")))
        question, _ = exchanges.concept(concepts.concepts(language)[place], rng)
        return conversation([(question, rng.choice(concepts.concepts(target)[place].answers))], system)
    if kind < 0.9:
        subject = rng.choice(sorted(talk.talks("en")))
        question, _ = exchanges.small_talk(rng, language, subject)
        return conversation([(question, rng.choice(talk.talks(target)[subject].say))], system)
    question, _ = exchanges.refusal(rng, language)
    return conversation([(question, rng.choice(refusals.refusals(target)))], system)
