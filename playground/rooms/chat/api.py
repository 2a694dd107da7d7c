"""What Chat answers: `/chat` for programs, and streams for the page itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput
from playground.rooms.chat import actions, modelfile
from playground.rooms.chat import view as conversation_view
from playground.rooms.chat.request import parse
from playground.ui.context import Context
from playground.ui.visitor import guard, language


def build(context: Context) -> None:
    """Register them."""

    def chat(
        message: str,
        history: list[dict[str, Any]] = [],  # noqa: B006  (gradio reads the default)
        model: str = "tutor",
        system: str = "",
        max_new_tokens: int = 256,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        repetition_penalty: float = 1.0,
        seed: int = -1,
    ) -> Iterator[dict[str, Any]]:
        """Chat with a language model; the reply streams.

        Args:
            message: what the user says now.
            history: what was said before: a list of {"role": "user" or "assistant", "content": text}.
            model: an embedded name, a folder of the models folder, or a Hub id.
            system: the system prompt.
            max_new_tokens: the reply is cut after so many.
            temperature: 0 always takes the likeliest token.
            top_k: draw among so many of the likeliest; 0 for all.
            top_p: draw among the likeliest that together reach this share.
            repetition_penalty: above 1 repeats less.
            seed: the same gives the same reply; -1 draws one.

        Returns:
            A stream of {reply (so far), done}; the last one has done true, and prompt, prompt_tokens,
            new_tokens, seconds, tokens_per_second, stop_reason ("eos", "length", "window"), dropped_turns.
        """
        if not isinstance(history, list):
            raise BadInput("messages_malformed")
        given = {
            "messages": [*history, {"role": "user", "content": message}], "model": model, "system": system,
            "max_new_tokens": max_new_tokens, "temperature": temperature, "top_k": top_k, "top_p": top_p,
            "repetition_penalty": repetition_penalty, "seed": seed,
        }  # fmt: skip
        yield from actions.answers(context, given)

    gr.api(guard(chat), api_name="chat", **actions.chatting(context))


def streams(context: Context) -> dict[str, Callable[[Any], Iterator[Any]]]:
    """What the page's own script asks for (`assets/chat/chat.js`), for `playground.shell.streams`."""

    def stream(given: Any) -> Iterator[Any]:
        yield from actions.pieces(context, given)

    def alternatives(given: Any) -> Iterator[Any]:
        yield actions.alternatives(context, given)

    def prompt(given: Any) -> Iterator[Any]:
        wanted = parse(context, given)
        with actions.ready(context, wanted) as loaded:
            composed = actions.composed(loaded, wanted)
            yield {"html": conversation_view.under_the_hood(composed, adapter(loaded), language())}

    def file(given: Any) -> Iterator[Any]:
        wanted = parse(context, given)
        with actions.ready(context, wanted) as loaded:
            yield {"text": modelfile.write(loaded, wanted.system, wanted.settings)}

    return {
        "chat": stream, "chat/alternatives": alternatives, "chat/prompt": prompt, "chat/modelfile": file
    }  # fmt: skip
