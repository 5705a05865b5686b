// A slider over the channels, drawn over the strength of each.

import { floatsOf } from "./shared/bytes.js";
import { openCanvas, placeOf } from "./shared/canvas.js";
import { clamp, h, number, onKeys, svg, uniqueId } from "./shared/dom.js";
import { openView } from "./shared/view.js";

const EDGE = 6; // room at both ends, for the knob

function render({ model, el }) {
  const view = openView(model, el, "slider", model.get("label"));
  const id = uniqueId("channel");
  const name = h("label", { for: id, class: "cw-label" });
  const entry = h("input", { id, type: "number", class: "cw-field cw-slider-entry", min: 0, step: 1 });
  const back = h("button", { type: "button", class: "cw-button cw-square" }, svg("M10 3L5 8l5 5"));
  const forth = h("button", { type: "button", class: "cw-button cw-square" }, svg("M6 3l5 5-5 5"));
  const total = h("span", { class: "cw-soft" });
  const facts = h("span", { class: "cw-slider-facts" });
  const sort = h("input", { type: "checkbox" });
  const sorting = h("label", { class: "cw-check cw-push" }, sort, h("span", { class: "cw-sort-label" }));
  const { canvas, repaint } = openCanvas(view, { class: "cw-slider-strip", tabindex: 0, role: "slider" }, draw);
  view.body.append(h("div", { class: "cw-row cw-slider-head" }, name, entry, total, back, forth, facts, sorting), canvas);

  let strengths = new Float32Array(0);
  let ranks = [];

  const order = () => model.get("order");
  const place = () => order().indexOf(model.get("channel"));

  function readStrengths() {
    strengths = floatsOf(model.get("strengths"));
    // equal strengths share the better rank
    const sorted = [...strengths].filter((value) => !Number.isNaN(value)).sort((a, b) => b - a);
    const first = new Map(sorted.map((value, i) => [value, i + 1]).reverse());
    ranks = [...strengths].map((value) => first.get(value));
    redraw();
  }

  function redraw() {
    const channel = model.get("channel");
    const n = model.get("n_channels");
    const label = model.get("label");
    const measure = model.get("measure");
    const known = channel < strengths.length;
    const told = known ? [`${measure} ${number(strengths[channel])}`, `rank ${ranks[channel] ?? "–"} of ${n}`] : [];
    name.textContent = label;
    total.textContent = `of ${n}`;
    if (document.activeElement !== entry) entry.value = channel;
    entry.max = n - 1;
    entry.title = `0 to ${n - 1}`;
    facts.textContent = told.join(" · ");
    sorting.hidden = !strengths.length;
    sorting.lastChild.textContent = `sort by ${measure}`;
    sort.checked = model.get("sort");
    back.disabled = place() <= 0;
    forth.disabled = place() >= order().length - 1;
    back.setAttribute("aria-label", `Previous ${label}`);
    forth.setAttribute("aria-label", `Next ${label}`);
    canvas.setAttribute("aria-label", label);
    canvas.setAttribute("aria-valuemin", 0);
    canvas.setAttribute("aria-valuemax", n - 1);
    canvas.setAttribute("aria-valuenow", channel);
    canvas.setAttribute("aria-valuetext", [`${label} ${channel}`, ...told].join(", "));
    repaint();
  }

  // Left edge of the bar at a place of the order.
  const edgeAt = (at, width) => EDGE + (at / order().length) * (width - 2 * EDGE);

  function draw(g, width, height, ratio) {
    const n = order().length;
    const at = place();
    const step = (width - 2 * EDGE) / n;
    const gap = step > 4 ? 1 : step > 2.5 ? 0.5 : 0;
    const [top, bottom] = [5, height - 12];
    let [lo, hi] = [0, 0];
    for (const value of strengths) if (Number.isFinite(value)) [lo, hi] = [Math.min(lo, value), Math.max(hi, value)];
    const tall = (value) => bottom - ((value - lo) / (hi - lo || 1)) * (bottom - top);
    g.clearRect(0, 0, width, height);

    // where there are more bars than pixels, each pixel shows its strongest
    const columns = new Map();
    if (hi > lo) {
      order().forEach((channel, i) => {
        const value = strengths[channel];
        const x = Math.round(edgeAt(i, width) * ratio) / ratio;
        if (Number.isFinite(value) && !(Math.abs(columns.get(x) ?? 0) > Math.abs(value))) columns.set(x, value);
      });
    }
    g.fillStyle = view.colour("bar");
    const bar = Math.max(Math.round((step - gap) * ratio), 1) / ratio;
    const box = (x, value) => g.fillRect(x, Math.min(tall(value), tall(0)), bar, Math.max(Math.abs(tall(value) - tall(0)), 1 / ratio));
    for (const [x, value] of columns) box(x, value);

    // the track, and the knob on it
    const middle = edgeAt(at + 0.5, width);
    const rail = height - 6;
    g.fillRect(EDGE, rail - 0.5, width - 2 * EDGE, 1);
    g.fillStyle = view.colour("accent");
    if (hi > lo && Number.isFinite(strengths[order()[at]])) box(Math.round(edgeAt(at, width) * ratio) / ratio, strengths[order()[at]]);
    g.beginPath();
    g.arc(middle, rail, 5, 0, 2 * Math.PI);
    g.fill();
  }

  function go(at) {
    view.set({ channel: order()[clamp(at, 0, order().length - 1)] });
  }

  function drag(event) {
    const [x] = placeOf(event, canvas);
    go(Math.floor(((x - EDGE) / (canvas.clientWidth - 2 * EDGE)) * order().length));
  }

  view.listen(canvas, "pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    drag(event);
  });
  view.listen(canvas, "pointermove", (event) => canvas.hasPointerCapture(event.pointerId) && drag(event));
  view.listen(canvas, "pointerup", view.flush);
  view.listen(back, "click", () => go(place() - 1));
  view.listen(forth, "click", () => go(place() + 1));
  const page = () => Math.max(1, Math.round(order().length / 10));
  onKeys(
    canvas,
    {
      ArrowLeft: () => go(place() - 1),
      ArrowDown: () => go(place() - 1),
      ArrowRight: () => go(place() + 1),
      ArrowUp: () => go(place() + 1),
      PageUp: () => go(place() + page()),
      PageDown: () => go(place() - page()),
      Home: () => go(0),
      End: () => go(Infinity),
      Enter: () => entry.select(),
    },
    view.signal,
  );

  function take() {
    const wanted = Number.parseInt(entry.value, 10);
    if (Number.isFinite(wanted)) view.set({ channel: clamp(wanted, 0, model.get("n_channels") - 1) });
    entry.value = model.get("channel");
  }
  view.listen(entry, "change", take);
  onKeys(entry, { Enter: take, Escape: () => (entry.value = model.get("channel")) }, view.signal);

  view.listen(sort, "change", () => {
    // sorted here as well as in the kernel, so that tiles linked to the order move at once
    const channels = Array.from({ length: model.get("n_channels") }, (_, i) => i);
    const key = (channel) => (Number.isNaN(strengths[channel]) ? -Infinity : strengths[channel]);
    if (sort.checked && strengths.length) channels.sort((a, b) => (key(b) === key(a) ? a - b : key(b) > key(a) ? 1 : -1));
    view.set({ sort: sort.checked, order: channels });
  });

  view.on("strengths", readStrengths);
  view.on(["channel", "n_channels", "order", "sort", "label", "measure"], redraw);
  readStrengths();
  return view.close;
}

export default { render };
