// One view of a widget: what it listens to, what it says, and how it ends.

import { h, svg } from "./dom.js";

// Messages to the kernel: at most one in this many milliseconds, since it loses some of a flood.
const WAIT = 50;

export function openView(model, el, name, label, wait = WAIT) {
  const ending = new AbortController();
  const { signal } = ending;
  const status = h("div", { class: "cw-said", role: "status", "aria-live": "polite" });
  const errorText = h("span");
  const dismiss = h("button", { type: "button", class: "cw-plain", "aria-label": "Dismiss the error" }, svg("M4 4l8 8M12 4l-8 8"));
  const error = h("div", { class: "cw-error", role: "alert" }, errorText, dismiss);
  const body = h("div", { class: "cw-body" });
  const root = h("div", { class: `cw cw-${name}`, role: "group", "aria-label": label }, error, body, status);
  el.append(root);

  // -- listening --

  function on(names, callback) {
    for (const trait of [names].flat()) {
      model.on(`change:${trait}`, callback);
      signal.addEventListener("abort", () => model.off(`change:${trait}`, callback));
    }
  }

  function listen(target, type, callback, options = {}) {
    target.addEventListener(type, callback, { signal, ...options });
  }

  // A function that calls `callback` with the next picture of the screen, once however often it is called.
  function eachFrame(callback) {
    let asked = 0;
    const painter = () => {
      asked ||= requestAnimationFrame(() => {
        asked = 0;
        if (!signal.aborted) callback();
      });
    };
    signal.addEventListener("abort", () => cancelAnimationFrame(asked));
    return painter;
  }

  // -- sending --

  let sent = -Infinity;
  let timer = 0;

  function send() {
    clearTimeout(timer);
    timer = 0;
    sent = performance.now();
    model.save_changes();
  }

  // Traits change at once in the browser, so that everything linked here repaints; the kernel hears of it soon, and
  // always of the last state.
  function set(values) {
    for (const [trait, value] of Object.entries(values)) model.set(trait, value);
    const left = sent + wait - performance.now();
    if (left <= 0) send();
    else timer ||= setTimeout(send, left);
  }

  function flush() {
    if (timer) send();
  }
  signal.addEventListener("abort", flush);

  // -- saying --

  let spoken = 0;
  // Said once things have come to rest: a screen reader would otherwise read every step of a drag.
  function say(text) {
    clearTimeout(spoken);
    spoken = setTimeout(() => (status.textContent = text), 150);
  }
  signal.addEventListener("abort", () => clearTimeout(spoken));

  function showError() {
    errorText.textContent = model.get("error") ?? "";
    error.hidden = !errorText.textContent;
  }
  on("error", showError);
  listen(dismiss, "click", () => set({ error: "" }));
  showError();

  // -- colours of the page's theme, for canvases --

  function colour(name) {
    return getComputedStyle(root).getPropertyValue(`--cw-${name}`).trim();
  }

  function onTheme(callback) {
    const watch = new MutationObserver(callback);
    const attributeFilter = ["class", "style", "theme", "data-theme", "data-jp-theme-name", "data-jp-theme-light"];
    for (const node of [document.documentElement, document.body]) watch.observe(node, { attributeFilter });
    signal.addEventListener("abort", () => watch.disconnect());
  }

  function close() {
    ending.abort();
    root.remove();
  }

  return { model, root, body, signal, on, listen, eachFrame, set, flush, say, colour, onTheme, close };
}
