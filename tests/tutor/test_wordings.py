"""How questions vary: registers, plurals, topics side by side, near misses, rare characters, stories."""

import random
import re

import pytest

from playground.tutor import (
    concepts,
    corpus,
    dialogues,
    exchanges,
    facts,
    learners,
    refusals,
    registers,
    shape,
    stories,
    talk,
    topics,
)
from playground.tutor.chinese import HAN
from playground.tutor.wording import LANGUAGES, choose, local, normal, plural


@pytest.mark.parametrize(
    ("noun", "many"),
    [("a cow", "cows"), ("mouse", "mice"), ("a butterfly", "butterflies"), ("fox", "foxes"),
     ("monkey", "monkeys"), ("polar bear", "polar bears"), ("the sky", ""), ("gold", "")],
)  # fmt: skip
def test_plurals(noun, many):
    assert plural(noun) == many


def test_a_fact_is_asked_in_many_ways():
    """Hundreds of distinct wordings, after normalization, of one fact; the plain one among them."""
    for language, subject in (("en", "France"), ("tw", "法國"), ("cn", "法国")):
        relation = facts.relations(language)["capital"]
        pair = next(pair for pair in relation.pairs if pair[0] == subject)
        rng = random.Random(1)
        ways = {normal(exchanges.fact(relation, rng, pair=pair)[0]) for _ in range(3000)}
        assert len(ways) > 400, (language, len(ways))


def test_thousands_of_questions_a_language():
    for language in LANGUAGES:
        rng = random.Random(2)
        drawn = {normal(registers.typed(topics.question(one, rng), language, rng))
                 for one in topics.topics(language) for _ in range(60)}  # fmt: skip
        drawn |= {normal(exchanges.difference(rng, language)[0]) for _ in range(3000)}
        drawn |= {
            normal(exchanges.concept(one, rng)[0]) for one in concepts.concepts(language) for _ in range(40)
        }
        assert len(drawn) > 7000, (language, len(drawn))


def test_a_slip_never_changes_a_number():
    rng = random.Random(3)
    for _ in range(2000):
        assert re.findall(r"\d+", registers.typed("What is 12 + 7?", "en", rng)) == ["12", "7"]


def test_one_wording_has_one_answer():
    """No question of topics, concepts and what differs is answered in two ways by two tables."""
    for language in LANGUAGES:
        told: dict[str, set[int]] = {}
        rng = random.Random(4)
        for place, one in enumerate(topics.topics(language)):
            for ask in one.asks:
                for _ in range(8):
                    told.setdefault(normal(choose(ask, rng)), set()).add(place)
        for place, one in enumerate(concepts.concepts(language)):
            taught_asks = [ask for ask in one.asks if normal(ask) not in topics.asked(language)]
            for ask in taught_asks:
                told.setdefault(normal(ask), set()).add(1000 + place)
        twice = {ask: places for ask, places in told.items() if len(places) > 1}
        assert not twice, (language, twice)


def test_a_definition_is_not_what_why_is_answered_with():
    for language in LANGUAGES:
        rng = random.Random(5)
        for one in concepts.concepts(language):
            for _ in range(4):
                _, say = exchanges.concept_use(one, rng)
                assert say in (one.why, one.example) and say not in one.answers
                ask, say = exchanges.concept(one, rng)
                assert say in one.answers and normal(ask) not in topics.asked(language)


def test_what_stands_side_by_side_is_told_as_everywhere():
    """Each answer of `data/alike.txt` is one that another table gives, or a refusal."""
    for language in LANGUAGES:
        known = set(refusals.refusals(language))
        known.update(say for one in topics.topics(language) for say in one.answers)
        known.update(one.answer for one in topics.differences(language))
        known.update(
            say for one in concepts.concepts(language) for say in (*one.answers, one.why, one.example)
        )
        rng = random.Random(1)
        for relation in facts.relations(language).values():
            for subject, answer in relation.pairs:
                known.update(
                    facts.ask(relation, subject, answer, say, rng) for say in relation.wordings["say"]
                )
        said = [say for group in topics.alike(language) for _, say in group]
        assert len(said) > 50 and not set(said) - known, (language, set(said) - known)


def test_the_tutor_says_its_own_size():
    """The texts name the size of `shape.SHAPE`, tied embeddings and grouped queries included."""
    width, inner, layers = (int(shape.SHAPE[name]) for name in ("hidden_size", "intermediate_size",
                                                                "num_hidden_layers"))  # fmt: skip
    groups = int(shape.SHAPE["num_key_value_heads"]) / int(shape.SHAPE["num_attention_heads"])
    layer = width * (2 * width + 2 * groups * width + 3 * inner + 2)
    millions = (shape.VOCABULARY * width + layers * layer + width) / 1e6
    assert round(millions, 1) == 7.5
    for language, said in (("en", "seven and a half million"), ("tw", "七百五十萬"), ("cn", "七百五十万")):
        assert all(said in say for say in talk.talks(language)["size"].say)


def test_small_talk_keeps_its_kinds_apart():
    for language in LANGUAGES:
        kinds: dict[str, set[str]] = {}
        for one in talk.talks(language).values():
            assert one.ask and one.ask_held_out and one.say, one.kind
            for ask in one.ask:
                kinds.setdefault(ask.strip(" ?？!！.。").casefold() or ask, set()).add(one.kind)
        assert not {ask: found for ask, found in kinds.items() if len(found) > 1}, language


def test_every_language_has_the_same_differences():
    counts = [len(topics.differences(language)) for language in LANGUAGES]
    assert len(set(counts)) == 1 and counts[0] >= 55
    assert min(len(topics.topics(language)) for language in LANGUAGES) >= 85


def test_a_thing_is_asked_about_by_pronoun():
    for language in LANGUAGES:
        rng = random.Random(6)
        short = 0
        for _ in range(100):
            pairs = dialogues.about_a_thing(rng, language)
            assert len(pairs) >= 2 and len({say for _, say in pairs}) == len(pairs)
            short += len(pairs[1][0]) < 40
        assert short > 60


def test_near_misses_are_declined():
    for language in LANGUAGES:
        rng = random.Random(7)
        for _ in range(300):
            _, say = exchanges.mismatched(rng, language)
            assert refusals.MARK[language] in say
    known = dict(facts.relations("en")["capital"].pairs)
    asked = {exchanges.mismatched(random.Random(seed), "en")[0] for seed in range(300)}
    assert not [one for one in asked for country in known if one == f"What is the capital of {country}?"]


@pytest.mark.parametrize("language", ["tw", "cn"])
def test_names_hold_rare_characters(language):
    rng = random.Random(8)
    names = {dialogues.a_name(rng, language) for _ in range(3000)}
    characters = {character for name in names for character in name if HAN.match(character)}
    assert len(characters) > 1000
    assert {"婷"} <= characters


def test_a_story_is_about_what_was_asked_for():
    for language in LANGUAGES:
        rng = random.Random(9)
        for _ in range(200):
            ask, told = exchanges.story(rng, language)
            named = [one for one in (*stories.kinds(language), *stories.things(language))
                     if (re.search(rf"\b{one}\b", ask) if language == "en" else one in ask)]  # fmt: skip
            # Some begin with "Teacher, ...": that is who is asked.
            if named and not {"老師", "老师"} & set(named):
                assert any(one in told for one in named), (ask, told)


def test_the_cheerful_style_comes_only_with_its_system_prompt():
    rng = random.Random(10)
    marks = (
        "What a great question",
        "Hooray!",
        "好棒的問題",
        "好棒的问题",
        "Arr, matey",
        "啊哈，水手",
        "Oh dear...",
    )
    for _ in range(6000):
        made = corpus.document(rng)
        if made.turns[0].role != "system":
            assert not [turn for turn in made.turns if turn.role == "assistant"
                        and any(mark in turn.text for mark in marks)]  # fmt: skip


def test_the_mainland_has_words_of_its_own():
    assert any("啥" in one for one in local("concept.ask", "cn"))
    assert not any("啥" in one for one in local("concept.ask", "tw"))


def test_the_examination_in_the_table_is_not_read_by_the_tokenizer():
    from playground.tutor import tokenizer

    assert not tokenizer._is_text("learners.txt") and tokenizer._is_text("concepts.txt")
    assert len(learners.questions()) >= 180
