"""One term for one thing: words that no text of ours says, and Chinese pages that open in Chinese.

The tables say what stands instead. A word that is right in another sense is listed below it, with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import pytest

from playground import ASSETS, text
from playground.ui.controls import page_of
from tests.ui.whole import whole_page

CODE = re.compile(r"`[^`]*`|<code>.*?</code>|\{[^}]*\}")  # names of programs are nobody's language
HAN = re.compile(r"[\u4e00-\u9fff]")

# What is never said → what is said instead. English: whole words, whatever their case.
ENGLISH = {
    r"means? alike|lies? close together": "similar meanings sit close together",
    r"(?:is|are) near here": "true neighbours are nearby on this map",
    r"parts? from": "diverges from",
    r"could have stood": "could have been",
    r"go on from there to": "continue from it",
    r"most new tokens": "max new tokens",
    r"raised so that they": "rescaled to sum to 1",
    r"is the same the same": "is it reproducible",
    r"keep so many|so many of the": "keep the k most likely",
    r"way of the data": "data flow",
    r"did not work": "something went wrong",
    r"look again": "refresh",
    r"^as it was\.?$": "reset",
    r"make it real": "build it",
    r"what everybody plays": "that a program made the playlists up",
    r"one a line|a line each": "one per line",
    r"in the line:": "in line",
}
TAIWAN = {
    r"(?<!詞元（)(?<![\w.*<-])[Tt]okens?(?![\w(.>])": "詞元",
    r"聊天[範模][本板]|對話模[板版]|模板": "對話範本",
    r"補齊": "填充",
    r"隱藏(?:寬度|大小)": "隱藏層維度",
    r"(?<![\w.])[Hh]eads?(?!\w)": "注意力頭",
    r"查找": "查詢（query）、搜尋",
    r"矢量": "向量",
    r"專家混合": "混合專家",
    r"規則式|規則運算式|正則": "正規表示式",
    r"最長(?:文字|文本)": "最大上下文長度",
    r"資料的路": "資料流向",
    r"畫法": "降維方法",
    r"依什麼上色|著色": "上色、上色依據",
    r"[小少低]了? ?(?:\d+|\{\w+\}) ?倍": "降為 1/8",
    r"去除它": "把 logits 除以溫度",
    r"成對": "相鄰的兩個、兩兩",
    r"臺": "台",
    r"占(?!卜)": "佔",
    r"愈": "越",
    r"詞表|辭彙|字彙表": "詞彙表",
    r"搜索": "搜尋",
    r"拷貝": "複製",
}
MAINLAND = {
    r"(?<!词元（)(?<![\w.*<-])[Tt]okens?(?![\w(.>])": "词元",
    r"聊天模[板版]|范本": "对话模板",
    r"补齐": "填充",
    r"隐藏(?:宽度|大小)": "隐藏层维度",
    r"(?<![\w.])[Hh]eads?(?!\w)": "注意力头",
    r"查找": "查询（query）、搜索",
    r"范式|常态": "归一化、正态分布",
    r"矢量": "向量",
    r"专家混合": "混合专家",
    r"规则式|正规表示式": "正则表达式",
    r"最长(?:文字|文本)": "最大上下文长度",
    r"数据的路": "数据流向",
    r"画法": "降维方法",
    r"按什么上色|上色": "着色、着色依据",
    r"[小少低]了? ?(?:\d+|\{\w+\}) ?倍": "降为 1/8",
    r"去除它": "把 logits 除以温度",
    r"成对": "两两",
    r"词汇表": "词表",
    r"搜寻": "搜索",
    r"拷贝": "复制",
}
# Words of the other side of the strait; 您 is neither's here: every text says 你.
NOT_TAIWANESE = (
    "加載 默認 視頻 軟件 硬件 字符 字節 內存 網絡 服務器 文件夾 鏈接 信息 用戶 模塊 線程 緩存 屏幕 鼠標 "
    "打印 支持 運行 概率 質量 調用 接口 窗口 採樣 歸一化 令牌 掩碼 數據 函數庫 程式庫 您"
)
NOT_MAINLAND = (
    "载入 档案 资料夹 软体 硬体 网路 伺服器 萤幕 滑鼠 位元 字元 字串 视窗 资讯 使用者 执行绪 快取 列印 "
    "支援 讯息 机率 呼叫 介面 函式 物件 变数 遮罩 取样 影片 专案 套件 权杖 程式 标头 管理者 预设值 您"
)
NEVER = {
    "en": ENGLISH,
    "zh-TW": TAIWAN | dict.fromkeys(NOT_TAIWANESE.split(), "what Taiwan says"),
    "zh-CN": MAINLAND | dict.fromkeys(NOT_MAINLAND.split(), "what the mainland says"),
}

# By key: words that are right there in another sense, and which.
RIGHT = {
    "architecture_fields.rope_interleaved": ("成對 成对", "numbers that are turned two by two"),
    "architecture_parts.embed_tokens": ("列", "the rows of a table × its columns"),
}
# 列 is a row in Taiwan and a column on the mainland; in these it is neither.
LISTS = re.compile(r"列[表出举清入为不]|[序排系并下队罗阵之]列")

# Controls (a room's, or one) whose text stays English on Chinese pages, and why.
IN_ENGLISH = {
    "sentences.": "all-MiniLM-L6-v2 knows no Chinese",
    "token_vectors.": "all-MiniLM-L6-v2 knows no Chinese",
    "words.": "all-MiniLM-L6-v2's words, and GloVe's, are English",
    "tokens.search": "mistral-v1 has Chinese as single characters: a search would find one entry",
    "tokens.word": "most tokenizers merge Chinese out of bytes that nobody can read",
}


def texts(lang: str) -> Iterator[tuple[str, str]]:
    """Every text of a language by its key, without the names of programs in it."""
    for key, said in text.catalogue(lang).items():
        yield key, CODE.sub(" ", said)


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_no_text_says_what_has_another_name(lang: str) -> None:
    words = {
        re.compile(rf"\b(?:{word})" if lang == "en" else word, re.IGNORECASE if lang == "en" else 0): instead
        for word, instead in NEVER[lang].items()
    }
    found = [
        f"{key}: {match[0]} → {instead}"
        for key, said in texts(lang)
        for word, instead in words.items()
        for match in word.finditer(said)
        if match[0] not in RIGHT.get(key, ("", ""))[0].split()
    ]
    assert found == []


def test_what_is_right_in_another_sense_is_said_there() -> None:
    """A listed word that its text no longer says would hide the next one."""
    for key, (words, _) in RIGHT.items():
        said = " ".join(text.say(key, lang) for lang in text.LANGUAGES)
        assert all(word in said for word in words.split()), key


@pytest.mark.parametrize(
    ("lang", "said", "found"),
    [
        ("zh-TW", "token", True), ("zh-TW", "每個 token 有編號", True), ("zh-TW", "詞元（token）", False),
        ("zh-TW", "add_special_tokens=False", False), ("zh-TW", "print(tokenizer)", False),
        ("zh-TW", "每個 head 裡", True), ("zh-TW", "小了 8 倍", True), ("zh-TW", "降為 1/8", False),
        ("zh-CN", "分组查找注意力", True), ("zh-CN", "归一化", False), ("zh-CN", "把文字范式化", True),
        ("en", "Look again", True), ("en", "overlook again", False), ("en", "it diverges from", False),
    ],
)  # fmt: skip
def test_the_tables_themselves(lang: str, said: str, found: bool) -> None:
    flags = re.IGNORECASE if lang == "en" else 0
    patterns = [rf"\b(?:{word})" if lang == "en" else word for word in NEVER[lang]]
    assert any(re.search(word, said, flags) for word in patterns) == found


def test_on_the_mainland_a_row_is_no_column() -> None:
    english = text.catalogue("en")
    found = [
        key
        for key, said in texts("zh-CN")
        if "列" in LISTS.sub("", said) and not re.search("column|cell", english[key], re.IGNORECASE)
    ]
    assert [key for key in found if "列" not in RIGHT.get(key, ("", ""))[0]] == []


@pytest.mark.parametrize("lang", ["zh-TW", "zh-CN"])
def test_a_chinese_page_opens_in_chinese(lang: str) -> None:
    """Whatever text a control is built with: the room shows what is made of it before anybody types."""
    built = {
        id: text.say(each.said, lang) if each.said else each.default
        for id, each in page_of(whole_page()).controls.items()
        if each.kind == "text" and isinstance(each.default, str) and re.search("[A-Za-z]{2}", each.default)
    }
    english = {id for id, said in built.items() if not HAN.search(said)}
    assert {id for id in english if not id.startswith(tuple(IN_ENGLISH))} == set()
    assert {id.split(".")[0] for id in built} >= {"architecture", "decoding", "next_token", "tokens"}


def test_what_stays_english_is_there() -> None:
    """A listed exception that nothing needs any more would hide the next one."""
    ids = page_of(whole_page()).controls
    assert [known for known in IN_ENGLISH if not any(id.startswith(known) for id in ids)] == []


@pytest.mark.parametrize("lang", ["zh-TW", "zh-CN"])
def test_what_chinese_pages_open_on_was_recorded_in_chinese(lang: str) -> None:
    """The worked examples of each language, and the cards of a chat that has not begun."""
    recorded = sorted((ASSETS).glob(f"*/example.{lang}.json"))
    rooms = {path.parent.name for path in recorded}
    assert rooms >= {"decoding", "home", "next_token", "songs", "tokens"}
    for path in recorded:
        told = json.loads(path.read_text(encoding="utf-8"))
        assert HAN.search(json.dumps(told, ensure_ascii=False)), path
        if isinstance(told, Mapping) and isinstance(said := told.get("text") or told.get("prompt"), str):
            assert HAN.search(said), path
    for cards in ("chat.cards_tutor", "chat.cards_other"):
        assert all(HAN.search(card.partition("|")[2]) for card in text.say(cards, lang).split("\n"))
