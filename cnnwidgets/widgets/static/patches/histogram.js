// How strong the unit's strongest activation is in each image, and where the shown patches are among them.

import { floatsOf } from "../shared/bytes.js";
import { openCanvas, placeOf } from "../shared/canvas.js";
import { clamp, h, number, onKeys, uniqueId } from "../shared/dom.js";

const BASE = 11; // room under the bars, for the marks

export function openHistogram(view, scene) {
  const { model } = view;
  let [counts, edges, marks] = [[], [], []];
  let bin = null; // the one under the pointer
  const { canvas, repaint } = openCanvas(view, { class: "cw-patches-bars", tabindex: 0, role: "application" }, draw);
  const told = h("div", { class: "cw-patches-told" });
  const [first, last] = [h("span"), h("span")];
  const id = uniqueId("log");
  const log = h("input", { id, type: "checkbox" });
  const head = h("div", { class: "cw-row cw-patches-told-row" }, told, h("label", { class: "cw-check cw-push", for: id }, log, "log counts"));
  const ends = h("div", { class: "cw-patches-ends" }, first, h("span", {}, "activation"), last);
  const element = h("div", { class: "cw-patches-histogram" }, head, canvas, ends);

  const many = (count) => Math.round(count).toLocaleString("en-US");
  const images = (count) => `${many(count)} image${Math.round(count) === 1 ? "" : "s"}`;

  function readCounts() {
    counts = floatsOf(model.get("_counts"));
    edges = floatsOf(model.get("_edges"));
    marks = floatsOf(model.get("_marks"));
    bin = null;
    element.hidden = !counts.length || edges.length !== counts.length + 1;
    if (element.hidden) return;
    first.textContent = number(edges[0]);
    last.textContent = number(edges[counts.length]);
    log.checked = model.get("log_counts");
    canvas.setAttribute("aria-label", `Histogram of the strongest activation in each image, ${summary()}. Arrow keys read the bars.`);
    tell();
    repaint();
  }

  const summary = () => `fires in ${many(model.get("_n_images") - model.get("_n_silent"))} of ${images(model.get("_n_images"))}`;

  function tell() {
    told.textContent = bin === null ? summary() : `${number(edges[bin])} to ${number(edges[bin + 1])}: ${images(counts[bin])}`;
  }

  function draw(g, width, height, ratio) {
    g.clearRect(0, 0, width, height);
    const n = counts.length;
    const [lo, hi] = [edges[0], edges[n]];
    if (!n || !(hi > lo)) return;
    const at = (value) => ((value - lo) / (hi - lo)) * width;
    const floor = height - BASE;
    const scale = model.get("log_counts") ? (count) => Math.log1p(count) : (count) => count;
    const most = scale(Math.max(...counts)) || 1;
    for (let i = 0; i < n; i++) {
      const left = Math.round(at(edges[i]) * ratio) / ratio;
      const right = Math.round(at(edges[i + 1]) * ratio) / ratio;
      // one image is still to be seen
      const tall = counts[i] ? Math.max((scale(counts[i]) / most) * (floor - 2), 1.5) : 0;
      g.fillStyle = view.colour(i === bin ? "soft" : edges[i + 1] <= 0 ? "line" : "bar"); // silent below zero
      g.fillRect(left, floor - tall, Math.max(right - left - (right - left > 4 ? 1 : 0), 1 / ratio), tall);
    }
    g.fillStyle = view.colour("bar");
    g.fillRect(0, floor, width, 1);
    if (lo < 0 && hi > 0) g.fillRect(at(0), 0, 1, floor);
    const values = marks.length ? marks : scene.patches.map((patch) => patch.value);
    const shown = marks.length ? -1 : scene.shown();
    values.forEach((value, i) => i !== shown && mark(g, at(value), floor, width, 3.5, 0.45));
    if (values[shown] !== undefined) mark(g, at(values[shown]), floor, width, 5, 1);
  }

  function mark(g, place, floor, width, side, strength) {
    if (!Number.isFinite(place)) return;
    const x = clamp(place, side, width - side);
    g.globalAlpha = strength;
    g.fillStyle = view.colour("accent");
    g.beginPath();
    g.moveTo(x, floor + 2);
    g.lineTo(x - side, floor + 2 + 1.7 * side);
    g.lineTo(x + side, floor + 2 + 1.7 * side);
    g.fill();
    g.globalAlpha = 1;
  }

  function read(next, aloud) {
    if (next === bin) return;
    bin = next;
    tell();
    repaint();
    if (aloud) view.say(told.textContent);
  }
  const binAt = (x) => {
    const value = edges[0] + (x / canvas.clientWidth) * (edges[counts.length] - edges[0]);
    return clamp(edges.findLastIndex((edge) => edge <= value), 0, counts.length - 1);
  };
  const step = (by) => read(clamp((bin ?? -1) + by, 0, counts.length - 1), true);

  view.listen(canvas, "pointermove", (event) => read(binAt(placeOf(event, canvas)[0])));
  view.listen(canvas, "pointerleave", () => read(null));
  view.listen(canvas, "blur", () => read(null));
  onKeys(
    canvas,
    {
      ArrowRight: () => step(1),
      ArrowLeft: () => step(bin === null ? 1 : -1),
      Home: () => step(-Infinity),
      End: () => step(Infinity),
      Enter: () => read(counts.indexOf(Math.max(...counts)), true),
      Escape: () => read(null),
    },
    view.signal,
  );
  view.listen(log, "change", () => view.set({ log_counts: log.checked }));
  view.on(["_counts", "_edges", "_marks", "_n_images", "_n_silent", "log_counts"], readCounts);
  readCounts();
  return { element, repaint };
}
