"""Start LLM Playground: settings → context → page → launch. Also the entry of a Hugging Face Space."""

from __future__ import annotations

import threading

from playground import settings as settings_module

settings = settings_module.read()
settings_module.quiet(settings)  # before gradio is imported

from playground.shell.page import build_app, serve  # noqa: E402
from playground.shell.warm_up import warm_up  # noqa: E402
from playground.ui.context import Context  # noqa: E402

context = Context.of(settings)
app = build_app(context)

if __name__ == "__main__":
    serve(app, context)
    print(f"LLM Playground: {app.local_url}", flush=True)
    threading.Thread(target=warm_up, args=(context,), daemon=True).start()
    app.block_thread()
