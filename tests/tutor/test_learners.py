"""The learners' examination: large enough, never trained, and judged by rules that cannot be gamed."""

import random
from collections import Counter

import pytest

from playground.tutor import concepts, corpus, learners, topics
from playground.tutor.document import Turn
from playground.tutor.learners import DECLINED, RIGHT, WRONG, Asked, questions, verdict
from playground.tutor.wording import LANGUAGES, local, normal


def test_sixty_a_language_and_nearly_half_of_them_on_the_subject():
    counts = Counter((one.language, one.kind) for one in questions())
    for language in LANGUAGES:
        assert sum(counts[language, kind] for kind in learners.KINDS) >= 60
        assert counts[language, "subject"] >= 0.45 * 60
        assert all(counts[language, kind] >= 6 for kind in learners.KINDS)
    for one in questions():
        assert (not one.needed) == (one.kind == "decline"), one
        assert len(one.turns) % 2 == 1 and all(turn.text for turn in one.turns)
        assert (len(one.turns) > 1) == (one.kind == "follow"), one


def test_few_of_the_tutors_own_sentences_answer_a_question_on_the_subject():
    """What could be recited by chance: of all its answers at least one and at most 24 are right."""
    for language in LANGUAGES:
        told = [text for one in topics.topics(language) for text in one.answers]
        told += [one.answer for one in topics.differences(language)]
        told += [local("same.no", language)[0] + one.answer for one in topics.differences(language)]
        for one in concepts.concepts(language):
            told += [*one.answers, one.why, one.example]
        assert len(told) > 600
        for question in questions():
            if (question.language, question.kind) == (language, "subject"):
                right = sum(verdict(question, text, True) == RIGHT for text in told)
                assert 1 <= right <= 24, (question, right)


def test_no_two_questions_are_the_same():
    assert len({(one.turns[:-1], normal(one.turns[-1].text)) for one in questions()}) == len(questions())


def test_what_the_corpus_asks_is_none_of_it():
    """Nothing that equals a question but for case, spaces, marks and script is ever drawn."""
    rng = random.Random(17)
    trained = set()
    for number in range(20_000):
        made = corpus.document(rng) if number % 40 else corpus.long_conversation(rng, 6)
        trained.update(normal(turn.text) for turn in made.turns if turn.role == "user")
    assert len(trained) > 12_000
    assert not trained & learners.asked()


def test_the_corpus_draws_again_where_it_would_ask_one(monkeypatch):
    seen = corpus.document(random.Random(5), "fact").turns[0].text
    monkeypatch.setattr(learners, "asked", lambda: frozenset([normal(seen)]))
    assert normal(corpus.document(random.Random(5), "fact").turns[0].text) != normal(seen)


@pytest.mark.parametrize(
    ("one", "other"),
    [("What is  a token?", "what is a TOKEN"), ("詞元是什麼？", "词元是什么"), ("7 加 8！", "7加8")],
)
def test_normal_leaves_only_the_wording(one, other):
    assert normal(one) == normal(other)


def asked(kind, needed, forbidden=(), language="en"):
    return Asked(language, kind, (Turn("user", "?"),), tuple(needed), tuple(forbidden))


COW = asked("world", [("cow",)], ["dog", "moon"])
SAME = asked("subject", [("no", "not"), ("piece", "part*")], ["yes"])
SPIDER = asked("world", [("八", "8")], ["四"], "tw")
MARS = asked("decline", [])
SUM = asked("world", [("15", "十五"), ("@7", "七"), ("@8", "八")], ["減"], "tw")
LEGS = asked("world", [("eight",), ("@spider*",)], ["six"])
STORY = asked("talk", [("elephant",), ("once", "day")])


@pytest.mark.parametrize(
    ("question", "reply", "ended", "expected"),
    [
        (COW, "A cow.", True, RIGHT),
        (COW, "A cow.", False, WRONG),
        (COW, "A cowboy.", True, WRONG),
        (COW, "A cow, a dog, a cat.", True, WRONG),
        (COW, "The Moon.", True, WRONG),
        (COW, "I don't know that. I am a very small model. A cow?", True, DECLINED),
        (COW, "這個我不知道。", True, DECLINED),
        (COW, "牛 cow。", True, WRONG),
        (COW, "cow " * 61, True, WRONG),
        (SAME, "No. A token can be a part of a word.", True, RIGHT),
        (SAME, "A token is a piece of text.", True, WRONG),
        (SAME, "Yes and no, a part.", True, WRONG),
        (SPIDER, "蜘蛛有八條腿。", True, RIGHT),
        (SPIDER, "蜘蛛有八条腿。", True, WRONG),
        (SPIDER, "Eight: 8.", True, WRONG),
        (SPIDER, "八條或四條。", True, WRONG),
        (LEGS, "A spider has eight legs.", True, RIGHT),
        (LEGS, "Eight.", True, RIGHT),
        (SUM, "15", True, RIGHT),
        (SUM, "7 加 8 = 15", True, RIGHT),
        (SUM, "3 加 12 = 15", True, WRONG),
        (SUM, "15 減 7 = 8", True, WRONG),
        (SUM, "It is 15.", True, WRONG),
        (LEGS, "There are eight planets.", True, WRONG),
        (LEGS, "5 + 3 = eight", True, WRONG),
        (MARS, "I don't know that.", True, RIGHT),
        (MARS, "Paris.", True, WRONG),
        (MARS, "這個我不知道。", True, WRONG),
        (STORY, "Once there was an elephant. " + "It ran. " * 80, True, RIGHT),
        (STORY, "Once there was a cat. " + "It ran. " * 80, True, WRONG),
    ],
)
def test_verdicts(question, reply, ended, expected):
    assert verdict(question, reply, ended) == expected


def test_figures_add_up_by_kind_and_language(monkeypatch):
    from playground.tutor import answering

    monkeypatch.setattr(
        answering, "answers", lambda _m, _t, asked, _n: [("I don't know that.", True)] * len(asked)
    )
    result = learners.examine(None, None)
    english = sum(1 for one in questions() if one.language == "en" and one.kind == "decline")
    assert result["total"][RIGHT] == english == result["table"]["decline"]["en"][RIGHT]
    assert sum(result["total"].values()) == result["questions"] == len(questions())
    assert f"{english} right" in learners.markdown(result)
