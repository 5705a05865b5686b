// The patches that one unit fires on, and the whole picture of one of them.

import { pictureOf } from "./shared/bytes.js";
import { h, number } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { readColours, readMaps } from "./grid/maps.js";
import { openHistogram } from "./patches/histogram.js";
import { readPatches } from "./patches/read.js";
import { openReading } from "./patches/reading.js";
import { openPatches } from "./patches/tiles.js";
import { openWhole } from "./patches/whole.js";

const TOLD = {
  strongest: ["strongest", (n) => `The ${n} images it fires on most. They flatter: see the others.`],
  weakest: ["weakest that fire", (n) => `The ${n} images it fires on least; silent ones are left out.`],
  sample: ["random that fire", (n) => `${n} images drawn by chance from all that it fires on.`],
};

function render({ model, el }) {
  const view = openView(model, el, "patches", "Patches of one unit");

  // what the parts share: the patches, which of them the hand is on, and the map over the chosen one
  const scene = {
    patches: [], size: [0, 0], room: [0, 0, 0, 0], padded: false, inner: false, pictures: [],
    maps: readMaps(model), colours: null, hover: null, cell: null,
    shown, mapped, setHover, choose, read,
  };

  // The patch whose picture is large: that under the hand, else the chosen one, else the first.
  function shown() {
    const n = scene.patches.length;
    const wanted = scene.hover ?? model.get("chosen") ?? 0;
    return n ? Math.min(wanted, n - 1) : null;
  }

  function mapped() {
    const chosen = model.get("chosen");
    return chosen !== null && chosen === shown() && chosen === model.get("_map_of") && scene.maps.n > 0;
  }

  function setHover(place) {
    if (place === scene.hover) return;
    scene.hover = place;
    drawShown();
  }

  function choose(place) {
    view.set({ chosen: place === model.get("chosen") ? null : place });
  }

  function read(cell, aloud) {
    if (JSON.stringify(cell) === JSON.stringify(scene.cell)) return;
    scene.cell = cell;
    whole.repaint();
    under.readOut();
    if (aloud) view.say(under.text());
  }

  const tiles = openPatches(view, scene);
  const whole = openWhole(view, scene);
  const histogram = openHistogram(view, scene);
  const under = openReading(view, scene);

  // -- controls and texts --

  const title = h("span", { class: "cw-title" });
  const which = h("div", { class: "cw-choice", role: "group", "aria-label": "Which patches" });
  for (const [name, [text]] of Object.entries(TOLD)) which.append(h("button", { type: "button", "data-which": name }, text));
  const honest = h("div", { class: "cw-soft" });
  const message = h("div", { class: "cw-patches-message" });
  const legend = h("div", { class: "cw-patches-legend cw-soft" }, h("i"), h("span"));
  const source = h("div", { class: "cw-title cw-patches-source" });
  const facts = h("div", { class: "cw-soft cw-patches-facts" });
  const average = h("canvas", { class: "cw-patches-average", role: "img" });
  const caption = h("figcaption", { class: "cw-soft" });
  const mean = h("figure", { class: "cw-patches-mean" }, average, caption);

  const head = h("div", { class: "cw-patches-head" }, title, which);
  const main = h("div", { class: "cw-patches-main" }, head, message, honest, tiles.element, legend);
  const side = h("div", { class: "cw-patches-side" }, source, facts, whole.canvas, under.element);
  const stats = h("div", { class: "cw-patches-stats" }, mean, histogram.element);
  view.body.append(main, side, stats);

  function drawTexts() {
    const n = scene.patches.length;
    const views = model.get("views");
    title.textContent = title.title = model.get("title");
    title.hidden = !title.textContent;
    which.hidden = views.length < 2;
    for (const button of which.children) {
      button.hidden = !views.includes(button.dataset.which);
      button.setAttribute("aria-pressed", String(button.dataset.which === model.get("which")));
    }
    message.textContent = model.get("message") || (n ? "" : "no patches yet");
    message.hidden = !message.textContent;
    const never = n > 0 && scene.patches.every(({ value }) => !(value > 0));
    honest.textContent = never ? `The ${n} images that come nearest to firing it.` : TOLD[model.get("which")][1](n);
    honest.hidden = n < 2 || which.hidden;
    side.hidden = !n;
    legend.hidden = !scene.padded;
    const where = scene.inner ? "outside of the picture, or of a map on the way" : "outside of the picture";
    legend.lastChild.textContent = `padding: ${where}; the unit sees nothing there`;
    stats.hidden = histogram.element.hidden && mean.hidden;
    drawShown();
  }

  function drawShown() {
    tiles.mark();
    whole.repaint();
    histogram.repaint();
    const place = shown();
    if (place === null) return;
    const { value, source: from, note, box, seen, known } = scene.patches[place];
    source.textContent = source.title = from || `patch ${place + 1}`;
    const sides = ([top, left, bottom, right]) => `${bottom - top} × ${right - left}`;
    const all = sides(box) === sides(seen);
    const sees = !known ? "sees the whole picture" : all ? `sees ${sides(box)} px` : `sees ${sides(seen)} of ${sides(box)} px, the rest is padding`;
    facts.textContent = [value > 0 ? `fires ${number(value)}` : `activation ${number(value)}`, sees, note].filter(Boolean).join(" · ");
    const name = from ? `, ${from}` : "";
    whole.canvas.setAttribute("aria-label", `Whole picture of patch ${place + 1}${name}. Enter shows the activation map, arrow keys read it.`);
    under.readOut();
  }

  // -- what changes --

  let asked = 0;
  async function decode() {
    const turn = ++asked;
    const found = await readPatches(model);
    // newer ones may have come meanwhile
    if (view.signal.aborted || turn !== asked) return found.pictures.forEach((picture) => picture?.close());
    const before = scene.pictures;
    Object.assign(scene, found, { cell: null });
    if (scene.hover !== null && scene.hover >= found.patches.length) scene.hover = null;
    tiles.refresh();
    drawTexts();
    before.forEach((picture) => picture?.close());
  }

  function recolour() {
    scene.colours = readColours(model, scene.maps);
    whole.refresh();
    under.readOut();
  }
  // several traits come in one message: painted once
  const readMap = view.eachFrame(() => {
    scene.maps = readMaps(model);
    scene.cell = null;
    recolour();
  });

  async function readAverage() {
    const bytes = model.get("_average");
    const picture = await pictureOf(bytes, "");
    if (!view.signal.aborted && bytes === model.get("_average")) {
      mean.hidden = !picture;
      if (picture) {
        Object.assign(average, { width: picture.width, height: picture.height });
        average.getContext("2d").drawImage(picture, 0, 0);
        caption.textContent = model.get("_average_of");
        average.setAttribute("aria-label", caption.textContent);
      }
      stats.hidden = histogram.element.hidden && mean.hidden;
    }
    picture?.close();
  }

  function speak() {
    const chosen = model.get("chosen");
    if (chosen === null || !scene.patches[chosen]) return;
    const { value, source: from } = scene.patches[chosen];
    view.say([`patch ${chosen + 1} of ${scene.patches.length}`, number(value), from].filter(Boolean).join(", "));
  }

  view.listen(which, "click", (event) => {
    const name = event.target.closest("button")?.dataset.which;
    if (name) view.set({ which: name });
  });
  view.on(["_patches", "_pictures", "_ends", "_values", "_size"], view.eachFrame(decode));
  view.on(["_map_of", "_shape", "_codes", "_ranges", "_cell"], readMap);
  view.on(["colormap", "_luts", "opacity"], recolour);
  view.on(["title", "message", "which", "views", "_counts", "_edges"], drawTexts);
  view.on(["_average", "_average_of"], readAverage);
  view.on("chosen", () => {
    scene.cell = null;
    drawShown();
    speak();
  });
  view.signal.addEventListener("abort", () => scene.pictures.forEach((picture) => picture?.close()));
  mean.hidden = true;
  recolour();
  drawTexts();
  decode();
  readAverage();
  return view.close;
}

export default { render };
