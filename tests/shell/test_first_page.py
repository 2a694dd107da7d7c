"""The page in one language: which one, what is left out of it, and that it is made once."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from playground import text
from playground.settings import Settings
from playground.shell import first_page, middleware, scripts
from tests.app import App
from tests.app_fixture import app  # noqa: F401

MOST = 400_000  # bytes of the first page before compression
WORDS = {"en": {"hi": "Hello </script>"}, "zh-TW": {"hi": "您好"}, "zh-CN": {"hi": "您们好"}}


def mark(key: str) -> str:
    return f"__i18n__{json.dumps({'__type__': 'translation_metadata', 'key': key})}"


def config(**more: Any) -> dict[str, Any]:
    component = {
        "id": 1, "type": "button", "props": {"value": f"{mark('hi')}!", "preserved_by_key": ["value"]},
        "skip_api": True, "component_class_id": "abc", "key": None, "api_info": {"type": "string"},
        "api_info_as_input": {}, "api_info_as_output": {}, "example_inputs": 1,
    }  # fmt: skip
    listener = {
        "id": 0, "targets": [[1, "click"]], "inputs": [], "js": None, "cancels": [], "queue": True,
        "connection": "stream", "types": {"generator": False}, "max_batch_size": 4, "time_limit": None,
        "api_visibility": "private",
    }  # fmt: skip
    whole = {"components": [component], "dependencies": [listener], "layout": {"id": 0}}
    page = {"layout": {"id": 0}, "components": [1]}
    return {**whole, "page": {"": page}, "i18n_translations": WORDS, **more}


def written(config: dict[str, Any]) -> str:
    inside = json.dumps(config, ensure_ascii=False).replace("<", "\\u003c")
    head = f"<script>window.gradio_config = {inside};</script><script>window.other = 1;</script>"
    return f"<html><head><meta>{head}</head><body></body></html>"


def read(page: str) -> Any:
    found = first_page.CONFIG.search(page)
    assert found
    return json.loads(found[0])


def scope(query: str = "", cookie: str = "", accept: str = "", **headers: str) -> dict[str, Any]:
    named = {"host": "a.example", "cookie": cookie, "accept-language": accept, **headers}
    return {
        "type": "http", "method": "GET", "path": "/", "query_string": query.encode(), "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in named.items() if value],
    }  # fmt: skip


# ---- which language ----


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "owners", "lang"),
    [
        ("", "", "", "", "en"),
        ("", "", "", "zh-HK", "zh-TW"),
        ("", "", "fr, de", "zh-CN", "zh-CN"),
        ("", "", "en-GB", "zh-CN", "en"),
        ("", "", "fr, zh-HK;q=0.5, en;q=0.3", "", "zh-TW"),
        ("", "", "zh", "", "zh-CN"),
        ("", "", "zh-Hant-TW", "", "zh-TW"),
        ("", "", "zh-SG", "", "zh-CN"),
        ("", "", "zh-MO", "", "zh-TW"),
        ("", "playground-lang=zh-TW", "en", "zh-CN", "zh-TW"),
        ("", "a=b; playground-lang=en; c=d", "zh-TW", "", "en"),
        ("", "playground-lang=fr", "zh-TW", "", "zh-TW"),
        ("", "lang=zh-CN", "zh-TW", "", "zh-TW"),
        ("lang=zh-TW", "playground-lang=en", "en", "zh-CN", "zh-TW"),
        ("tab=songs&lang=zh_Hans_CN&x=1", "", "en", "", "zh-CN"),
        ("lang=fr", "playground-lang=zh-TW", "en", "", "zh-TW"),
        ("lang=", "", "en", "", "en"),
        ("lang=%FF%00", "playground-lang=%FF", "\x00;q=x", "", "en"),
    ],
)
def test_address_cookie_wishes_owner(query: str, cookie: str, accept: str, owners: str, lang: str) -> None:
    assert first_page.language(scope(query, cookie, accept), owners) == lang


def test_the_browser_tells_its_choice_by_the_same_cookie() -> None:
    assert f'"{first_page.COOKIE}"' in (text.ASSETS / "shell" / "head.js").read_text(encoding="utf-8")


# ---- what tells two pages apart ----


def test_one_page_for_one_language_and_address() -> None:
    one = first_page.key(scope(), "en")
    assert one == first_page.key(scope("tab=songs&__theme=dark", cookie="a=b", accept="fr"), "en")
    others = [
        first_page.key(scope(), "zh-TW"),
        first_page.key(scope(host="b.example"), "en"),
        first_page.key(scope(**{"x-forwarded-host": "b.example"}), "en"),
        first_page.key(scope(**{"x-forwarded-proto": "https"}), "en"),
        first_page.key({**scope(), "path": "/spaces/me"}, "en"),
        first_page.key({**scope(), "root_path": "/spaces/me"}, "en"),
        first_page.key({**scope(), "scheme": "https"}, "en"),
    ]
    assert len({one, *others}) == 1 + len(others)


def test_before_the_login_the_page_is_another_one() -> None:
    class Server:
        auth = {"playground": "secret"}
        tokens = {"abc": "playground"}
        cookie_id = "x"

    stranger = first_page.key({**scope(), "app": Server()}, "en")
    visitor = first_page.key({**scope(cookie="access-token-x=abc"), "app": Server()}, "en")
    guess = first_page.key({**scope(cookie="access-token-x=ab"), "app": Server()}, "en")
    assert stranger == guess != visitor


@pytest.mark.parametrize("query", ["page=", "deep_link=abc", "tab=a&page=b"])
def test_what_gradio_makes_for_one_visitor_is_not_held(query: str) -> None:
    assert first_page.key(scope(query), "en") is None


# ---- what is in it ----


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_marks_become_sentences_of_one_language(lang: str) -> None:
    page = first_page.spoken(written(config()), lang)
    assert page
    assert read(page)["components"][0]["props"] == {"value": f"{WORDS[lang]['hi']}!"}
    assert read(page)["i18n_translations"] is None
    assert page.count("</script>") == 2 and "window.other = 1" in page
    assert not [words["hi"] for other, words in WORDS.items() if other != lang and words["hi"] in page]


def test_a_word_that_could_be_a_key_of_gradios_own_stays_a_mark() -> None:
    words = {"en": {"hi": "code"}, "zh-TW": {"hi": "程式碼"}}
    page = read(first_page.spoken(written(config(i18n_translations=words)), "en") or "")
    assert page["components"][0]["props"]["value"] == f"{mark('hi')}!"
    assert page["i18n_translations"] == {"en": {"hi": "code"}}


def test_what_the_table_does_not_have_stays_as_it_was() -> None:
    missing = config(i18n_translations={"en": {}})
    page = first_page.spoken(written(missing), "en")
    assert page and read(page)["components"][0]["props"]["value"] == f"{mark('hi')}!"
    foreign = first_page.spoken(written(missing), "zh-TW")
    assert foreign and read(foreign)["i18n_translations"] == {"en": {}}
    without = first_page.spoken(written(config(i18n_translations=None)), "en")
    assert without and mark("hi").replace('"', '\\"').replace('\\\\"', '\\"') in without


def test_fields_go_and_none_is_changed() -> None:
    page = read(first_page.spoken(written(config(auth_required=True)), "en") or "")
    assert page["components"] == [{"id": 1, "type": "button", "props": {"value": "Hello </script>!"}}]
    assert page["dependencies"] == [
        {"id": 0, "targets": [[1, "click"]], "inputs": [], "queue": True, "connection": "stream",
         "api_visibility": "private"},
    ]  # fmt: skip
    assert "layout" not in page and page["page"][""]["layout"] == {"id": 0} and page["auth_required"] is True


def test_arguments_of_endpoints_are_not_mounted() -> None:
    def nodes(*ids: int) -> list[dict[str, Any]]:
        return [{"id": each} for each in ids]

    whole = config()
    whole["components"] += [{"id": number, "type": "api", "props": {}} for number in (2, 3, 4)]
    layout = {"id": 0, "children": [{"id": 2}, {"id": 1, "children": nodes(3, 5)}, {"id": 4}]}
    whole["page"][""] = {"layout": layout, "components": [1, 2, 3, 4]}
    page = read(first_page.spoken(written(whole), "en") or "")
    assert [each["id"] for each in page["components"]] == [1]
    assert page["page"][""]["components"] == [1]
    assert page["page"][""]["layout"]["children"] == [{"id": 1, "children": [{"id": 5}]}]
    assert page["dependencies"][0]["id"] == 0


def test_another_page_is_none_of_ours() -> None:
    assert first_page.spoken("<html><head></head></html>", "en") is None


# ---- made once ----


@pytest.fixture
def counted() -> tuple[TestClient, list[str]]:
    """A server, and what it was asked for."""
    asked: list[str] = []

    async def page(request: Request) -> Response:
        asked.append(str(request.url))
        cookie = {"Set-Cookie": "a=b"} if "cookie" in request.query_params else {}
        return HTMLResponse(written(config()), headers=cookie)

    async def other(request: Request) -> Response:
        asked.append(str(request.url))
        return HTMLResponse("<html><head></head></html>" * 100)

    routes = [Route("/", page), Route("/other", other)]
    server = Starlette(routes=routes, middleware=middleware.middleware(Settings()))
    return TestClient(server), asked


def test_a_page_is_made_once_for_each_language(counted: tuple[TestClient, list[str]]) -> None:
    client, asked = counted
    seen = {}
    for _ in range(3):
        for lang in text.LANGUAGES:
            answer = client.get("/", headers={"Accept-Language": lang})
            assert read(answer.text)["components"][0]["props"]["value"] == f"{WORDS[lang]['hi']}!"
            assert f'window.playground = {{"lang": "{lang}", ' in answer.text
            assert answer.headers["vary"] == "Accept-Language, Cookie, Accept-Encoding"
            assert answer.headers["cache-control"] == "no-cache"
            assert "script-src 'self'" in answer.headers["content-security-policy"]
            seen.setdefault(lang, answer.headers["etag"])
            assert seen[lang] == answer.headers["etag"]
    assert len(asked) == 3 and len(set(seen.values())) == 3
    known = {"Accept-Language": "zh-TW", "If-None-Match": seen["zh-TW"]}
    assert client.get("/", headers=known).status_code == 304
    chosen = client.get("/", headers={**known, "Cookie": f"{first_page.COOKIE}=en"})
    assert (chosen.status_code, chosen.headers["etag"]) == (200, seen["en"])
    assert len(asked) == 3


def test_a_page_for_one_visitor_is_made_anew(counted: tuple[TestClient, list[str]]) -> None:
    client, asked = counted
    for address in ("/?deep_link=a", "/?page=", "/other", "/?cookie=1"):
        asked.clear()
        for _ in range(2):
            client.get(address)
        assert len(asked) == 2, address


# ---- the app's own ----


def whole(app: App, lang: str) -> str:  # noqa: F811
    plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with plain.open(f"{app.url}?lang={lang}", timeout=60) as answer:
        return str(answer.read().decode())


@pytest.fixture(scope="module")
def pages(app: App) -> Iterator[dict[str, str]]:  # noqa: F811
    yield {lang: whole(app, lang) for lang in text.LANGUAGES}


def test_the_first_page_is_light(pages: dict[str, str]) -> None:
    for lang, page in pages.items():
        assert len(page.encode()) < MOST, lang
        table = read(page)["i18n_translations"] or {lang: {}}
        assert table.keys() == {lang} and len(table[lang]) < 30
        left = set(first_page.MARK.findall(json.dumps(read(page)).replace('\\\\"', '"')))
        assert left <= table[lang].keys()
        assert all(first_page.LIKE_KEY.fullmatch(word) for word in table[lang].values())
        assert "<style>/* All colours" in page
        assert page.count(scripts.sheet()[0]) == page.count(scripts.bundle()[0]) == 1
        assert ".pg-head {" not in page and "playground.tools" not in page  # sheets and scripts are files
        assert not {*first_page.UNREAD, *first_page.UNREAD_PROPS} & {*re.findall(r'"(\w+)":', page)} - {
            "api_info"
        }


def test_no_page_has_a_sentence_of_another_language(pages: dict[str, str]) -> None:
    long = {
        lang: {said for said in text.catalogue(lang).values() if len(said) > 20 and "{" not in said}
        for lang in text.LANGUAGES
    }
    for lang, page in pages.items():
        inside = json.dumps(read(page), ensure_ascii=False)
        for other in text.LANGUAGES:
            found = [said for said in long[other] if json.dumps(said, ensure_ascii=False)[1:-1] in inside]
            if other == lang:
                assert len(found) > 60
            else:
                assert [said for said in found if said not in long[lang]] == []


def test_programs_still_read_the_whole_configuration(app: App) -> None:  # noqa: F811
    plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with plain.open(f"{app.url}config", timeout=60) as answer:
        told = json.load(answer)
    assert set(told["i18n_translations"]) == set(text.LANGUAGES)
    assert all("component_class_id" in each for each in told["components"])
    assert all("types" in each for each in told["dependencies"])


@pytest.mark.parametrize("which", [scripts.bundle, scripts.sheet])
def test_scripts_and_sheets_are_kept_for_good(app: App, which: Any) -> None:  # noqa: F811
    path, source = which()
    plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with plain.open(app.url + path, timeout=60) as answer:
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.read().decode() == source


def test_a_rule_stands_as_written_and_once_more_within_the_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = ".a, .dark .b { top: 0 }\n  .dark .c { top: 1px }\n.gradio-container .d { top: 2px }"
    monkeypatch.setattr(scripts, "_read", lambda names: source)
    scripts.sheet.cache_clear()
    try:
        plain, within = scripts.sheet()[1].split(f"{scripts.WITHIN} {{")
    finally:
        scripts.sheet.cache_clear()
    assert plain.strip() == source.replace(".gradio-container .d", "gradio-app .gradio-container .d")
    assert within.startswith("\n.a, .dark & .b { top: 0 }\n  .dark & .c { top: 1px }\n") and within.endswith(
        "}\n}\n"
    )


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_what_comes_later_is_named_in_the_page_and_served_in_its_language(app: App, lang: str) -> None:  # noqa: F811
    asking = urllib.request.Request(f"{app.url}?lang={lang}")
    with urllib.request.urlopen(asking) as answer:
        page = answer.read().decode()
    for name in scripts.LATER:
        for path, whole in scripts.later(name, lang):
            assert f'"{path}"' in page and path not in scripts.bundle()[1]
            with urllib.request.urlopen(app.url + path) as answer:
                assert answer.read().decode() == whole
                assert "immutable" in answer.headers["cache-control"]
    assert f'"title": "{text.say("share.title", lang)}"' in scripts.later("share", lang)[0][1]
