"""The page as it is sent: in one language, and without what Gradio's front end never reads.

Gradio writes its whole configuration into the page: every text as a mark beside a table of all languages,
and of every component what only programs ask for. Here the marks become sentences of the visitor's language,
the table goes, and so does what `UNREAD`, `UNREAD_PROPS`, `FLAGS` and `USUAL` name
(`tests/system/test_internals.py` looks into the scripts of the installed Gradio whether that still holds).
Programs read the whole from ``/config``.

The language is that of the address (``?lang=``), of the cookie in which the browser told its visitor's choice
(``assets/shell/head.js``), of ``Accept-Language``, or the owner's: the first that is one of ours.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from playground import text
from playground.shell import login

COOKIE = "playground-lang"
VARIES = ("Accept-Language", "Cookie")  # by what, besides the address, two visitors get two pages

CONFIG = re.compile(r"(?<=<script>window\.gradio_config = ).*?(?=;</script>)", re.DOTALL)
MARK = re.compile(r'__i18n__\{"__type__": "translation_metadata", "key": "([^"]*)"\}')
SENTENCE = r'"(?:[^"\\]|\\.)*"'
# What `text.everywhere` says, in a script's JSON.
EVERYWHERE = re.compile(
    r"\{" + ", ".join(f'"{lang}": (?P<{lang[-2:]}>{SENTENCE})' for lang in text.LANGUAGES) + r"\}"
)
# The front end looks every text up in its own dictionary, whose groups have names like "code" and "file":
# such a word of ours stays a mark.
LIKE_KEY = re.compile(r"[a-z0-9_.]+")

# Of a component; `component_class_id` and `api_info` the front end does name, for components that are not
# Gradio's own and for the endpoints' description.
UNREAD = (
    "api_info", "api_info_as_input", "api_info_as_output", "component_class_id", "example_inputs", "skip_api",
)  # fmt: skip
UNREAD_PROPS = ("_api_info", "preserved_by_key", "render_children")
# What the front end asks whether it is true: false where it is missing.
FLAGS = ("_retryable", "_selectable", "_undoable", "likeable")
# And these kinds do without their list of classes where it is empty.
CLASSLESS = (
    "button", "checkbox", "dropdown", "html", "markdown", "number", "radio", "slider", "textbox",
)  # fmt: skip
# What an HTML component runs unless it is told otherwise: of use to those alone whose clicks are listened to.
CLICKS = "element.addEventListener('click', function() { trigger('click') });"
UNREAD_OF_LISTENERS = ("collects_event_data", "max_batch_size")
# What the front end takes for granted of a listener that does not say it.
USUAL: dict[str, Any] = {
    "api_description": None, "batch": False, "cancels": [], "component_prop_inputs": [], "connection": "sse",
    "event_specific_args": None, "js": None, "js_implementation": None, "render_id": None,
    "rendered_in": None, "scroll_to_output": False, "show_progress_on": None, "stream_every": 0.5,
    "time_limit": None, "trigger_after": None, "trigger_only_on_failure": False,
    "trigger_only_on_success": False,
}  # fmt: skip
# By these parameters of the address, a page of Gradio's is another one.
PARAMETERS = {"page", "deep_link"}
# And by these headers, from which it makes its own address.
HEADERS = ("host", "x-forwarded-host", "x-forwarded-proto", "x-gradio-server")


def language(scope: Scope, owners: str) -> str:
    """The language of the page that is asked for.

    Args:
        owners: for visitors none of whose languages are ours.
    """
    headers = Headers(scope=scope)
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("lang", [""])[-1]
    chosen = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    wished = text.accepted(headers.get("accept-language", ""))
    return text.choose([asked, chosen, *wished, owners]) or text.DEFAULT


def key(scope: Scope, lang: str) -> str | None:
    """What tells the page that is asked for from all others; None: it is to be made anew each time."""
    if PARAMETERS & parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True).keys():
        return None
    headers = Headers(scope=scope)
    place = [scope.get("scheme"), scope.get("server"), scope.get("root_path"), scope["path"]]
    app = scope.get("app")
    known = getattr(app, "auth", None) is None or login.known(app, headers)
    return json.dumps([lang, known, *place, *(headers.getlist(name) for name in HEADERS)])


def spoken(page: str, lang: str) -> str | None:
    """A page of Gradio's in one language, and light; None if it is none of Gradio's."""
    found = CONFIG.search(page)
    if found is None:
        return None
    config = _light(json.loads(found[0]))
    words = (config.get("i18n_translations") or {}).get(lang)
    if words is not None:
        like_keys = {key: word for key, word in words.items() if LIKE_KEY.fullmatch(word)}
        config = _say(config, {key: word for key, word in words.items() if key not in like_keys}, lang)
        config["i18n_translations"] = {lang: like_keys} if like_keys else None
    written = json.dumps(config, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&'":  # as Gradio does: nothing in it ends the script
        written = written.replace(character, f"\\u{ord(character):04x}")
    return page[: found.start()] + written + page[found.end() :]


def _light(config: dict[str, Any]) -> dict[str, Any]:
    """The same configuration for the front end; fields are missing, none is changed."""
    if config.get("page"):
        _drop(config, ("layout",))  # each page's own is read
    heard = {target for each in config.get("dependencies", ()) for target, _ in each.get("targets", ())}
    for component in config.get("components", ()):
        _drop(component, UNREAD)
        props = component["props"]
        _drop(props, UNREAD_PROPS)
        _drop(props, tuple(name for name in FLAGS if props.get(name) is False))
        if props.get("js_on_load") == CLICKS and component["id"] not in heard:
            _drop(props, ("js_on_load",))
        if component["type"] in CLASSLESS and props.get("elem_classes") == []:
            _drop(props, ("elem_classes",))
        if component.get("key") is None:
            _drop(component, ("key",))
    _leave_out_arguments(config)
    for listener in config.get("dependencies", ()):
        usual = [name for name, value in USUAL.items() if name in listener and listener[name] == value]
        _drop(listener, (*UNREAD_OF_LISTENERS, *usual))
        if listener.get("api_visibility") == "private":
            _drop(listener, ("types",))  # read of endpoints alone
    return config


def _leave_out_arguments(config: dict[str, Any]) -> None:
    """Gradio mounts every argument and answer of an endpoint as a component that shows nothing."""
    components = config.get("components", ())
    arguments = {each["id"] for each in components if each["type"] == "api"}

    def prune(node: dict[str, Any]) -> None:
        if "children" in node:
            node["children"] = [child for child in node["children"] if child["id"] not in arguments]
        for child in node.get("children", ()):
            prune(child)

    config["components"] = [each for each in components if each["id"] not in arguments]
    for page in config.get("page", {}).values():
        prune(page.get("layout", {}))
        if "components" in page:  # the login has none
            page["components"] = [each for each in page["components"] if each not in arguments]


def _drop(fields: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        fields.pop(name, None)


def _say(value: Any, words: dict[str, str], lang: str) -> Any:
    """A value with its marks as sentences; a mark that the table does not know stays one."""
    if isinstance(value, str):
        value = MARK.sub(lambda mark: words.get(mark[1], mark[0]), value) if "__i18n__" in value else value
        return EVERYWHERE.sub(lambda each: f'{{"{lang}": {each[lang[-2:]]}}}', value)
    if isinstance(value, list):
        return [_say(each, words, lang) for each in value]
    if isinstance(value, dict):
        return {name: _say(each, words, lang) for name, each in value.items()}
    return value
