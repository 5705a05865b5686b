// One map of numbers or classes over its picture, with a colour bar or a legend.

import { pictureOf } from "./shared/bytes.js";
import { h, uniqueId } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { openBar } from "./heat/bar.js";
import { classColours, valueColours } from "./heat/colours.js";
import { openLegend } from "./heat/legend.js";
import { openMap } from "./heat/map.js";
import { readHeat } from "./heat/values.js";

function render({ model, el }) {
  const view = openView(model, el, "heat", "Heat map");
  const button = (value) => h("button", { type: "button", "data-view": value });
  const choice = h("div", { class: "cw-choice cw-heat-view", role: "group", "aria-label": "What is shown" }, button("value"), button("drop"));

  // what map, bar and legend share
  const scene = { heat: readHeat(model), colours: null, picture: null, hover: null, choice, setHover, choose };
  scene.colours = coloursOf();

  function coloursOf() {
    return scene.heat.names.length ? classColours(model, scene.heat) : valueColours(model, scene.heat);
  }

  function setHover(cell) {
    if (JSON.stringify(cell) === JSON.stringify(scene.hover)) return;
    scene.hover = cell;
    map.repaint();
    readOut();
  }

  function choose(position) {
    view.set({ position });
    view.say(position ? tell(position) : "no position chosen");
  }

  // -- in words --

  // A cell: where it is in the picture, its value, and what that is to the baseline.
  function tell([row, column]) {
    const { heat } = scene;
    const place = `row ${Math.round(heat.down.centres[row])}, column ${Math.round(heat.across.centres[column])}`;
    const i = heat.at(row, column);
    const value = heat.raw[i];
    const about = heat.has(i) ? "" : "about ";
    if (heat.names.length && Number.isNaN(value) && heat.has(i)) return `${place}: none`;
    if (!Number.isFinite(value)) return `${place}: ${heat.has(i) ? `not finite (${value})` : "not known yet"}`;
    if (heat.names.length) return `${place}: ${about}${heat.names[value] ?? `class ${value}`}`;
    const told = heat.told(value);
    if (heat.baseline === null) return `${place}: ${about}${told}`;
    const less = heat.told(heat.baseline - value);
    if (heat.drops) return less === heat.told(0) ? `${place}: no drop (${told})` : `${place}: drop ${about}${less} (to ${told})`;
    const change = heat.told(value - heat.baseline);
    if (change === heat.told(0)) return `${place}: ${about}${told} (no change)`;
    return `${place}: ${about}${told} (${value > heat.baseline ? "+" : ""}${change})`;
  }

  // What is to be said of the whole map.
  function summary() {
    const { heat } = scene;
    if (!heat.some) return heat.known ? "no finite values" : model.get("nothing");
    if (heat.names.length) return heat.ranking.length === 1 && heat.size > 1 ? `the same everywhere: ${heat.names[heat.ranking[0].index]}` : "";
    if (heat.flat && heat.size > 1) return `the same everywhere: ${heat.told(heat.data.lo)}`;
    return heat.size > 1 ? `from ${heat.told(heat.data.lo)} to ${heat.told(heat.data.hi)}` : heat.told(heat.data.lo);
  }

  function progress() {
    const { known, size } = scene.heat;
    const count = (n) => n.toLocaleString("en-US");
    return known && known < size ? `${count(known)} of ${count(size)} positions` : "";
  }

  // -- elements --

  const title = h("div", { class: "cw-title cw-heat-title" });
  const map = openMap(view, scene);
  const bar = openBar(scene);
  const legend = openLegend(scene);
  const reading = h("div", { class: "cw-heat-reading" });
  const [note, counting] = [h("div"), h("div")];
  const notes = h("div", { class: "cw-soft cw-heat-notes" }, note, counting); // in one place: the count goes, the note stays
  const opacityId = uniqueId("opacity");
  const opacity = h("input", { id: opacityId, type: "range", min: 0, max: 1, step: 0.01 });
  const over = h("label", { class: "cw-check", for: opacityId }, h("span", { class: "cw-label" }, "opacity"), opacity);
  const smooth = h("input", { type: "checkbox" });
  const smoothing = h("label", { class: "cw-check cw-push" }, smooth, "smooth");
  const tuning = h("div", { class: "cw-row cw-heat-tuning" }, over, smoothing);
  view.body.append(title, map.canvas, bar.element, legend.element, reading, notes, tuning);

  function drawTexts() {
    const { heat } = scene;
    const categorical = heat.names.length > 0;
    view.body.style.setProperty("--cw-heat-width", `${model.get("width")}px`);
    title.textContent = title.title = model.get("title");
    title.hidden = !model.get("title");
    bar.element.hidden = categorical;
    legend.element.hidden = !categorical;
    const switched = model.get("can_drop") && heat.baseline !== null && !categorical;
    choice.hidden = !switched;
    const unit = model.get("unit") || "value";
    for (const one of choice.children) {
      one.textContent = one.dataset.view === "drop" ? "drop" : unit;
      one.setAttribute("aria-pressed", String((one.dataset.view === "drop") === heat.drops));
      one.title = one.dataset.view === "drop" ? `${model.get("baseline_label")} less ${unit}: how much is lost` : `the ${unit} itself`;
    }
    if (categorical) legend.refresh(model.get("baseline_label"), model.get("shares"));
    else {
      const baseline = heat.drops && heat.baseline !== null ? 0 : heat.baseline;
      bar.refresh({ name: heat.drops ? "drop" : model.get("unit"), label: model.get("baseline_label"), baseline, switched });
    }
    note.textContent = model.get("note");
    counting.textContent = progress();
    note.style.visibility = counting.textContent ? "hidden" : "";
    if (note.textContent || counting.textContent) notes.classList.add("cw-heat-noted");
    opacity.value = model.get("opacity");
    over.hidden = !scene.picture;
    smooth.checked = model.get("smooth");
    smoothing.hidden = categorical || heat.size === 1;
    tuning.hidden = over.hidden && smoothing.hidden;
    const name = model.get("title") || "Heat map";
    map.canvas.setAttribute(
      "aria-label",
      `${name}, ${heat.h} × ${heat.w} values. Arrow keys choose a cell, Enter the one that stands out most, Escape none.`,
    );
    readOut();
  }

  // The cell under the pointer, else the chosen one, else the whole map.
  function readOut() {
    const { heat, hover } = scene;
    const chosen = model.get("position");
    const cell = hover ?? (chosen && chosen[0] < heat.h && chosen[1] < heat.w ? chosen : null);
    reading.textContent = cell ? tell(cell) : summary();
    reading.classList.toggle("cw-heat-chosen", Boolean(cell) && !hover);
    const value = cell ? heat.shown[heat.at(...cell)] : NaN;
    if (heat.names.length) legend.read(value);
    else bar.read(value);
  }

  // -- what changes --

  // several traits come in one message: painted once
  let counted = scene.heat.known;
  const readAll = view.eachFrame(() => {
    scene.heat = readHeat(model);
    scene.colours = coloursOf();
    map.refresh();
    drawTexts();
    const { known } = scene.heat;
    if (known !== counted) view.say(progress() || summary());
    counted = known;
  });
  async function readPicture() {
    const bytes = model.get("_picture");
    const picture = await pictureOf(bytes, "");
    if (view.signal.aborted || bytes !== model.get("_picture")) return picture?.close(); // a newer one has come
    scene.picture?.close();
    scene.picture = picture;
    map.readPicture();
    map.refresh();
    drawTexts();
  }

  view.listen(choice, "click", (event) => {
    const value = event.target.closest("button")?.dataset.view;
    if (value) view.set({ view: value });
  });
  view.listen(opacity, "input", () => view.set({ opacity: Number(opacity.value) }));
  view.listen(smooth, "change", () => view.set({ smooth: smooth.checked }));
  view.on(["_values", "_known", "_shape", "_rows", "_columns", "_picture_size", "_slots", "names"], readAll);
  view.on(["baseline", "view", "low", "high", "least", "colormap", "reverse", "_luts", "unit"], readAll);
  view.on("_picture", readPicture);
  view.on(["title", "note", "nothing", "shares", "baseline_label", "can_drop", "width"], drawTexts);
  view.on("smooth", () => {
    map.refresh();
    drawTexts();
  });
  view.on("opacity", () => {
    map.repaint();
    opacity.value = model.get("opacity");
  });
  view.on("position", () => {
    map.repaint();
    readOut();
  });
  const watch = new ResizeObserver(() => bar.drawTicks());
  watch.observe(bar.element);
  view.signal.addEventListener("abort", () => {
    watch.disconnect();
    scene.picture?.close();
  });
  map.refresh();
  drawTexts();
  readPicture();
  return view.close;
}

export default { render };
