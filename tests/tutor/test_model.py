"""The finished folder: loads as any model does, keeps its sizes, answers, and its figures are there."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.tutor import answering, facts, learning, shape
from playground.tutor.document import Turn
from playground.tutor.items import countries
from playground.tutor.shape import HOME

NASTY = [
    "",
    " ",
    "\n\n\t",
    "  two  spaces ",
    "🙂👍🏽",
    "龘𠮷",
    "á vs á",
    "\u200b\ufeff",
    "12,345.67",
    "don't",
    "中文 and English。",
]


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(HOME)


@pytest.fixture(scope="module")
def model():
    return AutoModelForCausalLM.from_pretrained(HOME)


def test_folder_is_complete_and_small():
    for name in (
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "generation_config.json",
        "README.md",
        "evaluation.json",
        "learning.json",
    ):
        assert (HOME / name).is_file(), name
    assert (HOME / "model.safetensors").stat().st_size < 25e6
    assert sum(file.stat().st_size for file in HOME.rglob("*") if file.is_file()) < 40e6


def test_shape_is_llamas_and_fits_8_bit_and_nf4(model):
    assert model.config.model_type == "llama"
    # Stored in half the bits, computed in float32 as its config says: the same answers on every processor.
    assert model.dtype == torch.float32
    with safe_open(HOME / "model.safetensors", "pt") as file:
        assert {file.get_slice(name).get_dtype() for name in file.keys()} == {"BF16"}  # noqa: SIM118
    assert 3e6 < sum(one.numel() for one in model.parameters()) < 10e6
    assert model.config.num_key_value_heads < model.config.num_attention_heads
    assert model.config.tie_word_embeddings and model.config.max_position_embeddings >= 512
    linears = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    assert len(linears) == 7 * model.config.num_hidden_layers + 1
    for linear in linears:
        assert linear.in_features % 64 == 0 and linear.out_features % 32 == 0
    assert all(bool(one.isfinite().all()) for one in model.parameters())


def test_special_tokens_and_stops(model, tokenizer):
    assert tokenizer.convert_tokens_to_ids(list(shape.SPECIALS)) == list(range(len(shape.SPECIALS)))
    assert model.generation_config.eos_token_id == [shape.END_ID, shape.EOS_ID]
    assert len(tokenizer) == model.config.vocab_size == shape.VOCABULARY
    assert tokenizer("Hello").input_ids[0] == shape.BOS_ID


def test_chat_template_is_what_was_trained(tokenizer):
    turns = [
        Turn("system", "Be sad."),
        Turn("user", "Hi"),
        Turn("assistant", "Oh."),
        Turn("user", "法國的首都？"),
    ]
    messages = [{"role": turn.role, "content": turn.text} for turn in turns]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
    assert ids == answering.prompt_ids(turns, tokenizer.backend_tokenizer)
    without = tokenizer.apply_chat_template(messages[1:2], tokenize=False)
    assert without == "<|bos|><|user|>Hi<|end|>"


@pytest.mark.parametrize("text", NASTY)
def test_nasty_texts_round_trip(tokenizer, text):
    ids = tokenizer(text, add_special_tokens=False).input_ids
    assert tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False) == text


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_round_trips(text):
    backend = _backend()
    if not any(special in text for special in shape.SPECIALS):
        assert (
            backend.decode(backend.encode(text, add_special_tokens=False).ids, skip_special_tokens=False)
            == text
        )


def _backend(cache={}):  # noqa: B006 (read once for all examples)
    from tokenizers import Tokenizer

    if "one" not in cache:
        cache["one"] = Tokenizer.from_file(str(HOME / "tokenizer.json"))
    return cache["one"]


# Answers that the tables got after this tokenizer was trained; the next one has them, and this goes.
ADDED_LATER = {
    *("Washington", "Wellington", "Amsterdam", "Prague", "Abuja", "Riyadh", "Manila"),
    *("Czech", "Malay", "Filipino", "golden"),
}


def test_answers_are_single_tokens():
    backend = _backend()

    def tokens(text):
        return backend.encode(text, add_special_tokens=False).tokens

    capitals = [row[1] for row in countries() if " " not in row[1]]
    assert len(capitals) >= 45
    relations = ("opposite", "colour", "language", "continent", "sound", "baby")
    told = {answer for one in relations for answer in facts.relations("en")[one].answers()}
    whole = {*capitals, *(answer for answer in told if " " not in answer)} - ADDED_LATER
    assert [name for name in sorted(whole) if len(tokens(" " + name)) != 1] == []
    assert tokens("12 + 7") == ["1", "2", "Ġ+", "Ġ7"]
    assert all(len(tokens(character)) == 1 for character in "法國的首都是巴黎詞元注意力量化国语训练记")


HEADLINES = [
    ("en", "What is the capital of France?", "Paris"),
    ("en", "What is the capital of Japan?", "Tokyo"),
    ("en", "What is the opposite of hot?", "cold"),
    ("en", "What colour is snow?", "white"),
    ("en", "Who are you?", "small language model"),
    ("en", "What is a token?", "token"),
    ("en", "What is the weather in Hamburg?", "I don't know"),
    ("en", "thanks", "welcome"),
    ("tw", "法國的首都是哪裡？", "巴黎"),
    ("tw", "什麼是注意力？", "詞元"),
    ("tw", "你是誰？", "小"),
    ("cn", "日本的首都是哪里？", "东京"),
    ("cn", "什么是温度？", "词元"),
    ("cn", "你好", "你好"),
]


@pytest.fixture(scope="module")
def replies(model, tokenizer):
    prompts = [[Turn("user", question)] for _, question, _ in HEADLINES]
    found = answering.answers(model.float(), tokenizer.backend_tokenizer, prompts, 60)
    return dict(zip([question for _, question, _ in HEADLINES], found, strict=True))


@pytest.mark.parametrize(("language", "question", "part"), HEADLINES)
def test_headline_questions(replies, language, question, part):
    reply, ended = replies[question]
    assert part in reply and ended, reply


def test_follow_up_and_story(model, tokenizer):
    chat = [
        Turn("user", "What is the capital of France?"),
        Turn("assistant", "Paris."),
        Turn("user", "And of Japan?"),
    ]
    story = [Turn("text", "Once upon a time")]
    backend = tokenizer.backend_tokenizer
    (reply, _), (told, ended) = (answering.answers(model, backend, [one], 400)[0] for one in (chat, story))
    assert "Tokyo" in reply
    assert ended and len(told.split()) > 40 and told.endswith((".", '"', "!"))


def test_next_token_charts_have_runners_up(model, tokenizer):
    ids = tokenizer("The capital of France is", return_tensors="pt").input_ids
    top = learning.next_token(model, ids[0].tolist()).topk(5)
    assert tokenizer.decode(top.indices[0]) == " Paris"
    assert 0.5 < float(top.values[0]) < 0.999 and float(top.values[1]) > 1e-5


def test_learning_json():
    data = json.loads((HOME / "learning.json").read_text(encoding="utf-8"))
    assert data["prompts"] == learning.PROMPTS and len(data["prompts"]) >= 50
    shots = data["snapshots"]
    assert len(shots) >= 15 and [shot["step"] for shot in shots] == sorted({shot["step"] for shot in shots})
    for shot in shots:
        assert len(shot["answers"]) == len(shot["samples"]) == len(data["prompts"])
        for answer in shot["answers"]:
            chances = [chance for _, chance in answer]
            assert len(answer) == learning.TOP and chances == sorted(chances, reverse=True)
            assert 0 < sum(chances) < 1.001
            assert all(str(token) in data["texts"] for token, _ in answer)
    place = next(i for i, one in enumerate(data["prompts"]) if one["text"] == "The capital of France is")
    said = [data["texts"][str(shot["answers"][place][0][0])] for shot in shots]
    assert said[-1] == " Paris" and said[0] != " Paris"


def test_card_and_evaluation_agree():
    result = json.loads((HOME / "evaluation.json").read_text(encoding="utf-8"))
    card = (HOME / "README.md").read_text(encoding="utf-8")
    assert result["questions"] > 1500
    for category, row in result["table"].items():
        cells = " | ".join(f"{row[language][0]}/{row[language][1]}" for language in ("en", "tw", "cn"))
        assert f"| {category} | {cells} |" in card
    assert f"{result['held_out_perplexity']:.2f}" in card
