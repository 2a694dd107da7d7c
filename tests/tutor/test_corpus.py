"""The corpus: the same for the same seed, varied, true to its scripts, and free of the examination."""

import hashlib
import random
import re

import pytest

from playground.tutor import concepts, corpus, dialogues, exam, exchanges, facts, items, stories, wording
from playground.tutor.chinese import foreign_to_mainland, foreign_to_taiwan, to_simplified


def draw(count, seed=1):
    rng = random.Random(seed)
    return [corpus.document(rng) for _ in range(count)]


def test_the_same_seed_gives_the_same_text():
    def digest(seed):
        return hashlib.sha256("\n\n".join(one.key() for one in draw(400, seed)).encode()).hexdigest()

    assert digest(3) == digest(3)
    assert digest(3) != digest(4)


def test_tens_of_thousands_of_texts_are_distinct():
    keys = [one.key() for one in draw(25_000)]
    assert len(set(keys)) > 19_000
    told = {stories.tell("en", random.Random(seed))[0] for seed in range(3000)}
    assert len(told) == 3000


def exchanges_of(language, count=1500):
    rng = random.Random(5)
    for _ in range(count):
        yield exchanges.fact(exchanges.any_relation(rng, language), rng)
        yield exchanges.concept(rng.choice(concepts.concepts(language)), rng)
        yield exchanges.small_talk(rng, language)
        yield exchanges.refusal(rng, language)
        yield exchanges.yes_or_no(rng, language)
        yield from dialogues.about_concepts(rng, language)
    for _ in range(200):
        yield exchanges.story(rng, language)
        yield from dialogues.remembered_name(rng, language)


@pytest.mark.parametrize(("language", "foreign"), [("tw", foreign_to_taiwan), ("cn", foreign_to_mainland)])
def test_no_text_mixes_traditional_and_simplified(language, foreign):
    wrong = {(text, *found) for pair in exchanges_of(language) for text in pair if (found := foreign(text))}
    assert not wrong


def test_the_checks_of_script_see_what_is_foreign():
    assert foreign_to_taiwan("软件和記憶體") == {"软"}
    assert foreign_to_mainland("软件和記憶體") == {"記", "憶", "體"}
    assert not foreign_to_taiwan("軟體和記憶體，token。")


@pytest.mark.parametrize(
    ("taiwan", "mainland"),
    [
        ("程式設計師在電腦裡看著檔案。", "程序员在电脑里看着文件。"),
        ("記憶體、快取、資料夾、網路、位元組", "内存、缓存、文件夹、网络、字节"),
        ("「義大利的首都是羅馬。」", "“意大利的首都是罗马。”"),
        ("詞元（token）的機率", "词元（token）的概率"),
    ],
)
def test_simplified_text_has_the_mainlands_words(taiwan, mainland):
    assert to_simplified(taiwan) == mainland


def test_examination_is_never_trained():
    """No question of the examination, with what stands before it, is in 25,000 documents; nor its wording."""
    trained = set()
    for document in draw(25_000, seed=11):
        said = []
        for turn in document.turns:
            said.append(turn.text)
            if turn.role == "user":
                trained.add("\n".join(said))
    questions = [one for one in exam.questions() if one.judge != "story"]
    assert len(questions) > 1500
    assert not [one for one in questions if "\n".join(turn.text for turn in one.turns) in trained]


def test_held_out_wordings_are_not_taught_as_well():
    for language in wording.LANGUAGES:
        for relation in facts.relations(language).values():
            for key in ("ask", "follow", "there"):
                taught, kept = relation.wordings.get(key, []), relation.wordings.get(key + "!", [])
                assert not set(taught) & set(kept), (language, relation.name)
            assert relation.wordings["ask!"] and len(relation.wordings["ask"]) >= 2, relation.name
        taught, kept = wording.taught(concepts.ASK, language), wording.kept(concepts.ASK, language)
        assert len(taught) >= 15 and kept and not set(taught) & set(kept)


def test_every_language_has_every_concept():
    counts = {language: [one.key for one in concepts.concepts(language)] for language in wording.LANGUAGES}
    assert counts["en"] == counts["tw"] == counts["cn"] and len(counts["en"]) >= 60
    for language in wording.LANGUAGES:
        for one in concepts.concepts(language):
            assert len(one.answers) >= 2 and one.why and one.example, one.key
            assert len(set(one.answers)) == len(one.answers)


@pytest.mark.parametrize(
    ("language", "relation", "subject", "answer"),
    [
        ("en", "capital", "France", "Paris"),
        ("tw", "capital", "日本", "東京"),
        ("cn", "capital", "意大利", "罗马"),
        ("en", "sum", "7 + 5", "12"),
        ("en", "month_after", "December", "January"),
        ("cn", "day_after", "星期日", "星期一"),
        ("en", "previous_number", "twenty", "nineteen"),
    ],
)
def test_facts(language, relation, subject, answer):
    assert dict(facts.relations(language)[relation].pairs)[subject] == answer


def test_sums_are_right():
    for rule in ("sums", "differences"):
        for question, answer in items.RULES[rule]():
            a, sign, b = question.split()
            assert int(answer) == (int(a) + int(b) if sign == "+" else int(a) - int(b))
    assert [items.english(n) for n in (0, 19, 20, 21, 100)] == [
        "zero", "nineteen", "twenty", "twenty-one", "one hundred",
    ]  # fmt: skip
    assert [items.chinese(n) for n in (10, 12, 20, 21, 100)] == ["十", "十二", "二十", "二十一", "一百"]


def test_no_template_is_left_unfilled():
    for document in draw(8000, seed=21):
        for turn in document.turns:
            assert not re.search(r"[{}\[\]]|  |<\|", turn.text), turn


def test_no_reply_is_empty_or_without_a_question():
    for document in draw(4000, seed=22):
        roles = [turn.role for turn in document.turns]
        assert all(turn.text.strip() == turn.text and turn.text for turn in document.turns), document.key()
        if roles[0] != "text":
            talk = roles[1:] if roles[0] == "system" else roles
            assert talk == ["user", "assistant"] * (len(talk) // 2) and talk


def test_stories_keep_their_hero():
    for seed in range(200):
        text, cast = stories.tell("en", random.Random(seed))
        assert text.count(cast["N"]) >= 2 and text.rstrip('"').endswith((".", "!", "?"))
        assert "  " not in text and " a a" not in text and not re.search(r"\ba [aeiou]", text)
