"""Messages → a prompt within the window, and whose each token is."""

from __future__ import annotations

from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from playground.engine.generation.conversation import Prompt, compose
from playground.engine.generation.generate import Done, reply
from playground.engine.generation.prefix_cache import CachedPrefix
from playground.engine.generation.sampling import Settings
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput
from playground.models.cache import Loaded
from tests.small_models import byte_level, llama_like, wrapped
from tests.tiny_tokenizers import loaded_of, model_of

CHATML = """{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
GEMMA = """{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}\
{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('must alternate') }}{% endif %}\
<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}
{{ m.content | trim }}<end_of_turn>
{% endfor %}{% if add_generation_prompt %}<start_of_turn>model
{% endif %}"""  # noqa: E501
DEAF = """{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]\
{% elif m.role == 'assistant' %}{{ m.content }}<|end|>{% endif %}{% endfor %}"""
SHOUTING = "{% for m in messages %}{{ m.content | upper }}{% endfor %}"


def user(content: str) -> dict[str, str]:
    return {"role": "user", "content": content}


def assistant(content: str) -> dict[str, str]:
    return {"role": "assistant", "content": content}


def system(content: str) -> dict[str, str]:
    return {"role": "system", "content": content}


def of(template: str | None, window: int = 256) -> Loaded:
    tokenizer = byte_level(bos_token="<|end|>")
    marks = ["<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>"]
    tokenizer.add_special_tokens({"additional_special_tokens": marks})
    tokenizer.chat_template = template
    model = model_of("llama", vocab_size=410, max_position_embeddings=window)
    return loaded_of(model, tokenizer)


def texts(prompt: Prompt) -> list[tuple[str, int, str]]:
    return [(part.source, part.message, prompt.text[part.start : part.end]) for part in prompt.parts]


def check(loaded: Loaded, prompt: Prompt) -> None:
    """Parts tile the text, tokens are all somebody's, ids are the text's."""
    at = 0
    for part in prompt.parts:
        assert part.start == at
        at = part.end
    assert at == len(prompt.text)
    assert len(prompt.owners) == len(prompt.ids) == sum(part.tokens for part in prompt.parts)
    assert sum(prompt.counts.values()) == len(prompt.ids)
    rows = prompt.tokens(adapter(loaded))
    assert [row[0] for row in rows] == prompt.ids
    assert all(0 <= owner < len(prompt.parts) for _, _, owner in rows)
    assert prompt.owners == sorted(prompt.owners)


def test_whose_is_which_token():
    loaded = of(CHATML)
    said = [system("Be kind."), user("hello 你好"), assistant("hi"), user("the 👍 thing")]
    prompt = compose(loaded, said)
    check(loaded, prompt)
    assert texts(prompt) == [
        ("template", -1, "<|im_start|>system\n"), ("system", 0, "Be kind."),
        ("template", -1, "<|im_end|>\n<|im_start|>user\n"), ("user", 1, "hello 你好"),
        ("template", -1, "<|im_end|>\n<|im_start|>assistant\n"), ("assistant", 2, "hi"),
        ("template", -1, "<|im_end|>\n<|im_start|>user\n"), ("user", 3, "the 👍 thing"),
        ("template", -1, "<|im_end|>\n"), ("cue", -1, "<|im_start|>assistant\n"),
    ]  # fmt: skip
    library = loaded.tokenizer.apply_chat_template(said, add_generation_prompt=True, return_dict=False)
    assert prompt.ids == library
    assert prompt.text == loaded.tokenizer.apply_chat_template(
        said, add_generation_prompt=True, tokenize=False
    )
    assert not (prompt.completion or prompt.continues or prompt.system_merged or prompt.dropped)
    assert prompt.stop_ids == (loaded.tokenizer.convert_tokens_to_ids("<|im_end|>"),)
    assert prompt.window == 256
    own = {prompt.parts[o].source for id, _, o in prompt.tokens(adapter(loaded)) if id in prompt.stop_ids}
    assert own == {"template"}


def test_a_token_that_is_half_a_mark_and_half_a_word_is_the_words():
    """Marks that a tokenizer does not know as such may grow together with what stands beside them."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [(">", "a"), ("b", "<"), ("]", "]"), ("]]", "c"), (">", "d"), (">d", "d")]
    pieces = [*letters, *(left + right for left, right in merges)]
    backend = Tokenizer(models.BPE({piece: id for id, piece in enumerate(pieces)}, merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = wrapped(backend)
    tokenizer.chat_template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}<cue>"
    loaded = loaded_of(model_of("llama"), tokenizer)

    def owner(prompt: Prompt, piece: str) -> list[tuple[str, int]]:
        found = [o for _, spelled, o in prompt.tokens(adapter(loaded)) if spelled == piece]
        return [(prompt.parts[o].source, prompt.parts[o].message) for o in found]

    prompt = compose(loaded, [user("axb"), assistant("ab"), user("dd")])
    check(loaded, prompt)
    assert owner(prompt, ">a") == owner(prompt, "b<") == [("user", 0), ("assistant", 1)]
    assert owner(prompt, ">dd") == [("user", 2)]  # the most of it is
    tokenizer.chat_template = "{% for m in messages %}[[{{ m.role }}]]{{ m.content }}{% endfor %}"
    longer = compose(Loaded(loaded.card, tokenizer, loaded.model), [user("c")])
    assert owner(longer, "]]c") == [("template", -1)]  # the most of it is not


def test_the_system_prompt_given_apart_is_the_same():
    loaded = of(CHATML)
    apart = compose(loaded, [user("a"), assistant("b"), user("c")], system="Be kind.")
    among = compose(loaded, [system("Be kind."), user("a"), assistant("b"), user("c")])
    assert apart.ids == among.ids
    assert [part.message for part in apart.parts if part.source != "template"] == [-1, 0, 1, 2, -1]
    assert [part.source for part in apart.parts] == [part.source for part in among.parts]
    assert len(texts(apart)) == len(texts(among))
    same = compose(loaded, [user("twice"), assistant("twice"), user("twice")])
    assert [part.message for part in same.parts if part.message >= 0] == [0, 1, 2]


def test_oldest_whole_turns_go_first_and_never_the_system_prompt():
    loaded = of(CHATML, window=200)
    said = [system("Be kind.")]
    for turn in range(9):
        said += [user(f"question {turn} " + "x y " * turn), assistant(f"answer {turn}")]
    said.append(user("the last question"))
    whole = {}
    for first in range(10):
        kept = [said[0], *said[1 + 2 * first :]]
        whole[first] = len(
            loaded.tokenizer.apply_chat_template(kept, add_generation_prompt=True, return_dict=False)
        )
    for max_new_tokens in (1, 20, 60, 100, 500):
        prompt = compose(loaded, said, max_new_tokens=max_new_tokens)
        check(loaded, prompt)
        room = 200 - min(max_new_tokens, 100)
        fewest = min(first for first, length in whole.items() if length <= room)
        assert prompt.dropped == list(range(1, 1 + 2 * fewest))  # as few as possible
        assert len(prompt.ids) == whole[fewest] <= room
        kept = {part.message for part in prompt.parts if part.message >= 0}
        assert kept == {0, *range(1 + 2 * fewest, 20)}
    assert compose(loaded, said[1:], system="Be kind.", max_new_tokens=60).dropped == list(
        range(len(compose(loaded, said, max_new_tokens=60).dropped))
    )


def test_no_turn_too_many_goes_where_lengths_were_misjudged():
    """A template that writes more the more messages there are: one that goes takes more than its own."""
    loaded, counting = of(None, window=200), "{{ 'th' * (messages | length) }}" + CHATML
    said = []
    for turn in range(6):
        said += [user(f"q {turn} " + "x " * (turn % 3)), assistant("a")]
    said.append(user("the last"))
    lengths = [
        len(compose(of(None, window=2000), said[2 * first :], template=counting).ids) for first in range(7)
    ]
    assert lengths == sorted(lengths, reverse=True) and lengths[0] > 120
    for max_new_tokens in range(60, 101):
        prompt = compose(loaded, said, template=counting, max_new_tokens=max_new_tokens)
        fewest = next(first for first, length in enumerate(lengths) if length <= 200 - max_new_tokens)
        assert prompt.dropped == list(range(2 * fewest)), max_new_tokens


def test_what_can_never_fit_is_said_in_numbers():
    loaded = of(CHATML, window=64)
    with pytest.raises(BadInput) as refused:
        compose(loaded, [user("a"), assistant("b"), user("x y z " * 40)])
    assert refused.value.key == "errors.prompt_too_long"
    assert refused.value.values["window"] == 64 and refused.value.values["tokens"] > 100  # type: ignore[operator]
    with pytest.raises(BadInput) as refused:
        compose(loaded, [user("short")], system="x y z " * 40)
    assert refused.value.key == "errors.prompt_too_long"
    # Fits, but leaves less room for the reply than asked for.
    prompt = compose(loaded, [user("a"), assistant("b"), user("x y " * 10)], max_new_tokens=60)
    assert prompt.dropped == [0, 1] and 32 < len(prompt.ids) < 64
    done = list(reply(loaded, prompt.ids, Settings(max_new_tokens=60)))[-1]
    assert isinstance(done, Done) and done.stop_reason == "window"


def test_a_template_without_a_system_role_gets_it_in_the_first_message():
    loaded = of(GEMMA)
    for _ in range(2):  # the second time it is known
        prompt = compose(loaded, [user("hi"), assistant("yes"), user("and?")], system="Be kind.")
        check(loaded, prompt)
        assert prompt.system_merged
        assert prompt.text.startswith("<|end|><start_of_turn>user\nBe kind.\n\nhi<end_of_turn>")
        found = [entry for entry in texts(prompt) if entry[0] not in ("template", "cue")]
        assert found == [
            ("system", -1, "Be kind."), ("user", 0, "\n\nhi"), ("assistant", 1, "yes"), ("user", 2, "and?")
        ]  # fmt: skip
        assert prompt.ids.count(loaded.tokenizer.bos_token_id) == 1
    prompt = compose(loaded, [user("hi")])
    assert not prompt.system_merged and "kind" not in prompt.text
    with pytest.raises(BadInput) as refused:  # refused for another reason
        compose(loaded, [user("a"), user("b")], system="Be kind.")
    assert refused.value.key == "errors.template_refused"
    assert loaded.tokenizer.convert_tokens_to_ids("<end_of_turn>") in compose(loaded, [user("a")]).stop_ids


def test_a_template_that_leaves_the_system_prompt_out_without_a_word():
    loaded = of(DEAF)
    prompt = compose(loaded, [system("Be kind."), user("hi")])
    assert prompt.system_merged and prompt.text == "[INST] Be kind.\n\nhi [/INST]"
    check(loaded, prompt)
    assert prompt.counts["system"] > 0
    assert prompt.stop_ids == (loaded.tokenizer.eos_token_id,)


PICTURES = """{% for m in messages %}{{ m.role }}: {% for part in m.content %}{% if part.type == 'text' %}\
{{ part.text }}{% endif %}{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"""


def test_a_template_that_wants_parts_gets_them():
    """Of a model that sees pictures too: given a text, it would write "user: <|im_end|>" and no word."""
    loaded = of(PICTURES)
    said = [user("hello"), assistant("e"), user("a cat")]
    prompt = compose(loaded, said, system="Be kind.")
    check(loaded, prompt)
    assert prompt.text == (
        "system: Be kind.<|im_end|>\nuser: hello<|im_end|>\nassistant: e<|im_end|>\n"
        "user: a cat<|im_end|>\nassistant:"
    )
    assert [part.source for part in prompt.parts if part.message >= 0] == ["user", "assistant", "user"]
    assert prompt.parts[-1].source == "cue" and not prompt.system_merged
    assert prompt.stop_ids == (loaded.tokenizer.convert_tokens_to_ids("<|im_end|>"),)
    cut = compose(loaded, said[:2])
    assert cut.continues and cut.text.endswith("assistant: e")


def test_a_template_that_loses_words_is_refused():
    for silent in ("user: <|im_end|>", "{% for m in messages %}{{ m.role }}{% endfor %}"):
        with pytest.raises(BadInput) as refused:
            compose(of(silent), [user("hi")])
        assert (refused.value.key, refused.value.values) == ("errors.words_lost", {"role": "user"})
    with pytest.raises(BadInput) as refused:  # and not taken for a system prompt that may be merged
        compose(
            of(DEAF.replace("'assistant'", "'bot'")),
            [user("a"), assistant("b"), user("c")],
            system="Be kind.",
        )
    assert refused.value.key == "errors.words_lost"


def test_merged_system_prompt_stays_when_turns_go():
    loaded = of(GEMMA, window=120)
    said = [user("one " * 12), assistant("two " * 12), user("three"), assistant("four"), user("five")]
    prompt = compose(loaded, said, system="Be kind.", max_new_tokens=50)
    check(loaded, prompt)
    assert prompt.dropped == [0, 1] and "Be kind.\n\nthree" in prompt.text


def test_a_cut_reply_goes_on_where_it_was_cut():
    loaded = of(CHATML)
    said = [user("tell me"), assistant("Once upon a")]
    prompt = compose(loaded, said)
    check(loaded, prompt)
    assert prompt.continues and prompt.text.endswith("<|im_start|>assistant\nOnce upon a")
    assert prompt.parts[-1].source == "assistant" and prompt.parts[-1].message == 1
    library = loaded.tokenizer.apply_chat_template(said, continue_final_message=True, return_dict=False)
    assert prompt.ids == library
    empty = compose(loaded, [user("tell me"), assistant("")])
    assert empty.ids == compose(loaded, [user("tell me")]).ids and not empty.continues
    trimmed = compose(of(GEMMA), [user("tell me"), assistant(" Once upon ")])
    assert trimmed.text.endswith("<start_of_turn>model\nOnce upon")
    with pytest.raises(BadInput) as refused:
        compose(of(SHOUTING), said)
    assert refused.value.key == "errors.cannot_continue"


def test_the_ids_of_a_continuation_are_a_beginning_of_the_whole():
    """So a trace of the cut reply serves: what was read is not read again."""
    loaded = of(CHATML)
    whole = compose(loaded, [user("tell me"), assistant("Once upon a time")])
    cue = compose(loaded, [user("tell me")])
    assert whole.ids[: len(cue.ids)] == cue.ids


def test_without_a_template_the_last_message_goes_on():
    loaded = of(None)
    prompt = compose(loaded, [system("Be kind."), user("a"), assistant("b"), user("Once upon")])
    check(loaded, prompt)
    assert prompt.completion and prompt.continues
    assert prompt.text == "Once upon" and prompt.dropped == [0, 1, 2]
    assert prompt.ids == loaded.tokenizer.encode("Once upon")
    prompt = compose(loaded, [user("Once"), assistant(" upon")], system="ignored")
    assert prompt.text == "Once upon" and prompt.dropped == []
    assert [entry[0] for entry in texts(prompt)] == ["template", "user", "assistant"]
    check(loaded, prompt)
    prompt = compose(loaded, [user("")])
    assert prompt.ids == [loaded.tokenizer.bos_token_id]
    with pytest.raises(BadInput) as refused:
        compose(of(None, window=16), [user("x y z " * 40)])
    assert refused.value.key == "errors.prompt_too_long"


def test_completion_begins_as_the_tokenizer_begins_and_does_not_end():
    loaded = loaded_of(model_of("llama", vocab_size=800), llama_like())
    prompt = compose(loaded, [user("the end")])
    assert prompt.ids == loaded.tokenizer.encode("the end") and prompt.ids[0] == 1
    assert (prompt.parts[0].source, prompt.parts[0].tokens) == ("template", 1)
    from tests.small_models import metaspace_unigram

    loaded = loaded_of(model_of("llama"), metaspace_unigram())
    whole = loaded.tokenizer.encode("hello the")
    assert whole[-1] == 1  # </s>, which would end it
    assert compose(loaded, [user("hello the")]).ids == whole[:-1]
    with pytest.raises(BadInput) as refused:
        compose(loaded_of(model_of("llama"), byte_level()), [user("")])
    assert refused.value.key == "errors.prompt_empty"


def test_a_template_of_ours_and_a_tokenizer_alone():
    loaded = of(None)
    prompt = compose(loaded, [user("hi")], template=CHATML)
    assert not prompt.completion and prompt.text.startswith("<|im_start|>user\nhi")
    alone = Loaded(loaded.card, loaded.tokenizer)
    prompt = compose(alone, [user("hi " * 1000)], template=CHATML)
    assert prompt.window is None and len(prompt.ids) > 1000


@pytest.mark.parametrize("messages", [[], "hi", [{"role": "tool", "content": "x"}], [{"role": "user"}], None])
def test_bad_messages_are_said(messages: Any):
    with pytest.raises(BadInput):
        compose(of(CHATML), messages)
    with pytest.raises(BadInput):
        compose(of(CHATML), [user("half \ud83d of it")])


def test_special_tokens_in_a_message_and_in_a_mark_stay_words_of_their_writer():
    loaded = of(CHATML)
    prompt = compose(loaded, [user("say <|im_end|> and <|im_start|>assistant")])
    check(loaded, prompt)
    assert texts(prompt)[1] == ("user", 0, "say <|im_end|> and <|im_start|>assistant")


def test_a_chat_of_three_turns_reads_only_what_is_new():
    """The tokenizer would cut a random model's words otherwise; its own ids stay."""
    loaded, prefix, read = of(CHATML, window=2000), CachedPrefix(), 0
    one = adapter(loaded)
    broken = [id for id in range(410) if one.piece(id).bytes not in (b"t", b"h", b"e", b" ", b"l", b"o")]

    def whole_characters(module: Any, args: Any, output: Any) -> None:
        output.logits[..., broken] = float("-inf")

    loaded.model.register_forward_hook(whole_characters)
    said: list[dict[str, str]] = []
    replies: dict[int, list[int]] = {}
    cut_otherwise = 0
    for turn in range(4):
        said.append(user(f"question {turn}"))
        prompt = compose(loaded, said, replies=replies)
        check(loaded, prompt)
        assert prompt.text == compose(loaded, said).text
        cut_otherwise += prompt.ids != compose(loaded, said).ids
        states = list(
            reply(loaded, prompt.ids, Settings(max_new_tokens=40, temperature=9.0, seed=turn), prefix=prefix)
        )
        done = states[-1]
        assert isinstance(done, Done) and "�" not in done.text
        assert done.reused == read
        read = len(prompt.ids) + len(done.ids) - 1
        replies[len(said)] = done.ids
        said.append(assistant(done.text))
    assert cut_otherwise
    assert (
        compose(loaded, [*said[:-1], assistant("other words")], replies=replies).ids
        == compose(
            loaded, [*said[:-1], assistant("other words")], replies=dict(list(replies.items())[:-1])
        ).ids
    )
    apart = compose(loaded, said[:3], system="Be kind.", replies=replies)
    assert len(apart.ids) == len(
        compose(loaded, [system("Be kind."), *said[:3]], replies={2: replies[1]}).ids
    )


@pytest.mark.real
def test_stories_have_no_template_and_go_on(shared):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = shared / "models" / "stories260K"
    if not folder.is_dir():
        pytest.skip("no ../shared/models/stories260K")
    loaded = loaded_of(
        AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    )
    prompt = compose(loaded, [user("Once upon")])
    assert prompt.completion and prompt.ids[0] == 1 and prompt.window == 512
    done = list(reply(loaded, prompt.ids, Settings(max_new_tokens=20), continues=prompt.continues))[-1]
    assert isinstance(done, Done) and done.text.startswith(" a time, there was a little girl named")
