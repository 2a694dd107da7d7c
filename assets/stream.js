/*
 * How the panels' scripts ask the server: lines of JSON as they come, and what went wrong told apart.
 *
 *   page.stream(name, given, signal)   async generator; to leave it closes the connection and ends the work
 *   page.once(name, given)             the first line alone
 *   page.wrong(error)                  "lost": nobody answers, or the connection broke; "failed": anything else,
 *                                      which is a fault of ours and goes to the console
 */
(() => {
  "use strict";
  const page = window.playground;

  class Lost extends Error {}

  // What the network throws has another name and another text in every browser; by the place alone it is known.
  const overTheNetwork = async (work, signal) => {
    try { return await work(); } catch (error) {
      if (signal && signal.aborted) throw error;
      throw new Lost("the server does not answer", { cause: error });
    }
  };
  const AWAY = [502, 503, 504]; // a tunnel or proxy, in the name of a server that is not there

  async function* stream(name, given, signal) {
    const request = new Request(new URL(`playground/${name}`, document.baseURI), {
      method: "POST", body: JSON.stringify(given), signal,
      headers: { "Content-Type": "application/json", "X-Playground-Language": page.lang },
    });
    const answer = await overTheNetwork(() => fetch(request), signal);
    if (AWAY.includes(answer.status)) throw new Lost(String(answer.status));
    if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
    const lines = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    try {
      for (;;) {
        const { value, done } = await overTheNetwork(() => lines.read(), signal);
        if (done) return;
        rest += value;
        for (let end; (end = rest.indexOf("\n")) >= 0; rest = rest.slice(end + 1)) yield JSON.parse(rest.slice(0, end));
      }
    } finally { lines.cancel().catch(() => {}); } // who has enough closes the connection, too
  }
  const once = async (name, given) => {
    for await (const only of stream(name, given)) return only;
    throw new Lost(`${name}: no answer`);
  };
  const wrong = (error) => {
    if (error instanceof Lost) return "lost";
    console.error(error);
    return "failed";
  };

  Object.assign(page, { stream, once, wrong, Lost });
})();
