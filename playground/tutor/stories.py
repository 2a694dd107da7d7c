"""Children's stories from a grammar: characters, a wish or a trouble, a friend, a good end."""

from __future__ import annotations

import functools
import random
import re

from .chinese import to_simplified
from .shape import DATA
from .wording import Language, choose, fill

_GIRLS = "Lily Mia Anna Emma Lucy Sara Rosa Nina Ella Zoe Amy Molly Ruby Tina Lena Ida Clara Nora Maya Kim".split()
_BOYS = "Tom Ben Max Tim Sam Leo Jack Finn Paul Noah Theo Oscar Hugo Nick Peter Felix Bob Adam Luis Ravi".split()
_BEASTS = (
    "rabbit cat dog mouse bear fox frog duck bird elephant lion squirrel hedgehog owl pig goat sheep turtle "
    "penguin monkey pony deer kitten puppy lamb dragon giraffe hen badger otter"
).split()
_BEAST_NAMES = (
    "Pip Milo Coco Bella Momo Toby Daisy Rusty Fluffy Benny Luna Teddy Dot Hazel Oskar Bruno Pepper Poppy Tilly "
    "Biscuit Snowy Ginger Rex Olive Sunny Misty Bo Lulu Archie Nutty"
).split()
_GOOD = "little small happy kind brave curious shy funny clever young friendly cheerful quiet lively".split()
_THINGS = (
    "red ball|blue ball|toy car|toy boat|kite|doll|teddy bear|green hat|red scarf|little drum|shiny stone|yellow "
    "balloon|picture book|wooden horse|small bell|silver key|warm blanket|music box|paper plane|round shell"
).split("|")
_PLACES = (
    "in the forest|in the park|in the garden|at the river|on the big hill|on the beach|in the meadow|at the old "
    "mill|at the pond|on the farm|at the playground|at the lake|in the field|at the market|in the green valley"
).split("|")
_FOODS = (
    "apples|carrots|cookies|berries|nuts|honey cakes|cherries|bread and butter|strawberries|pancakes|plums|pears|"
    "sweet corn|muffins|grapes|cheese"
).split("|")
_SKILLS = (
    "swim|ride a bike|sing|dance|climb a tree|fly a kite|read|whistle|jump high|draw a horse|skate|bake a cake|"
    "play the drum|write|count to one hundred|play the piano|tie a knot|row a boat"
).split("|")
_TIMES = "morning day afternoon evening".split()
_VIRTUES = {  # what a story's hero learns, by plot; English, then Chinese
    "lost": ("help others|say thank you|ask for help", "互相幫助|有好朋友"),
    "skill": ("practise every day|be patient|ask for help", "努力練習|不放棄"),
    "share": ("share|be kind", "分享"),
    "storm": ("help others|be brave", "幫助別人|有朋友陪"),
    "truth": ("tell the truth", ""),
    "seed": ("be patient|take good care of plants", "有耐心|照顧植物"),
    "way home": ("ask for help|say thank you", ""),
    "home": ("", "互相幫助|回家"),
    "surprise": ("be kind|give from the heart", ""),
    "race": ("help others|be kind", ""),
}
_ELDERS = ("mother", "father", "grandmother", "grandfather", "mum", "dad", "aunt", "uncle")

_ZH_BEASTS = (
    "小兔子 小貓 小狗 小老鼠 小熊 小狐狸 小青蛙 小鴨子 小鳥 小象 小獅子 小松鼠 小刺蝟 小豬 小羊 小烏龜 小企鵝 小猴子 小鹿 小馬"
).split()
_ZH_NAMES = "樂樂 豆豆 毛毛 圓圓 點點 花花 咪咪 球球 亮亮 東東 妮妮 皮皮 當當 安安 朵朵 奇奇 小白 阿寶 阿布 甜甜".split()
_ZH_GOOD = "可愛 聰明 善良 勇敢 害羞 快樂 調皮 好奇 勤勞 溫柔".split()
_ZH_THINGS = "紅球 小汽車 風箏 布娃娃 帽子 小鼓 圍巾 氣球 鈴鐺 圖畫書 小木馬 鑰匙".split()
_ZH_PLACES = "森林 公園 花園 河邊 山坡 海邊 草原 池塘 農場 湖邊 田野".split()
_ZH_FOODS = "蘋果 胡蘿蔔 餅乾 草莓 堅果 蛋糕 櫻桃 葡萄 桃子 玉米".split()
_ZH_SKILLS = "游泳 騎腳踏車 唱歌 跳舞 爬樹 放風箏 讀書 畫畫 溜冰 烤蛋糕 打鼓 寫字".split()
_ZH_TIMES = "早上 下午 傍晚 中午".split()
_ZH_ELDERS = "媽媽 爸爸 奶奶 爺爺".split()


@functools.cache
def _grammar(file: str) -> dict[str, list[list[str]]]:
    """Plots ("== name") and shared groups ("@ name") by name; each a list of groups of alternative lines."""
    found: dict[str, list[list[str]]] = {}
    plot: list[list[str]] = []
    group: list[str] = []
    for line in (DATA / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        if line.startswith(("== ", "@ ")):
            plot = found.setdefault(line.replace("== ", "").replace("@ ", "@"), [])
            group = []
        elif not line:
            group = []
        else:
            if not group:
                plot.append(group)
            group.append(line)
    return found


def _pronouns(gender: str, prefix: str) -> dict[str, str]:
    he, him, his = {"f": ("she", "her", "her"), "m": ("he", "him", "his")}[gender]
    values = {"he": he, "him": him, "his": his}
    values |= {word.capitalize(): value.capitalize() for word, value in values.items()}
    if not prefix:
        return values
    return {("F" + word.lower() if word[0].isupper() else "f" + word): value for word, value in values.items()}


def _english_cast(rng: random.Random, kind: str | None) -> dict[str, str]:
    hero_is_child = kind in ("girl", "boy") or (kind is None and rng.random() < 0.5)
    gender = rng.choice("fm")
    if hero_is_child:
        gender = {"girl": "f", "boy": "m"}.get(kind or "", gender)
        kind, name = {"f": "girl", "m": "boy"}[gender], rng.choice(_GIRLS if gender == "f" else _BOYS)
    else:
        kind, name = kind or rng.choice(_BEASTS), rng.choice(_BEAST_NAMES)
    friend_gender = rng.choice("fm")
    friend_kind = rng.choice([beast for beast in _BEASTS if beast != kind])
    place = rng.choice(_PLACES)
    good, friend_good = rng.sample(_GOOD, 2)
    return {
        "N": name,
        "k": kind,
        "a": good,
        "F": rng.choice([one for one in _BEAST_NAMES if one != name]),
        "fk": friend_kind,
        "fa": friend_good,
        "P": rng.choice(_ELDERS),
        "T": rng.choice(_THINGS),
        "L": place.split(" ", 1)[1],
        "inL": place,
        "E": rng.choice(_FOODS),
        "W": rng.choice(_TIMES),
        "X": rng.choice(_SKILLS),
        **_pronouns(gender, ""),
        **_pronouns(friend_gender, "f"),
    }


def _chinese_cast(rng: random.Random, kind: str | None) -> dict[str, str]:
    kind = kind or rng.choice(_ZH_BEASTS)
    return {
        "N": rng.choice(_ZH_NAMES),
        "k": kind,
        "a": rng.choice(_ZH_GOOD),
        "F": rng.choice([beast for beast in _ZH_BEASTS if beast != kind]),
        "P": rng.choice(_ZH_ELDERS),
        "T": rng.choice(_ZH_THINGS),
        "L": rng.choice(_ZH_PLACES),
        "E": rng.choice(_ZH_FOODS),
        "W": rng.choice(_ZH_TIMES),
        "X": rng.choice(_ZH_SKILLS),
    }


def tell(language: Language, rng: random.Random, kind: str | None = None) -> tuple[str, dict[str, str]]:
    """A story and its cast (`k`: what the hero is, `N`: its name). `kind` asks for a hero of that kind."""
    english = language == "en"
    grammar = _grammar("stories.en.txt" if english else "stories.zh.txt")
    cast = _english_cast(rng, kind) if english else _chinese_cast(rng, kind)
    plot = rng.choice([name for name in grammar if not name.startswith("@")])
    cast["V"] = rng.choice(_VIRTUES.get(plot, ("", ""))[0 if english else 1].split("|"))
    sentences: list[str] = []
    for group in grammar[plot]:
        lines = group
        if len(group) == 1 and group[0].startswith("@"):
            if group[0].endswith("?") and rng.random() < 0.5:
                continue
            lines = grammar[group[0].rstrip("?")][0]
        sentences.append(fill(choose(rng.choice(lines), rng), cast))
    text = (" " if english else "").join(sentences)
    if english:
        text = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)
    elif language == "cn":
        text = to_simplified(text)
        cast = {slot: to_simplified(value) for slot, value in cast.items()}
    return text, cast


def kinds(language: Language) -> list[str]:
    """What a hero can be, for requests such as "a story about a dog"."""
    if language == "en":
        return [*_BEASTS, "girl", "boy"]
    return [to_simplified(beast) for beast in _ZH_BEASTS] if language == "cn" else _ZH_BEASTS
