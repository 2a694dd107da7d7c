"""What the tutor explains: the concepts of language models, read from `data/concepts.txt`."""

from __future__ import annotations

import dataclasses
import functools

from .chinese import to_simplified
from .shape import DATA
from .wording import Language

# {a}: with its article ("a token"), {n}: the bare name ("token"). "!" before a wording: held out.
_QUESTIONS_EN = """
What is {a}?|what is {a}|What's {a}?|What is {a}?|What does {n} mean?|What does "{n}" mean?|Explain {n}.
Explain {a} to me.|Can you explain {a}?|Please explain {n}.|Can you explain what {a} is?|Tell me about {n}.
Tell me what {a} is.|Define {n}.|{n}?|What do you know about {n}?|I don't understand {n}.|I do not know what {a} is.
What is the meaning of {n}?|What is meant by {n}?|Explain {n} simply.|Explain {n} like I am five.
I read about {n}. What is it?|How does {n} work?|What exactly is {a}?|Describe {n}.|Give me a definition of {n}.
I want to learn about {n}.|In language models, what is {a}?|Could you tell me what {n} means?|what's {n}
What is {a} in a language model?|What is {n} for?|So what is {a}?|Help me understand {n}.
!Would you please explain what {n} means?|!I keep hearing about {n}. What is that?|!How would you describe {a}?
!What should I know about {n}?|!Explain in simple words: {n}.|!Do you know what {a} is?
""".replace("\n", "|")
_QUESTIONS_ZH = """
什麼是{n}？|{n}是什麼？|{n}是什麼意思？|請解釋{n}。|解釋一下{n}|可以解釋{n}嗎？|{n}怎麼運作？|{n}有什麼用？
請告訴我{n}是什麼。|我不懂{n}。|我不知道什麼是{n}。|介紹一下{n}|說明一下{n}|{n}？|{n}到底是什麼？|什麼叫{n}？
在語言模型裡，{n}是什麼？|你知道{n}是什麼嗎？|{n}的意思是什麼？|想了解{n}|用簡單的話解釋{n}。|所謂的{n}是什麼？|請說明{n}
!能不能跟我說說{n}？|!我常聽到{n}，那是什麼？|!麻煩解釋什麼叫做{n}。|!{n}指的是什麼？|!怎麼理解{n}？
""".replace("\n", "|")

WHY = {
    "en": "Why?|Why does it matter?|Why is that important?|Why do we need it?|What is it good for?|why is that"
    "|And why?|Why do models need it?|!Why is it needed?|!What is the reason for it?",
    "tw": "為什麼？|為什麼需要它？|那為什麼需要它？|這有什麼用？|為什麼重要？|那有什麼好處？|為什麼要這樣？"
    "|!它為什麼這麼重要？|!需要它的原因是什麼？",
}
EXAMPLE = {
    "en": "Can you give an example?|Give me an example.|For example?|An example, please.|Do you have an example?"
    "|can you show me an example|Show an example.|!Could I have an example?|!What would be an example of that?",
    "tw": "可以舉個例子嗎？|舉個例子。|例如呢？|請給我一個例子。|有例子嗎？|能舉例嗎？|!舉例來說呢？|!給我看一個例子好嗎？",
}
NEXT = {
    "en": "And {a}?|What about {n}?|And what is {a}?|and {n}?|!How about {a}?|!Now explain {n}.",
    "tw": "那{n}呢？|{n}呢？|那什麼是{n}？|!那麼{n}又是什麼？",
}


@dataclasses.dataclass(frozen=True)
class Concept:
    """One concept in one language."""

    key: str
    language: Language
    article: str  # "a token"; in Chinese the first name
    names: list[str]
    asks: list[str]  # questions of its own
    answers: list[str]
    why: str
    example: str


def split_held_out(wordings: str) -> tuple[list[str], list[str]]:
    """Taught wordings and held-out ones of a "|"-separated list in which "!" marks the latter."""
    every = [one.strip() for one in wordings.split("|") if one.strip()]
    return [one for one in every if one[0] != "!"], [one[1:] for one in every if one[0] == "!"]


@functools.cache
def questions(language: Language) -> tuple[list[str], list[str]]:
    """General wordings, taught and held out."""
    if language == "en":
        return split_held_out(_QUESTIONS_EN)
    return split_held_out(_in(language, _QUESTIONS_ZH))


def follow_ups(table: dict[str, str], language: Language) -> tuple[list[str], list[str]]:
    """The wordings of WHY, EXAMPLE or NEXT, taught and held out."""
    return split_held_out(table["en"] if language == "en" else _in(language, table["tw"]))


def _in(language: Language, text: str) -> str:
    return to_simplified(text) if language == "cn" else text


@functools.cache
def concepts(language: Language) -> list[Concept]:
    """All concepts in a language."""
    column = "en" if language == "en" else "tw"
    found: list[Concept] = []
    for block in ("\n" + (DATA / "concepts.txt").read_text(encoding="utf-8")).split("\n# ")[1:]:
        key, *lines = block.strip().splitlines()
        fields: dict[str, list[str]] = {}
        for line in lines:
            name, _, text = line.partition(": ")
            fields.setdefault(name, []).append(text if column == "en" else _in(language, text))
        names = [name.strip() for name in fields[column][0].split("|")]
        found.append(
            Concept(
                key,
                language,
                names[0],
                names[1:] if column == "en" else list(dict.fromkeys(names)),
                [one.strip() for one in fields[f"ask.{column}"][0].split("|")],
                fields[f"a.{column}"],
                fields[f"why.{column}"][0],
                fields[f"ex.{column}"][0],
            )
        )
    return found
