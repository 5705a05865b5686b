// How a square slides over a picture, and the buttons that run and stop it.

import { clamp, h, onKeys, svg, uniqueId } from "./shared/dom.js";
import { openProgress, pace, whole } from "./shared/progress.js";
import { openView } from "./shared/view.js";
import { openChoice } from "./occlusion/choice.js";
import { swatch } from "./occlusion/swatches.js";

const STRIDES = [1, 2, 4, 8, 16, 32];
const LARGEST_STRIDE = 64;
const HINTS = {
  grey: "middle grey",
  mean: "the mean colour of the picture",
  black: "black",
  blurred: "the picture itself, blurred",
  noise: "random colours",
  elsewhere: "pixels from another part of the picture",
  full: "a square at every place",
  adaptive: "a coarse map first; finer only where it changes",
  exact: "numbers of 32 bits: the same values as whole forward passes",
  fast: "numbers of 16 bits, where the hardware has them: sooner, with an error that is measured and told",
};

function render({ model, el }) {
  const view = openView(model, el, "occlusion", "Occluding square");
  const id = uniqueId("size");

  // -- the square --

  const slider = h("input", { type: "range", class: "cw-occlusion-slider", min: 1, step: 1, "aria-label": "Size of the square" });
  const entry = h("input", { id, type: "number", class: "cw-field cw-occlusion-entry", min: 1, step: 1 });
  const size = h("div", { class: "cw-occlusion-part" }, h("label", { class: "cw-label", for: id }, "square"), slider, entry, h("span", { class: "cw-soft" }, "px"));
  const stride = openChoice(view, "stride", (value) => `every ${value === 1 ? "pixel" : `${value} pixels`}`);
  const count = h("span", { class: "cw-occlusion-count" });
  const fill = openChoice(view, "fill", (name) => HINTS[name], (name) => swatch(name, model.get("swatches")[name]));
  const method = openChoice(view, "method", (name) => HINTS[name]);
  const precision = openChoice(view, "precision", (name) => HINTS[name]);
  const part = (name, choice) => h("div", { class: "cw-occlusion-part" }, h("span", { class: "cw-label" }, name), choice.element);

  // -- running --

  const run = h("button", { type: "button", class: "cw-button cw-occlusion-run" }, svg("M5 3l8 5-8 5z"), "Run");
  const stop = h("button", { type: "button", class: "cw-button cw-occlusion-stop" }, svg("M4 4h8v8H4z"), "Stop");
  const auto = h("input", { type: "checkbox" });
  const progress = openProgress("Squares");
  const facts = h("span", { class: "cw-occlusion-facts" });
  const busy = h("div", { class: "cw-occlusion-busy" }, progress.element, facts);
  const message = h("span", { class: "cw-occlusion-message cw-soft" });
  view.body.append(
    h("div", { class: "cw-occlusion-row" }, size, part("stride", stride), count),
    h("div", { class: "cw-occlusion-row" }, part("fill", fill), part("method", method), part("precision", precision)),
    h(
      "div", { class: "cw-occlusion-row cw-occlusion-work" },
      h("div", { class: "cw-occlusion-buttons" }, run, stop),
      h("label", { class: "cw-check", title: "run again by itself when something changes" }, auto, "auto"),
      h("div", { class: "cw-occlusion-told" }, busy, message),
    ),
  );

  let asked = 0; // when a button's message was sent off to the kernel, which has not answered yet
  let silent = false; // whether the kernel has not answered for a while
  let quarter = 0; // the last quarter that was said aloud
  let was = false;

  // -- showing --

  const lattice = () => model.get("image_size").map((length) => Math.ceil(length / model.get("stride")));

  function drawSettings() {
    const side = model.get("size");
    const step = model.get("stride");
    const largest = Math.max(...model.get("image_size"));
    slider.max = entry.max = largest; // before the value, which is clipped to it
    slider.value = side;
    slider.setAttribute("aria-valuetext", `${side} × ${side} pixels`);
    entry.title = `1 to ${largest} pixels`;
    if (document.activeElement !== entry) entry.value = side;
    const [rows, columns] = lattice();
    count.textContent = `${rows} × ${columns} = ${whole(rows * columns)} square${rows * columns === 1 ? "" : "s"}`;
    // a gap is worth a word: what lies in it is never covered
    const gaps = step > side && rows * columns > 1;
    count.title = gaps ? "the stride is larger than the square: pixels in between are never covered" : "";
    if (gaps) count.append(h("span", { class: "cw-soft" }, ", with gaps"));
    stride.draw([...new Set([...STRIDES, step])].sort((a, b) => a - b), step);
    fill.draw(model.get("fills"), model.get("fill"));
    method.draw(["full", "adaptive"], model.get("method"));
    precision.draw(["exact", "fast"], model.get("precision"));
    auto.checked = model.get("auto");
  }

  function drawWork() {
    const now = model.get("running");
    const focused = document.activeElement;
    view.root.classList.toggle("cw-at-work", now);
    // the keyboard goes where the button is now
    if (now && !was && focused === run) stop.focus({ preventScroll: true });
    if (!now && was && focused === stop) run.focus({ preventScroll: true });
    busy.hidden = !now;
    message.textContent = message.title = silent ? "waiting for the kernel …" : model.get("message");
    if (now) drawProgress();
    else if (was) view.say(model.get("message") || "ended");
    if (now && !was) quarter = 0;
    was = now;
  }

  function drawProgress() {
    if (!model.get("running")) return;
    const [done, total, stopping] = ["done", "total", "stopping"].map((name) => model.get(name));
    const told = pace(done, total, stopping ? 0 : model.get("rate"), "squares");
    if (stopping) told.unshift("stopping …");
    facts.textContent = told.join(" · ");
    progress.show(done, total, facts.textContent);
    stop.setAttribute("aria-disabled", String(stopping));
    const passed = total ? Math.floor(Math.min(done / total, 1) * 4) : 0;
    if (passed > quarter && passed < 4) view.say(`${passed * 25} % computed`);
    quarter = passed;
  }

  // -- doing --

  function ask(kind) {
    view.flush(); // the kernel hears of the settings first
    model.send({ kind });
    clearTimeout(asked);
    asked = setTimeout(() => {
      silent = true;
      drawWork();
    }, 1000);
  }

  function answered() {
    clearTimeout(asked);
    asked = 0;
    silent = false;
    drawWork();
  }
  view.signal.addEventListener("abort", () => clearTimeout(asked));

  const resize = (side) => view.set({ size: clamp(side, 1, Math.max(...model.get("image_size"))) });

  function take() {
    const side = Number.parseInt(entry.value, 10);
    if (Number.isFinite(side) && side !== model.get("size")) resize(side);
    entry.value = model.get("size");
  }

  view.listen(slider, "input", () => resize(Number(slider.value)));
  view.listen(slider, "change", view.flush);
  view.listen(entry, "change", take);
  onKeys(entry, { Enter: take, Escape: () => (entry.value = model.get("size")) }, view.signal);
  stride.onChoose((value) => view.set({ stride: clamp(value, 1, LARGEST_STRIDE) }));
  fill.onChoose((value) => view.set({ fill: value }));
  method.onChoose((value) => view.set({ method: value }));
  precision.onChoose((value) => view.set({ precision: value }));
  view.listen(auto, "change", () => view.set({ auto: auto.checked }));
  view.listen(run, "click", () => ask("run"));
  view.listen(stop, "click", () => {
    if (stop.getAttribute("aria-disabled") === "true") return;
    stop.setAttribute("aria-disabled", "true"); // until the kernel says so
    ask("stop");
  });

  view.on(["size", "stride", "fill", "fills", "swatches", "method", "precision", "image_size", "auto"], drawSettings);
  view.on(["running", "message"], drawWork);
  view.on(["done", "total", "rate", "stopping"], drawProgress);
  view.on("_answered", answered);
  drawSettings();
  drawWork();
  return view.close;
}

export default { render };
