"""Single exchanges, question and reply, in one language: facts, concepts, small talk, stories, refusals."""

from __future__ import annotations

import random

from . import concepts, facts, refusals, stories, talk, topics
from .facts import Relation
from .registers import reworded, typed
from .wording import Language, capital, choose, fill, local, normal, taught, with_article, words

Exchange = tuple[str, str]

# Relations that are asked about things by name: an unfamiliar name is refused in the same wordings.
BY_PLACE = frozenset(("capital", "continent", "language", "currency"))
BY_THING = frozenset(
    ("sound", "baby", "home", "legs", "colour", "opposite", "eats", "made_of", "plural", "isa", "landmark")
)
_SUMS = ("sum", "sum_words", "sum_plus")
_MANY = 40  # pairs; more of them, as sums are, do not make a relation more frequent
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
    while True:
        subject, answer = pair or rng.choice(relation.pairs)
        template = rng.choice(relation.asks(subject) if key == "ask" else relation.wordings[key])
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
    if any(_bare(subject) == _bare(known) for known, _ in relation.pairs):
        return None
    wordings = relation.asks(subject) if key == "ask" else relation.wordings[key]
    question = facts.ask(relation, subject, "", rng.choice(wordings), rng)
    return typed(question, language, rng), rng.choice(refusals.refusals(language))


def mismatched(rng: random.Random, language: Language) -> Exchange:
    """A question that makes no sense or was not taught: a known subject in another relation's wording."""
    table = facts.relations(language)
    # Without "landmark": "Where is France?" makes sense.
    names = sorted((BY_PLACE | BY_THING - {"isa", "landmark"}) & table.keys())
    while True:
        asked, known = rng.sample(names, 2)
        subject = rng.choice(table[known].pairs)[0]
        bare = _bare(subject)
        if all(bare not in _bare(other) and _bare(other) not in bare for other, _ in table[asked].pairs):
            break
    question = facts.ask(table[asked], subject, "", rng.choice(table[asked].wordings["ask"]), rng)
    return typed(question, language, rng), rng.choice(refusals.refusals(language))


def _bare(subject: str) -> str:
    """A subject without its article."""
    return subject.removeprefix("a ").removeprefix("an ").removeprefix("the ").casefold()


def yes_or_no(rng: random.Random, language: Language) -> Exchange:
    """ "Is Paris the capital of Italy?" with a reply that says yes or no, and the fact itself."""
    relation = facts.relations(language)[rng.choice(YES_NO)]
    subject, answer = rng.choice(relation.pairs)
    offered = answer if rng.random() < 0.5 else rng.choice(sorted(relation.answers()))
    right = {told for known, told in relation.pairs if known == subject}
    slots = facts.slots(subject, answer) | {"X": offered}
    question = fill(choose(rng.choice(local(f"yes_no.{relation.name}", language)), rng), slots)
    word = local("yes" if offered in right else "no", language)[0]
    told = facts.ask(relation, subject, answer, relation.wordings["say"][0], rng)
    if language == "en":  # all of these sentences begin with a common word
        told = told[:1].lower() + told[1:]
    return typed(question, language, rng), f"{word}{told}"


# Not "eats" or "isa": a bear eats fish as well, and a bird is an animal, too.
YES_NO = ("capital", "colour", "opposite", "legs")


def topic(rng: random.Random, language: Language) -> list[Exchange]:
    """Why, whether, how: a question with its answer, and now and then what is asked next."""
    one = rng.choice(topics.topics(language))
    question = reworded(topics.question(one, rng), language, rng)
    pairs = [(typed(question, language, rng), rng.choice(one.answers))]
    if one.follow_ups and rng.random() < 0.6:
        ask, say = rng.choice(one.follow_ups)
        pairs.append((typed(ask, language, rng), say))
    return pairs


def difference(rng: random.Random, language: Language) -> Exchange:
    """What differs between two things, or whether they are the same."""
    ask, say = topics.compared(rng.choice(topics.differences(language)), rng)
    return typed(ask, language, rng), say


def concept(one: concepts.Concept, rng: random.Random) -> Exchange:
    """A question about a concept in a taught wording, and an explanation: what it is."""
    while True:
        if rng.random() < 0.2:
            question = rng.choice(one.asks)
        else:
            question = concept_question(one, rng.choice(taught(concepts.ASK, one.language)), rng)
        if normal(question) not in topics.asked(one.language):
            return typed(question, one.language, rng), rng.choice(one.answers)


def concept_use(one: concepts.Concept, rng: random.Random) -> Exchange:
    """Why a concept is there, or an example of it, asked by its name: other answers than what it is."""
    while True:
        use = rng.random() < 0.65
        wordings = taught(concepts.USE if use else concepts.INSTANCE, one.language)
        question = concept_question(one, rng.choice(wordings), rng)
        if normal(question) not in topics.asked(one.language):
            return typed(question, one.language, rng), one.why if use else one.example


def concept_question(one: concepts.Concept, template: str, rng: random.Random) -> str:
    """The template filled with the concept's name."""
    name = rng.choice(one.names)
    whole = one.article if one.language == "en" else name
    if one.language == "en" and rng.random() < 0.06 and not one.article.startswith("the "):
        whole = name
    question = choose(template, rng).replace("{a}", whole).replace("{n}", name)
    return capital(question) if template[0] == "{" and one.language == "en" else question


def small_talk(rng: random.Random, language: Language, kind: str | None = None) -> Exchange:
    """A greeting, thanks, a question about the tutor itself."""
    table = talk.talks(language)
    one = table[kind] if kind else rng.choice(list(table.values()))
    question = rng.choice(one.ask)
    if language == "en" and rng.random() < 0.2:
        question = question.lower().rstrip(".?!")
    elif rng.random() < 0.15:
        question = question.rstrip(".。") + rng.choice(words("talk.after"))
    return question, rng.choice(one.say)


def story(rng: random.Random, language: Language) -> Exchange:
    """A request for a story, of any kind, about a hero or about a thing, and the story."""
    chance = rng.random()
    if chance < 0.25:
        ask = choose(rng.choice(local("story.ask", language)), rng)
        return typed(ask, language, rng), stories.tell(language, rng)[0]
    table = stories.kinds if chance < 0.75 else stories.things
    place = rng.randrange(len(table(language)))
    wanted = table(language)[place]
    source = table("tw" if language == "cn" else language)[place]  # the grammar takes Traditional characters
    if table is stories.kinds:
        text = ""
        while wanted not in text:  # some plots name only the hero
            text, _ = stories.tell(language, rng, kind=source)
        ask = fill(choose(rng.choice(local("story.about", language)), rng), {"k": wanted})
    else:
        text, _ = stories.tell(language, rng, thing=source)
        wanted = with_article(wanted) if language == "en" else wanted
        ask = fill(choose(rng.choice(local("story.with", language)), rng), {"t": wanted})
    return typed(ask, language, rng), text


def refusal(rng: random.Random, language: Language) -> Exchange:
    """A question that the tutor was not taught, and its refusal."""
    question = typed(refusals.question(rng, language), language, rng)
    return question, rng.choice(refusals.refusals(language))


def any_relation(rng: random.Random, language: Language) -> Relation:
    """A relation, those with many facts more often, and sums, which are the hardest, twice as often."""
    table = list(facts.relations(language).values())
    weights = [(2 + min(len(one.pairs), _MANY) ** 0.6) * (2 if one.name in _SUMS else 1) for one in table]
    return rng.choices(table, weights)[0]


def named(relation: str, language: Language) -> Relation:
    """A relation by its name."""
    return facts.relations(language)[relation]
