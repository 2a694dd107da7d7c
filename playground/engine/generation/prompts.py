"""A prompt as a visitor types it → the ids that a model continues."""

from __future__ import annotations

from playground.engine.generation.conversation import Prompt, compose
from playground.engine.tokenizers import tokenize
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput
from playground.models.cache import Loaded


def prompt_ids(
    loaded: Loaded, prompt: object, limit: int, *, chat: bool = False
) -> tuple[list[int], tuple[int, ...]]:
    """The ids, and what must end the text besides the ids that the model itself names.

    Args:
        prompt: a text to go on with, begun as the tokenizer begins one (BOS where it has one); or, with
        chat: what a user says, in the model's own chat template (tokenized without adding anything again).
        limit: the most characters.

    Raises:
        BadInput: ``not_text``, ``text_too_long``, ``lone_surrogate``, ``prompt_empty``; those of a template.
    """
    if chat:
        made = message(loaded, prompt, limit)
        return made.ids, made.stop_ids
    text = tokenize.check(prompt, limit)
    known = adapter(loaded)
    encoded = known.encode(text, special=True)
    count = len(encoded.ids)
    while text and count and encoded.added[count - 1] and encoded.starts[count - 1] == len(text):
        count -= 1  # an end of text would end it before it went on
    ids = [int(id) for id in encoded.ids[:count]]
    begin = known.specials().get("bos")
    if not ids and begin is not None:
        ids = [begin]
    if not ids:
        raise BadInput("prompt_empty")
    return ids, ()


def message(loaded: Loaded, prompt: object, limit: int, answer: str = "") -> Prompt:
    """What a user says, in the model's own chat template; ``completion`` where it has none.

    Args:
        answer: how the assistant has begun to answer.

    Raises:
        BadInput: ``not_text``, ``text_too_long``, ``lone_surrogate``, ``message_empty``; those of a template.
    """
    text = tokenize.check(prompt, limit)
    if not text.strip():
        raise BadInput("message_empty")
    said = [{"role": "user", "content": text}]
    if answer.strip():
        said.append({"role": "assistant", "content": tokenize.check(answer, limit)})
    return compose(loaded, said, max_new_tokens=1)
