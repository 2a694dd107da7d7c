"""The page around the panels: header, tabs, footer, look; and how it is served."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from gradio_client import Client

from playground import ASSETS, rooms, text
from playground import settings as settings_of
from playground.models import devices, hub
from playground.models.uploads import at_end
from playground.rooms.models import panel as drawer
from playground.shell import access, answers, frame, middleware, qr, scripts, search, sessions
from playground.shell import streams as streaming
from playground.shell.login import USER
from playground.system import disk, heap
from playground.ui import controls, files
from playground.ui import devices as devices_view
from playground.ui.context import Context
from playground.ui.visitor import (  # fmt: skip
    guard,
    in_every_language,
    language,
    set_near,
    set_owner_language,
    tr,
    translations,
    visitor,
    wholes,
)

FONT = (
    "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "PingFang TC", "PingFang SC",
    "Microsoft JhengHei", "Microsoft YaHei", "Noto Sans CJK TC", "Noto Sans CJK SC", "sans-serif",
)  # fmt: skip
MONO = (
    "ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "Noto Sans Mono",
    "Noto Sans Mono CJK TC", "Noto Sans Mono CJK SC", "monospace",
)  # fmt: skip


def build_app(context: Context, panels: Sequence[ModuleType] | None = None) -> gr.Blocks:
    """The whole page. Nothing heavy is imported for it: only gradio."""
    rooms.register()
    panels = rooms.all_rooms() if panels is None else panels
    set_owner_language(context.settings.lang)
    context.catalog.names.whose(visitor)
    set_near(context.catalog.near)
    with gr.Blocks(
        title=frame.NAME, analytics_enabled=False, fill_width=True,
        delete_cache=(files.LOOKS, files.LIFE),
    ) as app:  # fmt: skip
        gr.HTML(in_every_language("shell.header", frame.header), elem_id="pg-header", padding=False)
        with gr.Tabs(elem_id="pg-tabs", overflow_behavior="wrap"):  # no room hides in a menu
            for panel in panels:
                with gr.Tab(tr(f"{panel.KEY}.tab"), id=panel.KEY, elem_id=f"pg-{panel.KEY}") as tab:
                    controls.view(panel.KEY, "", tab)
                    panel.build(context)
        drawer.build(context)
        gr.HTML(in_every_language("shell.footer", frame.footer), elem_id="pg-footer", padding=False)
        device = gr.HTML(elem_id="pg-device", padding=False, min_height=24)
        # Asked by the page once it is there: to know the device, torch must be imported.
        app.load(
            guard(lambda: _device(context)), None, device, api_visibility="private", show_progress="hidden"
        )
        files.still_shown(app)
        controls.part(app)
    app.queue(api_open=False)  # by the queue alone: it bounds how many are answered at once
    return app


def begin(context: Context) -> None:
    """Make disk and memory ready before anybody comes: what killed servers left goes, strangers read nothing.

    Not what slows a start or can stop it: a folder that cannot be written is told to whoever needs it.
    """
    heap.keep_trimming()
    disk.sweep_all(context.settings.cache_dir)
    hub.sweep()
    context.catalog.uploads.begin()
    folder = Path(get_upload_folder())
    if folder == disk.temporary():  # the owner may have chosen another, which is theirs
        folder.mkdir(mode=0o700, exist_ok=True)
        disk.keep_private(folder)  # Gradio has made it already
        files.keep_deleting(folder)
        at_end(lambda: disk.delete(folder))


def launch_options(context: Context) -> dict[str, Any]:
    """How the page is served: the arguments of ``launch``."""
    settings = context.settings
    return {
        "server_name": settings.host,
        "server_port": settings.port,
        "share": settings.share,
        "auth": (USER, settings.password) if settings.password else None,
        # Before the login no language is settled on the server: each says it in its own.
        "auth_message": " · ".join(text.say("shell.login", lang) for lang in text.LANGUAGES),
        "max_file_size": settings.upload_mb * 2**20,
        "max_threads": 160 if settings.class_mode else 40,
        "theme": theme(),
        "favicon_path": ASSETS / "favicon.svg",
        "i18n": gr.I18n(**{lang: {**words, **wholes(lang)} for lang, words in translations().items()}),
        "app_kwargs": {"middleware": middleware.middleware(settings), "routes": _routes(context)},
        "state_session_capacity": sessions.PAGES,
        "footer_links": ["api"],
        "show_error": True,  # a program that forgets an argument is told so
        "run_history": False,  # it would keep prompts in the browser
        "mcp_server": _has_mcp(),
        "ssr_mode": False,
        "quiet": True,
    }


def serve(app: gr.Blocks, context: Context) -> None:
    """Make the disk ready and open the doors: the page answers when this returns."""
    begin(context)
    launch(app, context)


def launch(app: gr.Blocks, context: Context, **changed: Any) -> None:
    """Open the doors.

    Args:
        changed: arguments of ``launch`` that are not as `launch_options` has them.
    """
    settings = context.settings
    known = access.hosts(settings)
    access.install(settings, known)
    answers.install()
    settings_of.warn(settings)
    app.launch(**launch_options(context) | changed, prevent_thread_lock=True)
    if app.share_url:
        known.add(app.share_url)
    if settings.password:
        _let_mcp_in(app, settings.password)


def _let_mcp_in(app: gr.Blocks, password: str) -> None:
    """Gradio's MCP asks the app's own endpoints by a client that knows no password: give it one that does."""
    server = getattr(app, "mcp_server_obj", None)
    if server is not None:
        server._client_instance = Client(
            app.local_url, auth=(USER, password), download_files=False, verbose=False,
            analytics_enabled=False, ssl_verify=False, headers={"x-gradio-user": "mcp"},
        )  # fmt: skip


def theme() -> gr.themes.Base:
    """Paper and ink: gradio's own colours, each by a variable of colours.css, light and dark."""
    colours = {
        "paper": ("body_background_fill",),
        "ink": ("body_text_color", "block_title_text_color", "button_secondary_text_color"),
        "muted": ("body_text_color_subdued", "block_label_text_color", "block_info_text_color"),
        "card": ("background_fill_primary", "background_fill_secondary", "block_background_fill"),
        "field": ("input_background_fill", "button_secondary_background_fill"),
        "line": (
            "block_border_color", "border_color_primary", "input_border_color",
            "button_secondary_border_color",
        ),
        "soft": ("color_accent_soft",),
        "accent": (
            "input_border_color_focus", "button_primary_background_fill", "slider_color",
            "checkbox_background_color_selected", "link_text_color",
        ),
        "accent-deep": ("button_primary_background_fill_hover",),
        "on-accent": ("button_primary_text_color",),
    }  # fmt: skip
    chosen = {
        name + mode: f"var(--pg-{colour})"
        for colour, names in colours.items()
        for name in names
        for mode in ("", "_dark")
    }
    base = gr.themes.Base(
        primary_hue="teal",
        neutral_hue="stone",
        font=FONT,
        font_mono=MONO,
        radius_size="sm",
        spacing_size="md",
    )
    return base.set(
        **chosen,
        input_border_width="1px",
        input_border_width_dark="1px",
        color_accent="var(--pg-accent)",
        block_shadow="none",
        block_shadow_dark="none",
        shadow_drop="none",
    )


def _routes(context: Context) -> list[Any]:
    """The page's scripts and sheets, and what panels stream to them."""
    rows = [*rooms.all_rooms(), drawer]
    named = [panel.streams(context) for panel in rows if hasattr(panel, "streams")]
    rooms_own = {name: stream for each in named for name, stream in each.items()}
    streams = streaming.routes({**rooms_own, "qr": qr.answer, "search": search.answers(context.catalog)})
    return [*streams, *scripts.routes(), scripts.plotly()]


def _device(context: Context) -> str:
    wish = context.settings
    device = devices.choose(wish.device, wish.dtype)
    return devices_view.line(device, context.models.budget(device.kind), language())


def _has_mcp() -> bool:
    """MCP tools come with gradio's own extra; without it the same endpoints still serve programs."""
    return importlib.util.find_spec("mcp") is not None
