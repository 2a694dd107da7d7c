"""Conversations of several turns, and what a system prompt changes."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

from . import concepts, exchanges, facts, refusals, talk
from .chinese import to_simplified
from .document import Document, conversation
from .exchanges import Exchange
from .wording import LANGUAGES, Language, held_out, typed


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
        template = rng.choice(relation.wordings["follow"])
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
        if "there" not in relation.wordings or held_out("there", name, country):
            continue
        question = typed(rng.choice(relation.wordings["there"]), language, rng)
        pairs.append((question, exchanges.reply(relation, country, relation.pairs[place][1], rng)))
    return pairs


def about_concepts(rng: random.Random, language: Language) -> list[Exchange]:
    """A concept, then why, an example, or the next concept."""
    one = rng.choice(concepts.concepts(language))
    pairs = [exchanges.concept(one, rng)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        kind = rng.random()
        if kind < 0.38:
            if held_out(one.key, "why", one.names[0]):
                continue
            pairs.append((typed(rng.choice(concepts.follow_ups(concepts.WHY, language)[0]), language, rng), one.why))
        elif kind < 0.76:
            if held_out(one.key, "example", one.names[0]):
                continue
            ask = rng.choice(concepts.follow_ups(concepts.EXAMPLE, language)[0])
            pairs.append((typed(ask, language, rng), one.example))
        else:
            one = rng.choice(concepts.concepts(language))
            ask = rng.choice(concepts.follow_ups(concepts.NEXT, language)[0])
            pairs.append((typed(exchanges.concept_question(one, ask, rng), language, rng), rng.choice(one.answers)))
    return pairs


MY_NAME = {
    "en": "My name is {B}.|I am {B}.|Hi, I'm {B}.|Hello, my name is {B}.|You can call me {B}.",
    "tw": "我叫{B}。|我的名字是{B}。|你好，我是{B}。|你可以叫我{B}。",
}
NICE = {"en": "Nice to meet you, {B}!", "tw": "很高興認識你，{B}！"}
WHAT_NAME = {
    "en": "What is my name?|Do you remember my name?|who am I?|What am I called?|what's my name",
    "tw": "我叫什麼名字？|你記得我的名字嗎？|我是誰？|我的名字是什麼？",
}
WHAT_NAME_HELD_OUT = {"en": "Can you tell me my name?|Which name did I give you?", "tw": "你還記得我叫什麼嗎？"}
_YOUR_NAME = {"en": "Your name is {B}.", "tw": "你叫{B}。"}

_NAMES = (
    "Ana Ben Cleo Dora Elias Fred Gina Hans Iris Jan Kira Luca Mona Nico Olga Piet Quinn Rosa Stan Tara Uma Vera Will "
    "Xenia Yann Zora Bo Sky Robin Max Lily Tom Emma Otto Lina Amir Sofia Ivan Kofi Aiko"
).split()
_NAMES_ZH = "小明 小華 小美 阿強 小玲 大雄 小芳 阿德 小傑 小雨 阿光 小雲 小安 小文 阿福 美美 小林 小天 阿星 小月".split()
NAMES_HELD_OUT = {"en": ["Marta", "Bruno", "Gil", "Nadia"], "tw": ["小星", "阿明", "小強"]}


def a_name(rng: random.Random, language: Language) -> str:
    """A name for a person or for the tutor."""
    if language == "en" or rng.random() < 0.3:
        if rng.random() < 0.35:
            return refusals.invented(rng, "en").capitalize()
        return rng.choice(_NAMES)
    if rng.random() < 0.3:
        name = refusals.invented(rng, language)
        return name if name.isascii() is False else rng.choice(_NAMES)
    name = rng.choice(_NAMES_ZH)
    return to_simplified(name) if language == "cn" else name


def remembered_name(rng: random.Random, language: Language) -> list[Exchange]:
    """The visitor says a name, and later asks for it."""
    name = a_name(rng, language)

    def one(table: dict[str, str]) -> str:
        return rng.choice(exchanges.local(table, language)).replace("{B}", name)

    pairs = [(one(MY_NAME), one(NICE))]
    for _ in range(rng.choice((0, 0, 1, 2))):
        pairs.append(short_exchange(rng, language))
    return [*pairs, (typed(one(WHAT_NAME), language, rng), one(_YOUR_NAME))]


def short_exchange(rng: random.Random, language: Language) -> Exchange:
    """Any exchange but a story."""
    kind = rng.random()
    if kind < 0.5:
        return exchanges.fact(exchanges.any_relation(rng, language), rng)
    if kind < 0.65:
        return exchanges.concept(rng.choice(concepts.concepts(language)), rng)
    if kind < 0.85:
        return exchanges.small_talk(rng, language)
    return exchanges.refusal(rng, language)


def mixed(rng: random.Random, language: Language, turns: int) -> list[Exchange]:
    """A conversation that changes its subject, with thanks and now and then a story or another language."""
    pairs = [exchanges.small_talk(rng, language, "greet")] if rng.random() < 0.4 else []
    while len(pairs) < turns:
        kind = rng.random()
        if rng.random() < 0.04:
            language = rng.choice(LANGUAGES)
        if kind < 0.18:
            pairs += follow_ups(rng, language)
        elif kind < 0.26:
            pairs += about_a_country(rng, language)
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


@dataclasses.dataclass(frozen=True)
class Style:
    """What a system prompt asks for: its wordings ("!" held out), and what it does to a reply."""

    name: str
    prompts: dict[str, str]
    change: Change


def _around(before: str, after: str, before_zh: str, after_zh: str) -> Change:
    def change(reply: str, language: Language) -> str:
        if language == "en":
            return before + reply + after
        return _local(before_zh, language) + reply + _local(after_zh, language)

    return change


def _local(text: str, language: Language) -> str:
    return to_simplified(text) if language == "cn" else text


STYLES = (
    Style(
        "none",
        {
            "en": "You are a helpful assistant.|You are a friendly tutor.|Be helpful.|Answer the questions of the "
            "visitor.|!You are a kind helper.",
            "tw": "你是樂於助人的助理。|你是友善的老師。|請回答問題。|!你是親切的幫手。",
        },
        lambda reply, language: reply,
    ),
    Style(
        "pirate",
        {
            "en": "You are a pirate.|Talk like a pirate.|Answer like a pirate.|You are an old pirate on a ship."
            "|!Speak as a pirate would.",
            "tw": "你是海盜。|用海盜的口氣說話。|像海盜一樣回答。|!請扮演一個海盜。",
        },
        _around("Arr, matey! ", "", "啊哈，水手！", ""),
    ),
    Style(
        "cheerful",
        {
            "en": "Be cheerful.|You are very cheerful.|Answer happily.|You are a happy robot.|!Sound very happy.",
            "tw": "請開心地回答。|你非常開朗。|你是快樂的機器人。|!請用很高興的語氣。",
        },
        _around("What a great question! ", " Hooray!", "好棒的問題！", "耶！"),
    ),
    Style(
        "sad",
        {
            "en": "Be sad.|You are very sad.|Answer sadly.|You are a sad robot.|!Sound very unhappy.",
            "tw": "請難過地回答。|你很悲傷。|你是難過的機器人。|!請用傷心的語氣。",
        },
        _around("Oh dear... ", " Sigh.", "唉……", "好難過。"),
    ),
)
ONE_WORD = {
    "en": "Answer in one word.|Reply with one word only.|Give one-word answers.|Use only one word.|Answer with a "
    "single word.|!Your answers have just one word.",
    "tw": "只用一個詞回答。|請用一個詞回答。|回答只要一個詞。|!你的回答只能是一個詞。",
}
CALLED = {
    "en": "Your name is {B}.|You are {B}.|You are called {B}.|You are {B}, a friendly assistant.|!Call yourself {B}.",
    "tw": "你叫{B}。|你的名字是{B}。|你是{B}。|你是友善的助理{B}。|!你自稱{B}。",
}
CALLED_REPLY = {"en": "I am {B}, a very small language model.", "tw": "我是{B}，很小的語言模型。"}
SPEAK = {  # the language of the reply; asked for in the language of the question
    "en": "Reply in English.|Answer in English.|Speak English.|請用英文回答。|用英文回答。|!Please write English.",
    "tw": "Reply in Traditional Chinese.|Answer in Traditional Chinese.|請用繁體中文回答。|用繁體中文回答。"
    "|!Please write Traditional Chinese.",
    "cn": "Reply in Simplified Chinese.|Answer in Simplified Chinese.|请用简体中文回答。|用简体中文回答。"
    "|!Please write Simplified Chinese.",
}


def prompts(table: dict[str, str], language: Language, held: bool = False) -> list[str]:
    """Taught (or held-out) system prompts of a table in a language."""
    text = table["en"] if language == "en" else _local(table["tw"], language)
    return concepts.split_held_out(text)[1 if held else 0]


def with_system(rng: random.Random, language: Language) -> Document:
    """A conversation under a system prompt."""
    kind = rng.random()
    if kind < 0.2:
        return _named(rng, language)
    if kind < 0.4:
        return _one_word(rng, language)
    if kind < 0.6:
        return _spoken(rng, language)
    style = rng.choice(STYLES)
    pairs = [short_exchange(rng, language) for _ in range(rng.choice((1, 1, 2)))]
    if rng.random() < 0.25:
        pairs = follow_ups(rng, language)
    system = rng.choice(prompts(style.prompts, language))
    return conversation([(ask, style.change(say, language)) for ask, say in pairs], system)


def _named(rng: random.Random, language: Language) -> Document:
    name = a_name(rng, language)
    system = rng.choice(prompts(CALLED, language)).replace("{B}", name)
    who = talk.talks(language)["who"]
    say = CALLED_REPLY["en"] if language == "en" else _local(CALLED_REPLY["tw"], language)
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
    return conversation(pairs, rng.choice(prompts(ONE_WORD, language)))


def one_word(answer: str, language: Language) -> str:
    """An answer alone, with its stop."""
    return answer[:1].upper() + answer[1:] + ("." if language == "en" else "。")


def _spoken(rng: random.Random, language: Language) -> Document:
    target = rng.choice(LANGUAGES)
    system = rng.choice(concepts.split_held_out(SPEAK[target])[0])
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
