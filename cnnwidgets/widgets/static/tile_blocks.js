// Patches of a unit beside images of the same patches, in blocks of tiles.

import { h, number, uniqueId } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { readBlocks } from "./blocks/images.js";
import { openTiles } from "./blocks/tiles.js";
import { openWhole } from "./blocks/whole.js";
import { readPatches } from "./patches/read.js";

const VIEWS = { strongest: "strongest", weakest: "weakest that fire", sample: "random that fire" };

function render({ model, el }) {
  const view = openView(model, el, "blocks", "Patches and their images");

  // what the blocks share: which tile the hand is on, and which pixel of its picture
  const scene = { patches: [], size: [0, 0], pictures: [], padded: false, blocks: [], hover: null, pixel: null, shown, limit, setHover, choose, read };

  // The tile whose picture is large: that under the hand, else the chosen one, else the first.
  function shown() {
    const n = scene.patches.length;
    return n ? Math.min(scene.hover ?? model.get("chosen") ?? 0, n - 1) : null;
  }

  // The number that is white; black is as much below zero.
  function limit(block, image) {
    const clip = model.get("clip");
    if (model.get("scale") === "tile") return image.limit(clip);
    return Math.max(...block.images.map((each) => each.limit(clip)));
  }

  function setHover(place) {
    if (place === scene.hover) return;
    scene.hover = place;
    drawShown();
  }

  function choose(place) {
    view.set({ chosen: place });
  }

  function read(pixel, aloud) {
    if (JSON.stringify(pixel) === JSON.stringify(scene.pixel)) return;
    scene.pixel = pixel;
    for (const card of cards) card.whole.repaint();
    readOut();
    if (aloud) view.say(cards.filter((card) => !card.element.hidden).map((card) => `${card.name.textContent} ${card.reading.textContent}`).join(", "));
  }

  // -- controls --

  const title = h("span", { class: "cw-title cw-blocks-title" });
  const which = h("div", { class: "cw-choice", role: "group", "aria-label": "Which patches" });
  for (const [name, text] of Object.entries(VIEWS)) which.append(h("button", { type: "button", "data-which": name }, text));
  const scaled = (value, text) => h("button", { type: "button", "data-scale": value }, text);
  const scale = h("div", { class: "cw-choice", role: "group", "aria-label": "Scale of the images" }, scaled("tile", "each tile"), scaled("shared", "one scale"));
  const clipId = uniqueId("clip");
  const clip = h("input", { id: clipId, type: "range", min: 90, max: 100, step: 0.5 });
  const clipped = h("span", { class: "cw-soft cw-blocks-clip" });
  const tuning = h("div", { class: "cw-row" }, scale, h("label", { class: "cw-check", for: clipId, title: "what is larger than this percentile is black or white" }, h("span", { class: "cw-label" }, "clip"), clip, clipped));
  const head = h("div", { class: "cw-row cw-blocks-head" }, title, which, tuning);
  const message = h("div", { class: "cw-blocks-message" });
  const all = h("div", { class: "cw-blocks-all" });
  const facts = h("div", { class: "cw-blocks-facts" });
  const legend = h("div", { class: "cw-soft cw-blocks-legend" }, h("i"), "padding: outside of the picture, or of a map on the way; the unit sees nothing there");
  view.body.append(head, message, all, facts, legend);

  // -- one card for each block, used again for other patches --

  const cards = [];
  function openCard(k) {
    const block = k ? () => scene.blocks[k - 1] ?? { images: [] } : null;
    const [tiles, whole] = [openTiles(view, scene, block), openWhole(view, scene, block)];
    const name = h("span", { class: "cw-title" });
    const note = h("div", { class: "cw-soft cw-blocks-note" });
    const text = h("div", { class: "cw-soft cw-blocks-text" });
    const bar = h("div", { class: "cw-blocks-bar", hidden: true }, h("span"), h("i"), h("span"));
    const reading = h("div", { class: "cw-blocks-reading" });
    const stage = h("div", { class: "cw-blocks-stage" }, tiles.canvas, text);
    const element = h("div", { class: "cw-block" }, name, note, stage, whole.canvas, bar, reading);
    all.append(element);
    return { element, stage, block, tiles, whole, name, note, text, bar, reading };
  }
  function fitCards() {
    while (cards.length < 1 + scene.blocks.length) cards.push(openCard(cards.length));
    cards.forEach((card, k) => (card.element.hidden = k > scene.blocks.length || !scene.patches.length));
    all.style.setProperty("--cw-blocks-n", 1 + scene.blocks.length);
  }

  // -- in words --

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
    scale.hidden = n < 2;
    for (const button of scale.children) button.setAttribute("aria-pressed", String(button.dataset.scale === model.get("scale")));
    tuning.hidden = !n || !scene.blocks.length;
    clip.value = model.get("clip");
    clipped.textContent = `${model.get("clip")} %`;
    message.textContent = model.get("message") || (n ? "" : "no patches yet");
    message.hidden = !message.textContent;
    fitCards();
    const noted = model.get("notes");
    const wholes = n === 1 && !scene.patches[0].known; // the only tile is the whole picture
    cards.forEach((card, k) => {
      const block = card.block?.();
      card.name.textContent = block ? block.name ?? "" : model.get("heading");
      card.note.textContent = noted[card.name.textContent] ?? "";
      card.note.hidden = !Object.keys(noted).length;
      card.text.textContent = block?.text ?? "";
      card.text.hidden = !card.text.textContent;
      card.text.classList.toggle("cw-blocks-late", Boolean(block?.is_pending));
      card.tiles.canvas.hidden = wholes;
      card.stage.hidden = wholes && card.text.hidden;
      const never = !card.text.hidden && !block.is_pending;
      card.tiles.canvas.hidden ||= never;
      card.whole.canvas.hidden = never;
      for (const canvas of [card.tiles.canvas, card.whole.canvas]) canvas.style.visibility = card.text.hidden ? "" : "hidden"; // their room is kept
      card.bar.hidden = !scene.blocks.length;
    });
    legend.hidden = !scene.padded || !n;
    drawShown();
  }

  function drawShown() {
    for (const card of cards) {
      card.tiles.repaint();
      card.whole.repaint();
    }
    const place = shown();
    facts.hidden = place === null;
    if (place === null) return;
    facts.textContent = tell(place);
    cards.forEach((card) => {
      const name = card.name.textContent;
      card.tiles.canvas.setAttribute("aria-label", `${name}: ${scene.patches.length} tiles, ${place + 1} is shown. Arrow keys choose one, Escape none.`);
      card.whole.canvas.setAttribute("aria-label", `${name}, whole, of tile ${place + 1}. Arrow keys read its pixels, Escape ends it.`);
    });
    readOut();
  }

  function tell(place) {
    const { value, source, note, box, seen, known } = scene.patches[place];
    const sides = ([top, left, bottom, right]) => `${bottom - top} × ${right - left}`;
    const sees = !known ? "" : sides(box) === sides(seen) ? `sees ${sides(box)} px` : `sees ${sides(seen)} of ${sides(box)} px, the rest is padding`;
    const fires = Number.isNaN(value) ? "" : value > 0 ? `fires ${number(value)}` : `activation ${number(value)}`;
    return [source, fires, sees, note].filter(Boolean).join(" · ");
  }

  // What is at the pixel under the pointer; without one, the ends of the greys.
  function readOut() {
    const place = shown();
    if (place === null) return;
    const { pixel } = scene;
    for (const card of cards) {
      const image = card.block?.().images[place];
      if (!card.block) card.reading.textContent = pixel ? `row ${pixel[0]}, column ${pixel[1]}\n${coloursAt(place, pixel)}` : "";
      else if (!image) card.reading.textContent = "";
      else if (image.isBroken) card.reading.textContent = "not finite: holds NaN or infinity";
      else if (image.isZero) card.reading.textContent = "all zero: nothing comes back";
      else card.reading.textContent = pixel ? numbers(image.at(...pixel)) : `largest ${number(image.most)}`;
      const end = image?.most ? limit(card.block(), image) : 0;
      card.bar.style.visibility = end ? "" : "hidden";
      card.bar.firstChild.textContent = number(-end);
      card.bar.lastChild.textContent = number(end);
    }
  }

  const signed = (value) => (value > 0 ? "+" : "") + number(value);
  function numbers(values) {
    if (values.length === 1) return signed(values[0]);
    return values.map((value, k) => `${"RGB"[k]}\u00a0${signed(value)}`).join("  ");
  }

  const one = document.createElement("canvas"); // of one pixel, to read that of a picture
  Object.assign(one, { width: 1, height: 1 });
  const reader = one.getContext("2d", { willReadFrequently: true });
  function coloursAt(place, [row, column]) {
    const { picture } = scene.patches[place];
    if (!picture) return "";
    reader.drawImage(picture, column, row, 1, 1, 0, 0, 1, 1);
    const [red, green, blue] = reader.getImageData(0, 0, 1, 1).data;
    return `R\u00a0${red}  G\u00a0${green}  B\u00a0${blue}`;
  }

  // -- what changes --

  let [asked, decoded] = [0, 0];
  async function decode() {
    const turn = ++asked;
    const found = await readPatches(model);
    // newer ones may have come meanwhile
    if (view.signal.aborted || turn !== asked) return found.pictures.forEach((picture) => picture?.close());
    const before = scene.pictures;
    decoded = turn;
    Object.assign(scene, found, { pixel: null });
    if (scene.hover !== null && scene.hover >= found.patches.length) scene.hover = null;
    readImages();
    before.forEach((picture) => picture?.close());
  }
  function readImages() {
    scene.blocks = scene.patches.length ? readBlocks(model, scene.patches.length) : [];
    drawTexts();
  }

  view.listen(which, "click", (event) => {
    const name = event.target.closest("button")?.dataset.which;
    if (name) view.set({ which: name });
  });
  view.listen(scale, "click", (event) => {
    const value = event.target.closest("button")?.dataset.scale;
    if (value) view.set({ scale: value });
  });
  view.listen(clip, "input", () => view.set({ clip: Number(clip.value) }));
  // several traits come in one message: painted once; images wait for the patches that come with them
  let patchesToo = false;
  const refresh = view.eachFrame(() => {
    if (patchesToo) decode();
    else if (asked === decoded) readImages();
    patchesToo = false;
  });
  view.on(["_patches", "_pictures", "_ends", "_values", "_size"], () => {
    patchesToo = true;
    refresh();
  });
  view.on(["_blocks", "_codes_0", "_codes_1", "_codes_2", "_codes_3"], refresh);
  view.on(["title", "message", "heading", "notes", "which", "views", "scale", "clip"], drawTexts);
  view.on("chosen", () => {
    scene.pixel = null;
    drawShown();
    const place = model.get("chosen");
    if (place !== null && scene.patches[place]) view.say(`tile ${place + 1} of ${scene.patches.length}, ${tell(place)}`);
  });
  view.signal.addEventListener("abort", () => scene.pictures.forEach((picture) => picture?.close()));
  drawTexts();
  decode();
  return view.close;
}

export default { render };
