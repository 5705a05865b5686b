// One panel: heading, the map over the picture, its colours with their ends, and the value that is read.

import { openCanvas } from "../shared/canvas.js";
import { h } from "../shared/dom.js";
import { paintValues } from "./paint.js";
import { channelsText, rangeText, valueText } from "./words.js";
import { valueAt } from "./read.js";

const FADED = 0.3; // how much of its opacity a map has that is out of date
const CLOSE = 0.25; // opacity up to which the picture keeps some of its own colours
const GREY = "rgb(128, 128, 128)"; // zero of a gradient drawn as a picture

export function openTile(view, scene) {
  const { model } = view;
  let panel = null; // one of the panels, or { picture: true }
  const map = document.createElement("canvas");
  let painted = []; // what the map was painted from

  const name = h("span", { class: "cw-attr-name" });
  const choice = h("button", { type: "button", class: "cw-attr-choice" });
  const title = h("div", { class: "cw-title cw-attr-title" }, name, choice);
  const { canvas, repaint } = openCanvas(view, { class: "cw-attr-canvas", role: "img" }, draw);
  const said = h("div", { class: "cw-attr-said" });
  const pending = h("div", { class: "cw-attr-pending" });
  const reader = h("i", { class: "cw-attr-reader" });
  const strip = h("div", { class: "cw-attr-strip" }, reader);
  const [low, high] = [h("span"), h("span")];
  const scale = h("div", { class: "cw-attr-scale" }, strip, h("div", { class: "cw-attr-ends" }, low, high));
  const value = h("div", { class: "cw-attr-value" });
  const unit = h("div", { class: "cw-soft cw-attr-unit" });
  const note = h("div", { class: "cw-soft cw-attr-note" });
  const element = h("div", { class: "cw-attr-panel" }, title, h("div", { class: "cw-attr-frame" }, canvas, said, pending), scale, value, unit, note);

  const drawn = () => Boolean(panel.numbers && !panel.said);

  function refresh(next) {
    panel = next;
    const told = panel.picture ? model.get("image_title") : panel.title || panel.key;
    const choosable = !panel.picture && model.get("can_choose");
    element.dataset.key = panel.picture ? "" : panel.key;
    name.textContent = name.title = choice.textContent = choice.title = told;
    name.hidden = choosable;
    choice.hidden = !choosable;
    choice.setAttribute("aria-pressed", String(choosable && model.get("chosen") === panel.key));
    said.textContent = (!panel.pending && panel.said) || "";
    pending.textContent = panel.pending ?? "";
    said.hidden = !said.textContent;
    pending.hidden = !pending.textContent;
    element.classList.toggle("cw-attr-stale", Boolean(panel.stale));
    element.setAttribute("aria-busy", String(Boolean(panel.pending)));
    drawScale();
    unit.textContent = panel.unit ?? "";
    note.textContent = panel.note ?? "";
    unit.hidden = !unit.textContent;
    const about = panel.picture ? "" : [panel.said || (panel.numbers ? rangeText(panel) : "no values yet"), panel.pending].filter(Boolean).join(", ");
    canvas.setAttribute("aria-label", [panel.row, told, about].filter(Boolean).join(", "));
    const [tall, wide] = scene.extent;
    canvas.style.aspectRatio = `${wide || 1} / ${tall || 1}`;
    read();
    repaint();
  }

  function drawScale() {
    const shown = drawn();
    scale.hidden = Boolean(panel.picture);
    scale.style.visibility = shown ? "" : "hidden";
    if (!shown) return;
    const { limit, numbers: { ends } } = panel;
    strip.style.background = scene.gradients[panel.kind];
    const end = valueText(limit, limit);
    low.textContent = panel.kind === "heat" ? "0" : `${ends[0] < -limit ? "≤ " : ""}−${end}`;
    high.textContent = `${ends[1] > limit ? "≥ " : ""}${end}`;
  }

  // The value under the pointer, else at the chosen pixel, else the range.
  function read() {
    const place = scene.place();
    reader.hidden = true;
    value.classList.toggle("cw-attr-channels", Boolean(place && panel.numbers?.planes.length > 1));
    if (panel.picture) {
      const [tall, wide] = scene.extent;
      value.textContent = place ? `row ${place[0]}, column ${place[1]}` : tall ? `${tall} × ${wide} pixels` : "";
      const colours = place && scene.picture?.at(scene.share(place));
      unit.textContent = colours ? `R ${colours[0]} G ${colours[1]} B ${colours[2]}` : "";
      unit.hidden = false; // lest what is below moves under the pointer
      return;
    }
    if (!panel.numbers) return (value.textContent = "");
    if (!place) return (value.textContent = panel.said ? "" : rangeText(panel));
    const parts = told(place);
    value.replaceChildren(...(parts.length > 1 ? parts.map((part) => h("span", {}, part)) : parts));
    if (!drawn() || panel.numbers.planes.length > 1) return;
    const here = at(panel.numbers.planes[0], place);
    const share = panel.kind === "heat" ? here / panel.limit : (here / panel.limit + 1) / 2;
    reader.hidden = !Number.isFinite(share);
    reader.style.left = `${100 * Math.min(Math.max(share, 0), 1)}%`;
  }

  const at = (plane, place) => valueAt(plane, panel.numbers, scene.share(place), model.get("smooth"));

  // The value at a pixel, or those of its three channels.
  function told(place) {
    const { planes } = panel.numbers;
    const values = planes.map((plane) => at(plane, place));
    if (planes.length > 1) return channelsText(values, panel.limit);
    return [(panel.kind !== "heat" && values[0] > 0 ? "+" : "") + valueText(values[0], panel.limit)];
  }
  const tell = (place) => told(place).join(" ");

  // -- on the canvas --

  function paintMap() {
    const { numbers, kind, limit } = panel;
    const finer = model.get("smooth") && (numbers.h < canvas.height || numbers.w < canvas.width);
    const size = finer ? [canvas.width, canvas.height] : [numbers.w, numbers.h];
    const wanted = [numbers, kind, limit, scene.palettes[kind], finer, ...size];
    if (wanted.every((one, i) => one === painted[i])) return;
    const image = paintValues(...size, numbers, kind, limit, scene.palettes[kind], finer);
    if (map.width !== size[0] || map.height !== size[1]) [map.width, map.height] = size;
    map.getContext("2d").putImageData(image, 0, 0);
    painted = wanted;
  }

  function draw(g, width, height) {
    if (!panel) return;
    const { picture } = scene;
    const shown = drawn();
    const opacity = panel.kind === "colour" ? 1 : model.get("opacity");
    g.clearRect(0, 0, width, height);
    g.imageSmoothingEnabled = true;
    g.imageSmoothingQuality = "high";
    if (shown && panel.kind === "colour") {
      g.fillStyle = GREY;
      g.fillRect(0, 0, width, height);
    } else if (picture) {
      g.drawImage(picture.own, 0, 0, width, height);
      g.globalAlpha = panel.picture ? 0 : shown ? Math.min(1, opacity / CLOSE) : 1;
      g.drawImage(picture.grey, 0, 0, width, height);
      g.globalAlpha = 1;
    } else {
      g.fillStyle = view.colour("shade");
      g.fillRect(0, 0, width, height);
    }
    if (shown) {
      paintMap();
      g.globalAlpha = opacity * (panel.stale ? FADED : 1);
      g.imageSmoothingEnabled = map.width >= canvas.width || model.get("smooth");
      g.drawImage(map, 0, 0, width, height);
    }
    g.globalAlpha = 1;
    const chosen = model.get("position");
    if (chosen) ring(g, chosen, width, height);
    if (scene.hover) cross(g, scene.hover, width, height);
  }

  // White on a dark seam, so that it is seen on any colour.
  function stroke(g, lines) {
    for (const [colour, line] of lines) {
      g.strokeStyle = colour;
      g.lineWidth = line;
      g.stroke();
    }
  }
  function cross(g, place, width, height) {
    const [down, across] = scene.share(place);
    const [x, y] = [across * width, down * height];
    g.beginPath();
    for (const [from, to] of [[0, x - 5], [x + 5, width]]) if (to > from) g.moveTo(from, y), g.lineTo(to, y);
    for (const [from, to] of [[0, y - 5], [y + 5, height]]) if (to > from) g.moveTo(x, from), g.lineTo(x, to);
    stroke(g, [["rgba(0, 0, 0, 0.45)", 2.5], ["rgba(255, 255, 255, 0.9)", 1]]);
  }
  function ring(g, place, width, height) {
    const [down, across] = scene.share(place);
    g.beginPath();
    g.arc(across * width, down * height, 5.5, 0, 2 * Math.PI);
    stroke(g, [["rgba(0, 0, 0, 0.7)", 5], ["#fff", 3], [view.colour("accent"), 1]]);
  }

  return { element, canvas, refresh, read, repaint, choice, panel: () => panel, tell, drawn };
}
