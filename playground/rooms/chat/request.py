"""What a page asks for when somebody chats: from JSON of a stranger to checked values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playground.engine.generation.chat_template import check_messages
from playground.engine.generation.sampling import Settings
from playground.errors import BadInput
from playground.ui import numbers
from playground.ui.context import Context

PUBLIC_MOST = 1024  # new tokens a reply, for strangers
MOST_MESSAGES = 2000
ENGINES = ("", "llama.cpp", "transformers")


@dataclass(frozen=True)
class Request:
    """One reply that is wanted.

    Args:
        messages: roles and contents, oldest first.
        replies: by index, the ids as which the model wrote a message of the assistant's.
        prefix: ids with which the reply must begin (a branch, or a reply that was cut).
        conversation: what its trace is kept under, too long to guess; "": nothing is kept.
        engine: ``llama.cpp`` or ``transformers``; "" for the faster one that can do what is asked.
    """

    model: str
    quantization: str
    system: str
    messages: list[dict[str, str]]
    replies: dict[int, list[int]]
    prefix: list[int]
    conversation: str
    settings: Settings
    engine: str = ""


def parse(context: Context, given: Any) -> Request:
    """Check what a page or a program sent.

    Raises:
        BadInput: whatever does not fit.
    """
    if not isinstance(given, Mapping):
        raise BadInput("messages_malformed")
    raw = given.get("messages")
    messages = check_messages(raw)
    if len(messages) > MOST_MESSAGES:
        raise BadInput("too_many_messages", most=MOST_MESSAGES)
    system = given.get("system") or ""
    if not isinstance(system, str):
        raise BadInput("messages_malformed")
    length, limit = sum(len(each["content"]) for each in messages) + len(system), context.settings.text_limit
    if length > limit:
        raise BadInput("text_too_long", length=length, limit=limit)
    if not messages[-1]["content"].strip() and messages[-1]["role"] != "assistant":
        raise BadInput("message_empty")
    replies = {
        index: _ids(message.get("ids"))
        for index, message in enumerate(raw or ())
        if message.get("role") == "assistant" and message.get("ids")
    }
    engine = given.get("engine") or ""
    if engine not in ENGINES:
        raise BadInput("engine_unknown", engine=str(engine)[:40])
    named = given.get("conversation")
    conversation = named if isinstance(named, str) and 16 <= len(named) <= 64 else ""
    return Request(
        str(given.get("model") or ""), str(given.get("quantization") or ""), system, messages, replies,
        _ids(given.get("prefix")),
        conversation,
        settings(context, given),
        engine,
    )  # fmt: skip


def settings(context: Context, given: Mapping[str, Any]) -> Settings:
    """How to decode; what is not named is as `Settings` has it.

    Raises:
        BadInput: ``setting_outside``.
    """
    most = _whole(given, "max_new_tokens", 256)
    if context.settings.public:
        most = min(most, PUBLIC_MOST)
    seed = given.get("seed")
    return Settings(
        max_new_tokens=most,
        temperature=_number(given, "temperature", 0.0),
        top_k=_whole(given, "top_k", 0),
        top_p=_number(given, "top_p", 1.0),
        min_p=_number(given, "min_p", 0.0),
        repetition_penalty=_number(given, "repetition_penalty", 1.0),
        # A slider or an empty box gives a float, or nothing; -1 is the usual word for "draw one".
        seed=None if seed in (None, "") or _number(given, "seed", -1) < 0 else _whole(given, "seed", 0),
    ).checked()


def _number(given: Mapping[str, Any], name: str, otherwise: float) -> float:
    return numbers.number(name, given.get(name), otherwise)


def _whole(given: Mapping[str, Any], name: str, otherwise: int) -> int:
    return numbers.whole(name, given.get(name), otherwise)


def _ids(given: Any) -> list[int]:
    if given is None:
        return []
    fits = isinstance(given, Sequence) and not isinstance(given, str) and len(given) <= 20_000
    if not fits or not all(type(id) is int and 0 <= id < 2**31 for id in given):
        raise BadInput("ids_not_numbers")
    return list(given)
