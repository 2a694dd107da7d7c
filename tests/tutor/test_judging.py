"""The judge: right replies are right, wrong ones wrong."""

import pytest

from playground.tutor.document import Turn
from playground.tutor.exam import Question
from playground.tutor.judging import alike, right, story_fits


def asked(text, judge, expected=(), others=(), language="en"):
    return Question("", language, (Turn("user", text),), judge, tuple(expected), tuple(others))


FRANCE = asked("What is the capital of France?", "answer", ["Paris"], ["Rome", "Berlin"])
SUM = asked("What is 7 + 5?", "answer", ["12"], ["1", "11", "13"])
LEGS = asked("蜘蛛有幾條腿？", "answer", ["八"], ["四", "六"], "tw")
TOKEN = asked(
    "What is a token?", "texts", ["A token is a piece of text that the model reads."], ["A layer is a step."]
)


@pytest.mark.parametrize(
    ("question", "reply", "expected"),
    [
        (FRANCE, "The capital of France is Paris.", True),
        (FRANCE, "paris", True),
        (FRANCE, "The capital of France is Rome.", False),
        (FRANCE, "Paris and Rome.", False),
        (FRANCE, "Parisian", False),
        (FRANCE, "I don't know that: I am a very small model. Paris.", False),
        (SUM, "7 + 5 = 12", True),
        (SUM, "7 + 5 = 112", False),
        (SUM, "12 + 5 = 17", False),
        (LEGS, "蜘蛛有八條腿。", True),
        (LEGS, "蜘蛛有四條腿。", False),
        (TOKEN, "A token is a piece of text that the model reads.", True),
        (TOKEN, "A layer is a step.", False),
        (TOKEN, "A token is Paris.", False),
        (asked("Who is Xu?", "refusal"), "I don't know that. I am a very small model.", True),
        (asked("Who is Xu?", "refusal"), "Xu is a singer.", False),
        (asked("My name?", "contains", ["Marta"]), "Your name is Marta.", True),
        (asked("My name?", "contains", ["Marta"]), "Your name is Bo.", False),
        (asked("Capital?", "exactly", ["Paris."]), "Paris", True),
        (asked("Capital?", "exactly", ["Paris."]), "The capital is Paris.", False),
    ],
)
def test_right(question, reply, expected):
    assert right(question, reply, True) is expected


def test_stories():
    question = asked("A story about a dog.", "story", ["dog"])
    text = "Once there was a dog. " + "It ran and ran all day. " * 8
    assert story_fits(question, text.strip(), True)
    assert not story_fits(question, text.strip(), False)
    assert not story_fits(question, text + "And then the", True)
    assert not story_fits(question, text.replace("dog", "cat").strip(), True)
    assert not story_fits(question, "A dog.", True)


def test_alike():
    assert alike("詞元是一小段文字", "詞元是一小段文字") == 1.0
    assert alike("a b", "c d") == 0.0
