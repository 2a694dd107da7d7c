"""Single exchanges, question and reply, in one language: facts, concepts, small talk, stories, refusals."""

from __future__ import annotations

import random

from . import concepts, facts, refusals, stories, talk
from .facts import Relation
from .wording import Language, capital, fill, in_script, local, taught, typed

Exchange = tuple[str, str]

# Relations that are asked about things by name: an unfamiliar name is refused in the same wordings.
BY_PLACE = frozenset(("capital", "continent", "language", "currency"))
BY_THING = frozenset(
    ("sound", "baby", "home", "legs", "colour", "opposite", "eats", "made_of", "plural", "isa", "landmark")
)
_SUMS = ("sum", "difference", "sum_words")
REFUSED_BY_NAME = BY_PLACE | BY_THING


def reply(relation: Relation, subject: str, answer: str, rng: random.Random, full: float = 0.7) -> str:
    """A reply with the answer: the relation's first, full sentence mostly, or one of the shorter ones."""
    says = relation.wordings["say"]
    template = says[0] if rng.random() < full else rng.choice(says)
    return facts.ask(relation, subject, answer, template, rng)


def fact(
    relation: Relation, rng: random.Random, key: str = "ask", pair: tuple[str, str] | None = None
) -> Exchange:
    """A question about a fact in a taught wording, and its reply."""
    wordings = relation.wordings[key]
    while True:
        subject, answer = pair or rng.choice(relation.pairs)
        template = rng.choice(wordings)
        if relation.may_train(template, subject):
            break
    question = typed(facts.ask(relation, subject, answer, template, rng), relation.language, rng)
    return question, reply(relation, subject, answer, rng)


def unknown(
    relation: Relation, rng: random.Random, key: str = "ask", held_out: bool = False
) -> Exchange | None:
    """A question in the relation's wording about something unfamiliar, if the relation has such questions."""
    language = relation.language
    if relation.name in BY_PLACE:
        subject = refusals.slot("town", rng, language, held_out)
    elif relation.name in BY_THING:
        subject = refusals.slot(rng.choice(("word", "rare")), rng, language, held_out)
    else:
        return None
    if any(subject == known for known, _ in relation.pairs):
        return None
    question = facts.ask(relation, subject, "", rng.choice(relation.wordings[key]), rng)
    return typed(question, language, rng), rng.choice(refusals.refusals(language))


def yes_or_no(rng: random.Random, language: Language) -> Exchange:
    """ "Is Paris the capital of Italy?" with a reply that says yes or no and why."""
    relation = facts.relations(language)[rng.choice(("capital", "colour"))]
    subject, answer = rng.choice(relation.pairs)
    offered = answer if rng.random() < 0.5 else rng.choice(sorted(relation.answers()))
    slots = {"S": subject, "A": answer, "X": offered}
    if language == "en":
        ask = "Is {X} the capital of {S}?" if relation.name == "capital" else "Is {S} {X}?"
        say = "the capital of {S} is {A}." if relation.name == "capital" else "{S} is {A}."
        word = "Yes, " if offered == answer else "No, "
    else:
        ask = "{X}是{S}的首都嗎？" if relation.name == "capital" else "{S}是{X}的嗎？"
        say = "{S}的首都是{A}。" if relation.name == "capital" else "{S}是{A}的。"
        word = "是的，" if offered == answer else "不是，"
        ask, say = in_script(ask, language), in_script(say, language)
    return typed(fill(ask, slots), language, rng), word + fill(say, slots)


def concept(one: concepts.Concept, rng: random.Random) -> Exchange:
    """A question about a concept in a taught wording, and an explanation."""
    if rng.random() < 0.2:
        question = rng.choice(one.asks)
    else:
        question = concept_question(one, rng.choice(taught(concepts.ASK, one.language)), rng)
    return typed(question, one.language, rng), rng.choice(one.answers)


def concept_question(one: concepts.Concept, template: str, rng: random.Random) -> str:
    """The template filled with the concept's name."""
    name = rng.choice(one.names)
    with_article = one.article if one.language == "en" else name
    if one.language == "en" and rng.random() < 0.06 and not one.article.startswith("the "):
        with_article = name
    question = template.replace("{a}", with_article).replace("{n}", name)
    return capital(question) if template[0] == "{" and one.language == "en" else question


def small_talk(rng: random.Random, language: Language, kind: str | None = None) -> Exchange:
    """A greeting, thanks, a question about the tutor itself."""
    table = talk.talks(language)
    one = table[kind] if kind else rng.choice(list(table.values()))
    question = rng.choice(one.ask)
    if language == "en" and rng.random() < 0.2:
        question = question.lower().rstrip(".?!")
    return question, rng.choice(one.say)


def story(rng: random.Random, language: Language) -> Exchange:
    """A request for a story, and the story."""
    if rng.random() < 0.4:
        return typed(rng.choice(local("story.ask", language)), language, rng), stories.tell(language, rng)[0]
    kind = rng.choice(stories.kinds(language))
    # the grammar takes kinds in Traditional characters
    source = kind if language != "cn" else stories.kinds("tw")[stories.kinds("cn").index(kind)]
    text, _ = stories.tell(language, rng, source)
    question = fill(rng.choice(local("story.about", language)), {"k": kind})
    return typed(question, language, rng), text


def refusal(rng: random.Random, language: Language) -> Exchange:
    """A question that the tutor was not taught, and its refusal."""
    question = typed(refusals.question(rng, language), language, rng)
    return question, rng.choice(refusals.refusals(language))


def any_relation(rng: random.Random, language: Language) -> Relation:
    """A relation, those with many facts more often, and sums, which are the hardest, twice as often."""
    table = list(facts.relations(language).values())
    weights = [(2 + len(one.pairs) ** 0.6) * (2 if one.name in _SUMS else 1) for one in table]
    return rng.choices(table, weights)[0]


def named(relation: str, language: Language) -> Relation:
    """A relation by its name."""
    return facts.relations(language)[relation]
