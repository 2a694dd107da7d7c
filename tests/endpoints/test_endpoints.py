"""What docs/endpoints.md promises to programs, asked of the app through ``gradio_client`` and plain HTTP."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from tests.app import ROOT, App, tokenizer_json
from tests.app_fixture import UPLOAD_MB, app  # noqa: F401

TOKEN = {"id": int, "piece": str, "text": str, "bytes": str, "start": int, "end": int, "special": bool}
TOKENIZED = {
    "tokenizer": str, "algorithm": str, "vocabulary": int, "count": int, "characters_per_token": float,
    "tokens": list,
}  # fmt: skip
MODEL = {
    "name": str, "roles": list, "source": str, "state": str, "bytes": int, "device": str, "dtype": str,
    "leases": int,
}  # fmt: skip
TOOLS = (
    "chat_template", "chat", "detokenize", "embed", "find_songs", "generate", "inspect", "models",
    "next_token", "project", "recommend", "similarity", "tokenize",
    "token_vectors", "similar_words",
)  # fmt: skip
EMBEDDED = ("all-MiniLM-L6-v2", "mistral-v1", "mistral-v3", "tekken", "byt5", "canine")
LOSSLESS = ("mistral-v1", "mistral-v3", "tekken", "byt5", "canine")
TEXTS = {
    "latin": "Hello, world!  Two blanks and a tab\tand\nlines.",
    "han": "語言模型讀的不是字，而是詞元。龘",
    "html": "<script>alert('x')</script><img src=x onerror=alert(1)> &amp; {{7*7}} ${1+1}",
    "emoji": "👩‍🚀 👍🏽 🇹🇼 ❤️",
    "rtl": "مرحبا بالعالم \u202eabc\u202c",
    "nul": "a\x00b\x07",
    "combining": "e\u0301 é ﬁ Å",
    "blank": " ",
}
HAN = re.compile(r"[\u4e00-\u9fff]")
# Characters that only Traditional or only Simplified Chinese writes, among those of our sentences.
SIMPLIFIED = set("这个给称请选择词汇页码载没断连线错误对话认为义类结构数学习记录")
INTERNALS = ("Traceback", "Error(", "Exception", "NoneType object", "playground/", ".py", "codec can't")


def connect(app: App, **headers: str) -> Client:  # noqa: F811
    # Without TLS to check, a call does not read the system's certificates anew: 0.1 s less for each.
    return Client(app.url, verbose=False, ssl_verify=False, headers=headers)


@pytest.fixture(scope="module")
def client(app: App) -> Client:  # noqa: F811
    return connect(app)


@pytest.fixture(scope="module")
def taiwan(app: App) -> Client:  # noqa: F811
    return connect(app, **{"accept-language": "zh-TW,zh;q=0.9,en;q=0.5"})


def ask(client: Client, endpoint: str, *given: Any, **named: Any) -> Any:
    return client.predict(*given, api_name=f"/{endpoint}", **named)


def refused(client: Client, endpoint: str, *given: Any) -> str:
    """The sentence of an error that is ours."""
    with pytest.raises(AppError) as caught:
        ask(client, endpoint, *given)
    told = str(caught.value)
    assert told and not any(internal in told for internal in INTERNALS), told
    return told


def post(app: App, endpoint: str, body: str, **headers: str) -> tuple[str, Any]:  # noqa: F811
    """Plain HTTP, for what ``gradio_client`` cannot write: (event, data)."""
    where = f"{app.url}gradio_api/call/{endpoint}"
    request = urllib.request.Request(
        where, body.encode(), {"content-type": "application/json", **headers}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(
        urllib.request.Request(f"{where}/{event}", headers=headers), timeout=60
    ) as answer:
        lines = answer.read().decode().splitlines()
    kind = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")][-1]
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")][-1]
    return kind, json.loads(data)


def check_form(whole: Any, keys: dict[str, type]) -> None:
    assert list(whole) == list(keys)
    for key, kind in keys.items():
        assert type(whole[key]) is kind or (kind is float and type(whole[key]) is int), (key, whole[key])


def check_tokens(found: list[dict[str, Any]], text: str) -> None:
    """Form, spans that are code points of the text, bytes as hexadecimal."""
    before = 0
    for token in found:
        check_form(token, TOKEN)
        assert 0 <= token["start"] <= token["end"] <= len(text)
        assert token["start"] >= before
        before = token["start"]
        bytes.fromhex(token["bytes"])
        assert "\ufffd" not in token["text"] or "\ufffd" in text


# ---- the promise ----


def test_the_public_endpoints_are_exactly_these(client: Client) -> None:
    api = client.view_api(return_format="dict", print_info=False)
    assert isinstance(api, dict)
    told = {
        name: [
            (
                p["parameter_name"],
                p["python_type"]["type"],
                p["parameter_has_default"],
                p["parameter_default"],
            )
            for p in endpoint["parameters"]
        ]
        for name, endpoint in api["named_endpoints"].items()
    }
    assert told == {
        "/models": [],
        "/tokenize": [
            ("text", "str", False, None),
            ("tokenizers", "list[str]", False, None),
            ("special_tokens", "bool", True, True),
        ],
        "/detokenize": [("ids", "list[int]", False, None), ("tokenizer", "str", False, None)],
        "/chat": [
            ("message", "str", False, None),
            ("history", "list[dict(str, Any)]", True, []),
            ("model", "str", True, "tutor"),
            ("system", "str", True, ""),
            ("max_new_tokens", "int", True, 256),
            ("temperature", "float", True, 0.0),
            ("top_k", "int", True, 0),
            ("top_p", "float", True, 1.0),
            ("repetition_penalty", "float", True, 1.0),
            ("seed", "int", True, -1),
        ],
        "/chat_template": [("messages", "list[dict(str, str)]", False, None), ("model", "str", False, None)],
        "/token_vectors": [("texts", "list[str]", False, None), ("model", "str", False, None)],
        "/similar_words": [
            ("positive", "list[str]", False, None),
            ("negative", "list[str]", False, None),
            ("source", "str", False, None),
            ("count", "int", True, 11),
        ],
        "/embed": [("texts", "list[str]", False, None), ("model", "str", False, None)],
        "/similarity": [("texts", "list[str]", False, None), ("model", "str", False, None)],
        "/project": [
            ("texts", "list[str]", False, None),
            ("model", "str", False, None),
            ("method", "str", True, "umap"),
            ("dimensions", "int", True, 2),
            ("seed", "int", True, 0),
            ("neighbours", "int", True, 15),
        ],
        "/generate": [
            ("prompt", "str", False, None),
            ("model", "str", True, "tutor"),
            ("strategy", "str", True, "greedy"),
            ("max_new_tokens", "int", True, 32),
            ("temperature", "float", True, 1.0),
            ("top_k", "int", True, 0),
            ("top_p", "float", True, 1.0),
            ("seed", "int", True, 0),
            ("num_beams", "int", True, 4),
            ("length_penalty", "float", True, 1.0),
        ],
        "/next_token": [
            ("prompt", "str", False, None),
            ("model", "str", True, "tutor"),
            ("temperature", "float", True, 1.0),
            ("top_k", "int", True, 0),
            ("top_p", "float", True, 1.0),
            ("count", "int", True, 20),
            ("lookup", "list[str]", True, []),
        ],
        "/find_songs": [
            ("query", "str", False, None),
            ("dataset", "str", False, None),
            ("count", "int", False, None),
        ],
        "/recommend": [
            ("liked", "list[str]", False, None),
            ("disliked", "list[str]", False, None),
            ("dataset", "str", False, None),
            ("count", "int", True, 10),
        ],
        "/inspect": [
            ("model", "str", False, None),
            ("changes", "dict(str, Any)", True, {}),
            ("config", "None | dict(str, Any)", True, None),
            ("context", "int", True, 2048),
        ],
    }
    assert not api["unnamed_endpoints"]
    assert all(endpoint["description"] for endpoint in api["named_endpoints"].values())


def test_the_document_lists_them_with_their_arguments_in_order(client: Client) -> None:
    api = client.view_api(return_format="dict", print_info=False)
    assert isinstance(api, dict)
    document = (ROOT / "docs" / "endpoints.md").read_text(encoding="utf-8")
    listed = {}
    for name, arguments in re.findall(r"^\| `(/\w+)` \|([^|]*)\|", document, re.MULTILINE):
        bare = re.sub(r"\[[^\]]*\]", "", arguments)
        listed[name] = [each.strip() for each in bare.split(",") if each.strip()]
    served = {
        name: [each["parameter_name"] for each in endpoint["parameters"]]
        for name, endpoint in api["named_endpoints"].items()
    }
    assert listed == served


def test_the_mcp_tools_are_the_same(app: App) -> None:  # noqa: F811
    pytest.importorskip("mcp")
    with urllib.request.urlopen(f"{app.url}gradio_api/mcp/schema", timeout=30) as answer:
        tools = json.load(answer)
    # Gradio may put the app's name in front.
    names = {next((ours for ours in TOOLS if tool["name"].endswith(ours)), tool["name"]) for tool in tools}
    assert len(tools) == len(TOOLS) and names == set(TOOLS)
    assert all(tool["description"] for tool in tools)


def test_models_tells_what_is_loaded_and_what_could_be(client: Client) -> None:
    ask(client, "tokenize", "a", ["mistral-v1"])
    rows = ask(client, "models")
    for row in rows:
        check_form(row, MODEL)
        assert row["state"] in {"loaded", "ready", "download"}
        assert (row["bytes"] > 0) <= (row["state"] == "loaded")
    found = {row["name"]: row for row in rows}
    assert len(found) == len(rows)
    assert found["mistral-v1"] == {
        "name": "mistral-v1", "roles": ["tokenizer"], "source": "embedded", "state": "loaded",
        "bytes": found["mistral-v1"]["bytes"], "device": "cpu", "dtype": "", "leases": 0,
    }  # fmt: skip
    assert found["mistral-v1"]["bytes"] > 10**6
    assert found["tiny"]["source"] == "folder"
    states = [row["state"] for row in rows]
    assert "loaded" not in states[states.count("loaded") :], "loaded ones first"


def test_arguments_by_position_and_by_name_are_the_same(client: Client) -> None:
    by_position = ask(client, "tokenize", "hello world", ["byt5"], False)
    by_name = ask(client, "tokenize", text="hello world", tokenizers=["byt5"], special_tokens=False)
    assert by_position == by_name
    assert ask(client, "tokenize", "hello world", ["byt5"])[0]["count"] == by_name[0]["count"] + 1  # </s>


def test_hello_world_under_bert(client: Client) -> None:
    (found,) = ask(client, "tokenize", "hello world", ["all-MiniLM-L6-v2"])
    assert found == {
        "tokenizer": "all-MiniLM-L6-v2", "algorithm": "WordPiece", "vocabulary": 30522, "count": 4,
        "characters_per_token": 2.75,
        "tokens": [
            token(101, "[CLS]", 0, 0, special=True), token(7592, "hello", 0, 5), token(2088, "world", 6, 11),
            token(102, "[SEP]", 11, 11, special=True),
        ],
    }  # fmt: skip


def token(id: int, piece: str, start: int, end: int, special: bool = False) -> dict[str, Any]:
    return {
        "id": id, "piece": piece, "text": piece, "bytes": piece.encode().hex(), "start": start, "end": end,
        "special": special,
    }  # fmt: skip


def test_a_single_name_counts_as_a_list_of_one(client: Client) -> None:
    assert ask(client, "tokenize", "hello", "byt5") == ask(client, "tokenize", "hello", ["byt5"])


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_any_text_in_the_promised_form(client: Client, text: str, special: bool) -> None:
    several = ask(client, "tokenize", text, list(EMBEDDED), special)
    assert [found["tokenizer"] for found in several] == list(EMBEDDED)
    for found in several:
        check_form(found, TOKENIZED)
        assert found["count"] == len(found["tokens"])
        check_tokens(found["tokens"], text)
        if found["count"]:
            assert found["characters_per_token"] == pytest.approx(len(text) / found["count"])
        if found["tokenizer"] in LOSSLESS:
            own = [t for t in found["tokens"] if t["end"] > t["start"]]
            assert "".join(t["text"] for t in own) == text


@pytest.mark.parametrize("text", ["Hello, world!", TEXTS["han"], TEXTS["emoji"], "  two", "x\n\ny"])
def test_mistral_v1_is_what_mistrals_own_library_says(client: Client, text: str) -> None:
    from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

    theirs = MistralTokenizer.v1().instruct_tokenizer.tokenizer
    for special in (True, False):
        (found,) = ask(client, "tokenize", text, ["mistral-v1"], special)
        assert [t["id"] for t in found["tokens"]] == theirs.encode(text, bos=special, eos=False)
        assert [t["piece"] for t in found["tokens"]] == [theirs.id_to_piece(t["id"]) for t in found["tokens"]]


def test_bytes_and_characters(client: Client) -> None:
    byt5, canine = ask(client, "tokenize", "aé👍", ["byt5", "canine"])
    raw = "aé👍".encode()
    assert [t["id"] for t in byt5["tokens"]] == [*(b + 3 for b in raw), 1]
    assert [t["bytes"] for t in byt5["tokens"][:-1]] == [f"{b:02x}" for b in raw]
    assert [(t["start"], t["end"]) for t in byt5["tokens"]] == [
        (0, 1), (1, 2), (1, 2), (2, 3), (2, 3), (2, 3), (2, 3), (3, 3),
    ]  # fmt: skip
    # A character over several tokens belongs, as text, to the last of them.
    assert [t["text"] for t in byt5["tokens"]] == ["a", "", "é", "", "", "", "👍", "</s>"]
    assert [t["id"] for t in canine["tokens"]] == [0xE000, ord("a"), ord("é"), ord("👍"), 0xE001]


def test_spans_count_the_original_not_the_normalized_text(client: Client) -> None:
    # lower() and accents: BERT reads "istanbul cafe"; İ lowers to two code points.
    text = "İstanbul Café 👍🏽 ﬁn"
    (found,) = ask(client, "tokenize", text, ["all-MiniLM-L6-v2"], False)
    words = {text[t["start"] : t["end"]] for t in found["tokens"]}
    assert {"Café"} <= words
    assert all(t["text"] in text for t in found["tokens"])


@pytest.mark.parametrize("name", LOSSLESS)
def test_there_and_back(client: Client, name: str) -> None:
    text = "\n".join(TEXTS.values())
    (found,) = ask(client, "tokenize", text, [name], False)
    back = ask(client, "detokenize", [t["id"] for t in found["tokens"]], name)
    check_form(back, {"text": str, "tokens": list})
    assert back["text"] == text
    assert [t["id"] for t in back["tokens"]] == [t["id"] for t in found["tokens"]]
    check_tokens(back["tokens"], text)


def test_detokenize_names_its_arguments(client: Client) -> None:
    back = ask(client, "detokenize", ids=[7592, 2088], tokenizer="all-MiniLM-L6-v2")
    assert back["text"] == "hello world"
    assert back["tokens"] == [token(7592, "hello", 0, 5), token(2088, "world", 6, 11)]
    assert ask(client, "detokenize", [], "byt5") == {"text": "", "tokens": []}


def test_a_chat_template_is_what_mistrals_own_library_writes(client: Client) -> None:
    from mistral_common.protocol.instruct.messages import AssistantMessage, SystemMessage, UserMessage
    from mistral_common.protocol.instruct.request import ChatCompletionRequest
    from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

    said = [("system", "Be kind."), ("user", "Hi 你好"), ("assistant", "Hello!"), ("user", "Bye")]
    kinds = {"system": SystemMessage, "user": UserMessage, "assistant": AssistantMessage}
    request = ChatCompletionRequest(messages=[kinds[role](content=words) for role, words in said])
    theirs = MistralTokenizer.v1().encode_chat_completion(request)
    messages = [{"role": role, "content": words} for role, words in said]
    ours = ask(client, "chat_template", messages=messages, model="mistral-v1")
    check_form(ours, {"prompt": str, "ids": list, "tokens": list})
    assert ours["ids"] == theirs.tokens == [t["id"] for t in ours["tokens"]]
    check_tokens(ours["tokens"], ours["prompt"])
    assert ours["ids"].count(1) == 1  # one BOS
    assert all(words in ours["prompt"] for _, words in said)


def test_a_folder_of_the_models_folder_by_its_name(client: Client, app: App) -> None:  # noqa: F811
    (found,) = ask(client, "tokenize", "world hello nobody", ["tiny"])
    assert [(t["id"], t["text"]) for t in found["tokens"]] == [(2, "world"), (1, "hello"), (0, "nobody")]
    assert (found["algorithm"], found["vocabulary"]) == ("WordLevel", 3)
    # One that is put there while the server runs.
    late = app.models / "late-comer"
    late.mkdir()
    (late / "tokenizer.json").write_text(tokenizer_json(["late"]), encoding="utf-8")
    (found,) = ask(client, "tokenize", "late", ["late-comer"])
    assert [t["id"] for t in found["tokens"]] == [1]


def test_an_empty_text_has_only_special_tokens(client: Client) -> None:
    for special, counts in ((True, [2, 1, 1, 1, 1, 2]), (False, [0] * 6)):
        found = ask(client, "tokenize", "", list(EMBEDDED), special)
        assert [each["count"] for each in found] == counts
        assert all(each["characters_per_token"] == 0 for each in found)


def test_a_megabyte_of_text(client: Client) -> None:
    unit = "hello" + " " * 45  # few tokens: what costs is Gradio's way with an answer's many values
    (found,) = ask(client, "tokenize", unit * 20_000, ["tiny"])
    assert found["count"] == 20_000
    assert (found["tokens"][-1]["start"], found["tokens"][-1]["end"]) == (999_950, 999_955)


# ---- what cannot be answered, in the caller's language ----

BAD = {
    "unknown name": ("tokenize", "a", ["nobody/has-this-name"]),
    "no name": ("tokenize", "a", [""]),
    "10,000 characters of a name": ("tokenize", "a", ["x" * 10_000]),
    "no tokenizers": ("tokenize", "a", []),
    "seventeen tokenizers": ("tokenize", "a", ["byt5"] * 17),
    "a number for a text": ("tokenize", 5, ["byt5"]),
    "nothing for a text": ("tokenize", None, ["byt5"]),
    "a list for a text": ("tokenize", ["a"], ["byt5"]),
    "numbers for names": ("tokenize", "a", [5]),
    "an object for names": ("tokenize", "a", {"byt5": True}),
    "nothing for names": ("tokenize", "a", None),
    "a word for a switch": ("tokenize", "a", ["byt5"], "no"),
    "a text too long": ("tokenize", "a" * 2_000_001, ["byt5"]),
    "an id outside": ("detokenize", [384], "byt5"),
    "a negative id": ("detokenize", [-1], "byt5"),
    "an endless id": ("detokenize", [2**70], "canine"),
    "a string for ids": ("detokenize", "1 2 3", "byt5"),
    "strings for ids": ("detokenize", ["1"], "byt5"),
    "half an id": ("detokenize", [1.5], "byt5"),
    "true for an id": ("detokenize", [True], "byt5"),
    "one id, no list": ("detokenize", 7, "byt5"),
    "a list for a name": ("detokenize", [7], ["byt5"]),
    "no chat template": ("chat_template", [{"role": "user", "content": "hi"}], "byt5"),
    "a wrong role": ("chat_template", [{"role": "robot", "content": "hi"}], "mistral-v1"),
    "a role that is a list": ("chat_template", [{"role": ["user"], "content": "hi"}], "mistral-v1"),
    "two users in a row": ("chat_template", [{"role": "user", "content": "hi"}] * 2, "mistral-v1"),
    "the assistant first": ("chat_template", [{"role": "assistant", "content": "hi"}], "mistral-v1"),
    "no messages": ("chat_template", [], "mistral-v1"),
    "a string for messages": ("chat_template", "hi", "mistral-v1"),
    "strings for messages": ("chat_template", ["hi"], "mistral-v1"),
    "no content": ("chat_template", [{"role": "user"}], "mistral-v1"),
    "a number for content": ("chat_template", [{"role": "user", "content": 5}], "mistral-v1"),
}


@pytest.mark.parametrize("given", BAD.values(), ids=BAD)
def test_what_cannot_be_answered_is_told_in_the_callers_language(
    client: Client, taiwan: Client, given: tuple[Any, ...]
) -> None:
    english, chinese = refused(client, *given), refused(taiwan, *given)
    assert not HAN.search(english)
    assert re.search(r"[a-z]{3}.* .*[a-z]{2}", english), english
    assert HAN.search(chinese), chinese
    assert not SIMPLIFIED & set(chinese), chinese
    assert len(english) < 600  # a name of 10,000 characters is not told back
    assert ask(client, "tokenize", "a", ["byt5"])[0]["count"] == 2  # and the server goes on


def test_the_language_of_the_page_wins_over_the_browsers(app: App) -> None:  # noqa: F811
    visitor = connect(app, **{"accept-language": "zh-TW", "x-playground-language": "en"})
    told = refused(visitor, "tokenize", 5, ["byt5"])
    assert told == "Text is expected, but this is int."


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("tokenize", r'{"data": ["a\ud800b", ["byt5"], true]}'),
        ("tokenize", r'{"data": ["a", ["\udfff"], true]}'),
        ("chat_template", r'{"data": [[{"role": "user", "content": "\ud83d"}], "mistral-v1"]}'),
        ("chat_template", r'{"data": [[{"role": "\ud800", "content": "a"}], "mistral-v1"]}'),
        ("detokenize", r'{"data": [[1], "\ud800"]}'),
        ("detokenize", '{"data": [[1e400], "byt5"]}'),
    ],
)
def test_half_characters_and_odd_json(app: App, client: Client, endpoint: str, body: str) -> None:  # noqa: F811
    kind, data = post(app, endpoint, body)
    assert kind == "error"
    assert data["error"] and not any(internal in data["error"] for internal in INTERNALS)
    assert data["title"] == "Something went wrong"
    kind, data = post(app, endpoint, body, **{"accept-language": "zh-Hant-TW"})
    assert HAN.search(data["error"]) and data["title"] == "發生錯誤"
    assert ask(client, "tokenize", "a", ["byt5"])[0]["count"] == 2


def test_a_missing_argument_is_told_in_a_sentence(app: App) -> None:  # noqa: F811
    kind, data = post(app, "tokenize", '{"data": ["a"]}')
    assert kind == "error"
    assert data["error"]


def test_what_goes_wrong_names_no_file_of_the_server(client: Client, app: App) -> None:  # noqa: F811
    broken = app.models / "broken"
    broken.mkdir(exist_ok=True)
    (broken / "tokenizer.json").write_text('{"model": {"type": "BPE"}}', encoding="utf-8")
    told = refused(client, "tokenize", "a", ["broken"])
    assert "broken" in told
    assert str(app.models) not in told


# ---- names are names, never paths ----


def test_no_name_reads_a_file_outside(client: Client, app: App) -> None:  # noqa: F811
    outside = app.models.parent / "outside"
    outside.mkdir(exist_ok=True)
    # Were any of these read, it would work as a tokenizer.
    for name in ("tokenizer.json", "upload-0123456789abcdef.json"):
        (outside / name).write_text(tokenizer_json(), encoding="utf-8")
    uploads = app.cache / "uploads"
    uploads.mkdir(parents=True, exist_ok=True)
    (uploads / "upload-short.json").write_text(tokenizer_json(), encoding="utf-8")
    names = [
        "../outside", "../../outside", "../../etc", "/etc/passwd", str(outside), f"{outside}/tokenizer.json",
        "tiny/../../outside", "./tiny", "tiny/", "tiny/tokenizer.json", ".", "..", "~", "~/x", "tiny\x00",
        "%2e%2e/outside", "..%2foutside", "..\\outside", f"file://{outside}", "upload-short",
        "upload-../../outside/tokenizer", "upload-../upload-0123456789abcdef", "upload-0123456789abcdef",
        "UPLOAD-0123456789ABCDEF", "upload-0123456789abcde\n", "\\\\server\\share", "C:\\windows",
    ]  # fmt: skip
    for name in names:
        for given in (("tokenize", "a", [name]), ("detokenize", [1], name),
                      ("chat_template", [{"role": "user", "content": "a"}], name)):  # fmt: skip
            told = refused(client, *given)
            assert "root:" not in told
            assert "chat template" not in told, f"{name!r} was read"
    assert str(app.models.parent) not in refused(client, "tokenize", "a", ["../outside"])


def test_too_large_a_file_is_refused(app: App, client: Client) -> None:  # noqa: F811
    def upload(size: int) -> int:
        border = "x" * 20
        body = (
            f'--{border}\r\nContent-Disposition: form-data; name="files"; filename="a.json"\r\n\r\n'.encode()
            + b"x" * size
            + f"\r\n--{border}--\r\n".encode()
        )
        headers = {"content-type": f"multipart/form-data; boundary={border}"}
        request = urllib.request.Request(f"{app.url}gradio_api/upload", body, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    assert upload(UPLOAD_MB * 2**20 + 1) == 413
    assert upload(1000) == 200
    assert ask(client, "tokenize", "a", ["byt5"])[0]["count"] == 2


# ---- the next token ----


def test_the_next_token_is_told_as_promised(client: Client) -> None:
    told = ask(client, "next_token", "The capital of France is", "tutor", 0.5, 3, 0.9, 5, [" London", "0"])
    check_form(
        told,
        {"tokens": list, "hidden_shape": list, "logits_shape": list, "candidates": list, "lookup": list,
         "rest": dict, "entropy_bits": float},
    )  # fmt: skip
    check_tokens(told["tokens"], "The capital of France is")
    candidate = {
        "id": int, "piece": str, "text": str, "logit": float, "probability": float,
        "filtered_probability": float, "kept": bool,
    }  # fmt: skip
    for each in told["candidates"]:
        check_form(each, candidate)
    for each in told["lookup"]:
        check_form(each, {**candidate, "rank": int})
    n = len(told["tokens"])
    assert told["hidden_shape"][:2] == told["logits_shape"][:2] == [1, n] and len(told["candidates"]) == 5
    for key in ("probability", "filtered_probability"):
        assert sum(each[key] for each in told["candidates"]) + told["rest"][key] == pytest.approx(1, abs=1e-6)
    assert sum(each["kept"] for each in told["candidates"]) <= 3
    assert told["lookup"][0]["text"] == " London"
    assert ask(client, "next_token", "Hi")["candidates"] == ask(client, "next_token", "Hi")["candidates"]


@pytest.mark.parametrize(
    "given",
    [("",), ("word " * 3000,), ("Hi", "tutor", -1.0), ("Hi", "tutor", 1.0, -1), ("Hi", "tutor", 1.0, 0, 2.0),
     ("Hi", "tutor", 1.0, 0, 1.0, 0), ("Hi", "tutor", 1.0, 0, 1.0, 5, [""]), ("Hi", "all-MiniLM-L6-v2")],
)  # fmt: skip
def test_no_next_token_of_what_cannot_be(client: Client, taiwan: Client, given: tuple[Any, ...]) -> None:
    assert re.search(r"[a-z]{3}.* .*[a-z]{2}", refused(client, "next_token", *given))
    told = refused(taiwan, "next_token", *given)
    assert HAN.search(told) and not SIMPLIFIED & set(told), told
