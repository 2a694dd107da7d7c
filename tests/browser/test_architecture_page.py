"""The Architecture tab, as a learner uses it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from playground import text
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.visiting import WAIT, Visit, settled, visiting

pytestmark = pytest.mark.browser


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.panel("architecture")) as visit:
        yield visit


def opened(visit: Visit, address: str = "", **context: object) -> Page:
    page = visit(f"?tab=architecture{address}", ready=False, **context)
    expect(page.locator("#arc-top .arc-total")).to_be_visible()
    return page


def box(page: Page, id: str) -> Locator:
    """A part of the drawing."""
    return page.locator(f'#arc-flow [data-id="{id}"]')


def handle(page: Page, knob: str) -> Locator:
    """Less, the number, more: on the drawing."""
    return page.locator(f'#arc-flow [data-turn="{knob}"]')


def own(page: Page) -> None:
    """Open what is folded: a sentence and a config of one's own."""
    page.get_by_text(text.say("architecture.own", "en"), exact=True).click()
    settled(page)  # what is typed into a box that Gradio is just making is lost


def tab(page: Page, name: str, lang: str = "en") -> None:
    page.get_by_role("tab", name=text.say(f"architecture.tab_{name}", lang), exact=True).click()
    settled(page)  # what is typed into a box that Gradio is just making is lost


def total(page: Page, count: str) -> None:
    expect(page.locator("#arc-top .arc-total")).to_contain_text(count, timeout=2 * WAIT)


def turn(page: Page, knob: str, value: int) -> None:
    box = page.locator(f"#arc-{knob} input")
    box.fill(str(value))
    box.press("Tab")


def test_every_number_of_the_notes_is_on_the_first_screen(visit: Visit) -> None:
    page = opened(visit)
    total(page, "1,100,048,384")
    tab(page, "tree")
    tree = page.locator("#arc-tree")
    for told in ("22 ×", "32,000 × 2,048", "256 × 2,048", "5,632 × 2,048", "Linear(2,048 → 256)", "32 to 4"):
        expect(tree).to_contain_text(told)
    page.get_by_role("button", name="Phi-3-mini", exact=True).click()
    total(page, "3,821,079,552")
    for told in ("32 ×", "= 3 × 3,072", "16,384) = 2 × 8,192", "32,064 × 3,072", "Row 32,000 is padding"):
        expect(tree).to_contain_text(told)


DIMMING = """
window.dimmed = 0;
new MutationObserver(seen => seen.forEach(each => window.dimmed += each.target.hasAttribute("data-stale")))
  .observe(document, {subtree: true, attributes: true, attributeFilter: ["data-stale"]});
"""


def test_the_example_is_never_dimmed_before_something_else_is_wanted(visit: Visit) -> None:
    page = opened(visit)
    page.add_init_script(DIMMING)
    settled(page).reload()
    expect(box(page, "layer0")).to_be_visible()
    assert settled(page).evaluate("window.dimmed") == 0
    page.get_by_role("button", name="GPT-2", exact=True).click()
    total(page, "124,439,808")
    assert page.evaluate("window.dimmed") > 0


def test_a_config_is_pasted_uploaded_and_cleared(visit: Visit, tmp_path: Path) -> None:
    page = opened(visit)
    total(page, "1,100,048,384")
    config = {
        "model_type": "gpt2",
        "n_layer": 2,
        "n_embd": 64,
        "n_head": 4,
        "vocab_size": 100,
        "n_positions": 32,
    }
    own(page)
    page.locator("#arc-paste textarea").fill(json.dumps(config))
    # 100 × 64 + 32 × 64 + 2 × (12 × 64² + 13 × 64) + 2 × 64
    total(page, "108,544")
    page.get_by_role("button", name=text.say("architecture.paste_clear", "en"), exact=True).click()
    total(page, "1,100,048,384")
    file = tmp_path / "config.json"
    file.write_text(json.dumps({**config, "n_layer": 3}), encoding="utf-8")
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name=text.say("architecture.upload", "en")).click()
    chosen.value.set_files(file)
    total(page, "158,528")
    page.locator("#arc-model input").fill("")  # what is pasted is shown whatever the menu says
    page.locator("#arc-model input").press("Tab")
    settled(page).locator("#arc-paste textarea").fill(json.dumps({**config, "n_layer": 4}))
    total(page, "208,512")


def test_the_tree_opens_closes_and_is_searched(visit: Visit) -> None:
    page = opened(visit)
    tab(page, "tree")
    row = page.locator('#arc-tree [data-k^="model.layers.0.self_attn.k_proj"]')
    expect(row).to_be_visible()
    page.locator('[data-arc="close"]').click()
    expect(row).to_be_hidden()
    page.locator('[data-arc="search"]').fill("k_proj")
    expect(row).to_be_visible()
    expect(page.locator(".arc-found")).to_have_text("1")
    expect(page.locator('#arc-tree [data-k^="lm_head"]')).to_be_hidden()
    page.locator('[data-arc="search"]').fill("no such part")
    expect(page.locator(".arc-found")).to_have_text(text.say("architecture.none_found", "en"))
    page.locator('[data-arc="search"]').fill("")
    page.locator('[data-arc="open"]').click()
    expect(page.locator('#arc-tree [data-k^="lm_head"]')).to_be_visible()
    words = page.locator(".arc-words").first
    expect(words).to_be_visible()
    page.locator('[data-arc="words"]').uncheck()
    expect(words).to_be_hidden()


def test_the_room_opens_on_the_drawing_whose_areas_are_the_parameters(visit: Visit) -> None:
    page = opened(visit)
    layers = box(page, "layer0")
    expect(layers).to_contain_text("22 ×")
    areas = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('#arc-flow .arc-box')].map((each) => {
            const fill = each.querySelector('.arc-fill');
            return [each.dataset.id, fill.offsetWidth * fill.getBoundingClientRect().height];
        }))"""
    )
    inside = "model.layers.0."
    one, other = areas[f"{inside}self_attn.q_proj"], areas[f"{inside}self_attn.k_proj"]
    assert one / other == pytest.approx(8, rel=0.1)
    assert areas[f"{inside}mlp.gate_proj"] / one == pytest.approx(5632 / 2048, rel=0.1)
    whole = areas["layer0"] / areas["model.embed_tokens"]
    assert whole == pytest.approx(22 * 44_044_288 / 65_536_000, rel=0.15)


def test_a_part_is_told_in_the_inspector(visit: Visit) -> None:
    page = opened(visit)
    part = box(page, "model.layers.0.self_attn.k_proj")
    part.click()
    shown = page.locator("#pg-inspector")
    for told in ("32 to 4", "2,048 × 256 = 524,288", '"num_key_value_heads": 4', "self.k_proj(x)"):
        expect(shown).to_contain_text(told)
    expect(part).to_have_attribute("aria-pressed", "true")
    # Turned there, it is drawn anew, and told anew, in the same place.
    shown.locator('[data-turn="num_key_value_heads"] button').last.click()
    expect(shown).to_contain_text("2,048 × 512 = 1,048,576", timeout=2 * WAIT)
    expect(part).to_contain_text("+524 k")
    page.keyboard.press("Escape")
    expect(shown).to_be_hidden()


def test_handles_change_the_drawing_in_place(visit: Visit) -> None:
    page = opened(visit)
    gauge = page.locator("#arc-gauge")
    expect(gauge).to_contain_text("2.2 GB")
    layers = handle(page, "num_hidden_layers").locator("input")
    layers.fill("44")
    layers.press("Enter")
    expect(box(page, "layer0")).to_contain_text("44 ×", timeout=2 * WAIT)
    expect(gauge).to_contain_text("1,100,048,384 → 2,069,022,720")
    expect(gauge).to_contain_text("4.14 GB")
    expect(layers).to_be_focused()  # drawn anew under the hand
    layers.press("ArrowUp")
    expect(box(page, "layer0")).to_contain_text("45 ×")
    page.wait_for_function("location.hash.includes('num_hidden_layers=45')")
    # What cannot be is refused where it was turned, and the drawing stays.
    heads = handle(page, "num_key_value_heads").locator("input")
    heads.fill("5")
    heads.press("Enter")
    expect(page.locator("#arc-flow .pg-warning")).to_contain_text("1, 2, 4, 8, 16, 32")
    gauge.get_by_role("button", name=text.say("architecture.reset", "en")).click()
    expect(box(page, "layer0")).to_contain_text("22 ×")
    expect(page.locator("#arc-flow .pg-warning")).to_have_count(0)


SCALE = "new DOMMatrix(getComputedStyle(document.querySelector('.arc-world')).transform).a"


def test_the_drawing_is_zoomed_and_walked_by_keys_wheel_and_buttons(visit: Visit) -> None:
    page = opened(visit)
    part = box(page, "model.layers.0.self_attn.q_proj")
    part.focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert page.evaluate(SCALE) == pytest.approx(1.96)
    expect(part).to_be_in_viewport()
    above = part.bounding_box()
    page.keyboard.press("ArrowDown")  # goes to the next part below
    expect(part).not_to_be_focused()
    below = page.locator("#arc-flow [data-id]:focus").bounding_box()
    assert above and below and below["y"] > above["y"]
    page.keyboard.press("0")
    assert page.evaluate(SCALE) == 1
    top = page.evaluate("scrollY")
    part.hover()
    page.mouse.wheel(0, 200)  # the page goes on scrolling
    page.wait_for_function(f"scrollY > {top}")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_function(f"{SCALE} > 2")
    page.get_by_role("button", name=text.say("architecture.draw_fit", "en")).click()
    assert page.evaluate(SCALE) == 1
    stops = page.locator('#arc-flow [data-id][tabindex="0"]')
    expect(stops).to_have_count(1)  # one stop of Tab for all parts


def test_the_gauge_stays_in_sight_in_every_view(visit: Visit) -> None:
    page = opened(visit)
    tab(page, "raw")
    expect(page.locator(".arc-code").first).to_be_visible()
    page.evaluate("scrollTo(0, 900)")
    expect(page.locator("#arc-gauge .arc-gauge")).to_be_in_viewport(ratio=0.9)
    page.locator('#arc-gauge [data-arc="memory"]').click()
    expect(page.locator("#arc-memory")).to_contain_text("2,200,097,024")


def test_the_drawing_follows_the_sentence(visit: Visit) -> None:
    page = opened(visit)
    expect(page.locator("#arc-flow .arc-told")).to_contain_text("13")
    own(page)
    page.locator("#arc-sentence textarea").fill("Hi")
    expect(page.locator("#arc-flow .arc-at.ids")).to_have_text(re.compile(r"\[1, [1-4]\]"))
    page.locator("#arc-steps summary").click()
    expect(page.locator("#arc-steps")).to_contain_text("o_proj")


def test_change_one_thing_and_see_what_it_does(visit: Visit) -> None:
    page = opened(visit)
    tab(page, "what_if")
    result = page.locator("#arc-what-if")
    expect(result).to_contain_text("LlamaConfig(")
    turn(page, "num_key_value_heads", 32)
    expect(result).to_contain_text("1,261,529,088")
    expect(result).to_contain_text("+161,480,704")
    turn(page, "num_key_value_heads", 5)
    expect(result.locator(".pg-warning")).to_contain_text("1, 2, 4, 8, 16, 32")
    for knob, value in (
        ("num_hidden_layers", 2),
        ("hidden_size", 64),
        ("vocab_size", 500),
        ("intermediate_size", 128),
    ):
        turn(page, knob, value)
    turn(page, "num_key_value_heads", 4)
    expect(result).to_contain_text("num_hidden_layers=2")
    page.locator("#arc-real").click()
    expect(page.locator("#arc-built")).to_contain_text("model.layers.1")
    expect(page.locator("#arc-built")).to_contain_text("500]")
    built = page.locator("#arc-built .pg-place")
    expect(built).not_to_have_attribute("data-stale", "")
    turn(page, "num_hidden_layers", 3)
    expect(built).to_have_attribute("data-stale", "")  # it was another model's
    page.locator("#arc-reset").click()
    expect(page.locator("#arc-num_hidden_layers input")).to_have_value("22")
    expect(page.locator("#arc-hidden_size input")).to_have_value("2048")
    expect(result).to_contain_text(text.say("architecture.change_something", "en"))


def test_turned_knobs_come_through_everything_and_make_way_for_another_model(visit: Visit) -> None:
    page = opened(visit)
    tab(page, "what_if")
    turn(page, "num_hidden_layers", 24)
    page.locator("#arc-tie input").check()
    expect(page.locator("#arc-what-if")).to_contain_text("num_hidden_layers=24")
    page.wait_for_function("location.hash.includes('tie_word_embeddings=1')")
    link = page.evaluate("playground.store.link()")
    told = link.partition("?")[2].partition("#")[2].partition("?")[2]
    assert sorted(each.partition("=")[0] for each in told.split("&")) == [
        "num_hidden_layers", "tie_word_embeddings",
    ]  # fmt: skip  # nothing of what the model has anyhow
    visit.watch.leaving = True
    page.reload()
    expect(page.locator("#arc-what-if")).to_contain_text("num_hidden_layers=24")
    page.evaluate("playground.setLanguage('zh-TW')")
    page.wait_for_function("window.playground?.lang === 'zh-TW'")
    expect(page.locator("#arc-what-if")).to_contain_text("num_hidden_layers=24")
    expect(page.locator("#arc-num_hidden_layers input")).to_have_value("24")
    expect(page.locator("#arc-hidden_size input")).to_have_value("2048")
    expect(page.locator("#arc-tie input")).to_be_checked()
    settled(page)
    page.get_by_role("button", name="GPT-2", exact=True).click()
    total(page, "124,439,808")
    expect(page.locator("#arc-num_hidden_layers input")).to_have_value("12")
    expect(page.locator("#arc-tie input")).to_be_checked()  # as GPT-2 has it
    page.wait_for_function("!location.hash.includes('num_hidden_layers')")
    settled(page).get_by_role("button", name="TinyLlama", exact=True).click()
    total(page, "1,100,048,384")
    expect(page.locator("#arc-num_hidden_layers input")).to_have_value("22")
    expect(page.locator("#arc-tie input")).not_to_be_checked()
    other = visit(link.removeprefix(visit.home), ready=False)  # somebody else who is given the link
    expect(other.locator("#arc-what-if")).to_contain_text("num_hidden_layers=24")
    expect(other.locator("#arc-tie input")).to_be_checked()


def test_memory_follows_its_sliders(visit: Visit) -> None:
    page = opened(visit)
    tab(page, "memory")
    memory = page.locator("#arc-memory")
    expect(memory).to_contain_text("46,137,344")
    batch = page.locator("#arc-batch input[type=number]")
    batch.fill("4")
    batch.press("Tab")
    expect(memory).to_contain_text("184,549,376")
    expect(page.locator("#arc-training")).to_contain_text("1,126,400")
    rank = page.locator("#arc-rank input[type=number]")
    rank.fill("16")
    rank.press("Tab")
    expect(page.locator("#arc-training")).to_contain_text("2,252,800")


def test_two_models_and_the_fields(visit: Visit) -> None:
    page = opened(visit)
    tab(page, "compare")
    expect(page.locator("#arc-compare")).to_contain_text("+2,721,031,168")
    tab(page, "raw")
    expect(page.get_by_text("(layers): ModuleList(")).to_be_visible()
    button = page.locator(".arc-copy:visible button").first
    button.click()  # this page may not write to the clipboard by the new way: the old one does
    expect(button).to_have_text(text.say("architecture.copied", "en"))
    expect(button).to_have_text(text.say("architecture.copy", "en"))


def test_a_config_of_ones_own_and_a_bad_one(visit: Visit) -> None:
    page = opened(visit)
    own(page)
    tab(page, "tree")
    box = page.locator("#arc-paste textarea")
    box.fill('{"model_type": "gpt2", "n_layer": 1, "<img src=x onerror=canary++>": "<b>"}')
    total(page, "46,473,216")  # 124,439,808 less eleven layers
    box.fill('{"model_type": "gpt2", "n_layer": 1000000000}')
    expect(page.locator("#arc-top .pg-warning")).to_contain_text("n_layer")  # where the plan was, which goes
    expect(page.locator("#arc-tree .pg-body")).to_be_empty()
    box.fill('{"model_type": "gpt2", "n_layer": 1}')
    total(page, "46,473,216")


@pytest.mark.parametrize(("lang", "scheme"), [("zh-TW", "light"), ("zh-CN", "dark"), ("en", "dark")])
def test_it_fits_a_phone_in_every_language(visit: Visit, lang: str, scheme: str) -> None:
    page = opened(visit, locale=lang, color_scheme=scheme, viewport={"width": 360, "height": 740})
    cut = """() => [...document
        .querySelectorAll('.arc-knobs label, .pg-scroll:has(> .named), .arc-diff td')]
        .filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1)
        .map(e => e.outerHTML.slice(0, 90))"""
    shown = {
        "tree": "#arc-tree .arc-row", "flow": "#arc-flow .arc-box", "memory": "#arc-memory td",
        "what_if": "#arc-what-if code",
        "compare": "#arc-compare .arc-config td", "raw": ".arc-code", "live": "#arc-live-go",
    }  # fmt: skip
    for name, there in shown.items():
        tab(page, name, lang)
        expect(page.locator(f"{there}:visible").first).to_be_visible()
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, (name, wide)
        assert page.evaluate(cut) == [], name


def test_beside_its_controls_a_tablet_leaves_names_their_room(visit: Visit) -> None:
    page = opened(visit, viewport={"width": 768, "height": 900})
    tab(page, "tree")
    for row in page.locator("#arc-tree .arc-row:visible .arc-name").all()[:6]:
        box = row.bounding_box()
        assert box and box["width"] > 120 and box["height"] < 60
    assert page.evaluate("document.documentElement.scrollWidth") <= 768


def test_a_link_opens_the_model_that_it_names(visit: Visit) -> None:
    page = opened(visit, "&model=openai-community/gpt2")
    total(page, "124,439,808")
    expect(box(page, "lm_head")).to_contain_text("⇄")
    tab(page, "tree")
    expect(page.locator("#arc-tree")).to_contain_text("⇄ transformer.wte")


def test_a_real_pass_of_the_embedded_model(visit: Visit) -> None:
    page = opened(visit)
    tab(page, "live")
    page.locator("#arc-live-go").click()
    expect(page.locator("#arc-live")).to_contain_text("model.layers.4", timeout=120_000)
    box = page.locator("#arc-model input")
    box.fill("tutor")
    box.press("Enter")
    total(page, "4,852,480")
    tab(page, "memory")  # what is loaded now is measured, beside what was foretold
    expect(page.locator("#arc-memory")).to_contain_text("19,410,048 ✓")


def test_of_a_model_that_cannot_be_shown_nothing_stands_but_why(visit: Visit) -> None:
    """In the places of the plan before, in every tab; and the next model is there again."""
    page = opened(visit)
    total(page, "1,100,048,384")
    box = page.locator("#arc-model input")
    box.fill("nobody/nothing-7b")
    box.press("Enter")
    expect(page.locator("#arc-top")).to_contain_text("nobody/nothing-7b")
    expect(page.locator("#arc-top .arc-total")).to_have_count(0)
    expect(page.locator("#arc-tree .arc-row")).to_have_count(0)
    expect(page.locator("#arc-top .pg-place")).not_to_have_attribute("data-stale", "")
    for name, place in (("flow", "#arc-flow"), ("memory", "#arc-memory"), ("what_if", "#arc-what-if"),
                        ("compare", "#arc-compare")):  # fmt: skip
        tab(page, name)
        expect(page.locator(place)).not_to_contain_text("TinyLlama")
        expect(page.locator(f"{place} table, {place} svg")).to_have_count(0)
    expect(page.locator("#arc-gauge .arc-gauge")).to_have_count(0)
    tab(page, "what_if")
    expect(page.locator("#arc-num_hidden_layers input")).to_be_disabled()
    page.get_by_role("button", name="GPT-2", exact=True).click()
    total(page, "124,439,808")
    expect(page.locator("#arc-num_hidden_layers input")).to_have_value("12")


def test_of_another_model_to_compare_with_the_same(visit: Visit) -> None:
    page = opened(visit)
    tab(page, "compare")
    shown = page.locator("#arc-compare")
    expect(shown).to_contain_text("3,821,079,552")
    box = page.locator("#arc-other input")
    box.fill("nobody/nothing-7b")
    box.press("Enter")
    expect(shown).to_contain_text("nobody/nothing-7b")
    expect(shown).not_to_contain_text("3,821,079,552")
    expect(shown.locator(".pg-place")).not_to_have_attribute("data-stale", "")
