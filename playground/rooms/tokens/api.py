"""The Tokens panel for programs: ``/tokenize``, ``/detokenize``, ``/chat_template``; README promises them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.engine.tokenizers import tokenize as tokens
from playground.engine.tokenizers.tokenize import Tokenized
from playground.errors import BadInput
from playground.rooms.tokens.service import TokensService
from playground.ui.visitor import TOKENIZING, guard

AT_ONCE = 16
PUBLIC_TOKENS = 50_000  # of one answer: whoever writes more of them as JSON holds up the others for long


def plain(tokenized: Tokenized) -> list[dict[str, Any]]:
    """Tokens as JSON."""
    return [
        {
            "id": t.id, "piece": t.piece, "text": t.text, "bytes": t.bytes.hex(),
            "start": t.start, "end": t.end, "special": t.special,
        }
        for t in tokenized.tokens()
    ]  # fmt: skip


def build(do: TokensService) -> None:
    """Register the endpoints on the page being built."""
    most = min(tokens.MOST_IDS, do.context.settings.text_limit // 4)

    def tokenize(text: str, tokenizers: list[str], special_tokens: bool = True) -> list[dict[str, Any]]:
        """Cut a text into tokens under one or several tokenizers.

        Args:
            text: any text.
            tokenizers: names as the menu shows them, Hub ids, or folders of the models folder; on a public
                server they make 50,000 tokens together at most.
            special_tokens: add what the model expects around the text, like [CLS] or <s>.

        Returns:
            One object a tokenizer: tokenizer, algorithm, vocabulary, count, characters_per_token, tokens;
            start and end count code points of the text.
        """
        if isinstance(tokenizers, str):
            tokenizers = [tokenizers]
        if not isinstance(tokenizers, list) or not 0 < len(tokenizers) <= AT_ONCE:
            raise BadInput("too_many_tokenizers", most=AT_ONCE)
        if not isinstance(special_tokens, bool):  # bool("no") would be true
            raise BadInput("not_a_switch", name="special_tokens")
        found = do.tokenized(do.checked(text), tokenizers, special_tokens)
        count = sum(each.count for each in found)
        if do.context.settings.public and count > PUBLIC_TOKENS:
            raise BadInput("too_many_tokens", count=count, most=PUBLIC_TOKENS)
        return [
            {
                "tokenizer": each.tokenizer, "algorithm": each.algorithm, "vocabulary": each.vocabulary,
                "count": each.count, "characters_per_token": each.characters_per_token, "tokens": plain(each),
            }
            for each in found
        ]  # fmt: skip

    def detokenize(ids: list[int], tokenizer: str) -> dict[str, Any]:
        """Turn token ids into text.

        Args:
            ids: whole numbers inside the tokenizer's vocabulary, at most 200,000 (on a public server 50,000).
            tokenizer: its name.

        Returns:
            text, and tokens as /tokenize gives them; start and end count code points of that text.
        """
        with do.opened(tokenizer) as (_, adapter):
            found = tokens.detokenize(adapter, tokenizer, ids, most)
        return {"text": found.text, "tokens": plain(found)}

    def chat_template(messages: list[dict[str, str]], model: str) -> dict[str, Any]:
        """Render messages into the prompt that a chat model reads, and tokenize it (without a second BOS).

        Args:
            messages: objects with role (system, user or assistant) and content.
            model: the name of a model or tokenizer with a chat template.

        Returns:
            prompt, ids and tokens.
        """
        rendered, tokenized = do.chat_prompt(messages, model)
        return {"prompt": rendered.prompt, "ids": rendered.encoded.ids.tolist(), "tokens": plain(tokenized)}

    for endpoint in (tokenize, detokenize, chat_template):
        gr.api(guard(endpoint), api_name=endpoint.__name__, **TOKENIZING)
