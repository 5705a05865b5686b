// Which space is shown in a map, how it is laid out in the plane, and how far that is.

import { clamp, h, onKeys, svg, uniqueId } from "./shared/dom.js";
import { openProgress, whole } from "./shared/progress.js";
import { openView } from "./shared/view.js";
import { openChoice } from "./occlusion/choice.js";

const METHODS = { PCA: "pca", "t-SNE": "tsne" };
const HINTS = {
  PCA: "the two directions in which the pictures differ most",
  "t-SNE": "keeps neighbours together; distances between groups, and their sizes, mean nothing",
};
const PERPLEXITIES = [2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 70, 100, 150, 200, 300, 500];
const PLAY = "M5 3l8 5-8 5z";
const PAUSE = "M4 3h3v10H4zM9 3h3v10H9z";
const AGAIN = "M13 8a5 5 0 11-1.5-3.6M12 1.5V5H8.5";

function render({ model, el }) {
  const view = openView(model, el, "map", "What the map shows");
  const id = uniqueId("seed");

  // -- what is chosen --

  const space = h("select", { class: "cw-map-space", "aria-label": "space", title: "the space in which the pictures are vectors" });
  const method = openChoice(view, "method", (name) => HINTS[name]);
  const grid = h("input", { type: "checkbox" });
  const slider = h("input", { type: "range", class: "cw-map-slider", min: 0, step: 1, "aria-label": "perplexity" });
  const told = h("b", { class: "cw-map-perplexity" });
  const seed = h("input", { id, type: "number", class: "cw-field cw-map-seed", min: 0, max: 9999, step: 1 });
  const settings = h(
    "div", { class: "cw-map-row cw-map-settings" },
    h("span", { class: "cw-map-part" }, h("span", { class: "cw-label", title: "about how many neighbours t-SNE keeps close to each point" }, "perplexity"), slider, told),
    h("span", { class: "cw-map-part" }, h("label", { class: "cw-label", for: id, title: "the same seed gives the same map" }, "seed"), seed),
  );

  // -- how far it is --

  const play = h("button", { type: "button", class: "cw-button cw-square cw-map-play" });
  const stop = h("button", { type: "button", class: "cw-button cw-square", "aria-label": "Stop here", title: "stop here, and keep the map" }, svg("M4 4h8v8H4z"));
  const progress = openProgress("Work on the map");
  const facts = h("span", { class: "cw-map-facts" });
  const busy = h("span", { class: "cw-map-busy" }, progress.element, facts);
  const message = h("span", { class: "cw-soft cw-map-message" });
  view.body.append(
    h(
      "div", { class: "cw-map-row" },
      space, method.element,
      h("label", { class: "cw-check", title: "each picture in a cell of its own, as near to its place as can be" }, grid, "on a grid"),
    ),
    settings,
    h("div", { class: "cw-map-row cw-map-work" }, play, stop, busy, message),
  );

  let drawn = "";
  let offered = [];

  function drawChoice() {
    const spaces = model.get("spaces");
    if (JSON.stringify(spaces) !== drawn) {
      drawn = JSON.stringify(spaces);
      space.replaceChildren(...spaces.map((each) => h("option", { value: each }, each)));
    }
    space.value = model.get("space");
    space.disabled = spaces.length < 2;
    const isTsne = model.get("method") === "tsne";
    method.draw(Object.keys(METHODS), isTsne ? "t-SNE" : "PCA");
    grid.checked = model.get("grid");
    settings.classList.toggle("cw-away", !isTsne);
    const [now, most] = [model.get("perplexity"), model.get("most")];
    offered = [...new Set([...PERPLEXITIES.filter((each) => each < most), most, now])].sort((a, b) => a - b);
    slider.max = offered.length - 1; // before the value, which is clipped to it
    slider.value = offered.indexOf(now);
    slider.disabled = !isTsne || offered.length < 2;
    seed.disabled = !isTsne;
    slider.setAttribute("aria-valuetext", String(now));
    told.textContent = Number(now.toFixed(1));
    if (document.activeElement !== seed) seed.value = model.get("seed");
    drawWork();
  }

  function drawWork() {
    const [running, paused, stopping] = ["running", "paused", "stopping"].map((name) => model.get(name));
    const isTsne = model.get("method") === "tsne";
    const [text, icon] = !running ? ["Run again", AGAIN] : paused ? ["Go on", PLAY] : ["Pause", PAUSE];
    if (play.title !== text) {
      play.replaceChildren(svg(icon));
      play.title = text;
      play.setAttribute("aria-label", text);
      play.classList.toggle("cw-filled", running);
    }
    play.hidden = stop.hidden = !isTsne;
    for (const [button, off] of [[play, stopping], [stop, stopping || !running]]) button.setAttribute("aria-disabled", String(off));
    busy.hidden = !running;
    message.hidden = running;
    message.textContent = message.title = model.get("message");
    if (running) drawProgress();
  }

  function drawProgress() {
    const [done, total, stage] = ["done", "total", "stage"].map((name) => model.get(name));
    const count = total ? `${whole(done)} of ${whole(total)}` : done ? whole(done) : "…";
    facts.textContent = [stage, count].join(" ") + (model.get("stopping") ? ", stopping" : model.get("paused") ? ", paused" : "");
    progress.show(done, total, facts.textContent);
  }

  // -- what the hand does --

  const off = (button) => button.getAttribute("aria-disabled") === "true";
  const choose = (place) => {
    const perplexity = offered[clamp(place, 0, offered.length - 1)];
    if (!slider.disabled && perplexity !== model.get("perplexity")) view.set({ perplexity });
  };
  const step = (by) => choose(offered.indexOf(model.get("perplexity")) + by);
  const keys = { ArrowLeft: () => step(-1), ArrowDown: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => step(1), Home: () => choose(0), End: () => choose(Infinity) };

  function takeSeed() {
    const wanted = Number.parseInt(seed.value, 10);
    if (Number.isFinite(wanted)) view.set({ seed: clamp(wanted, 0, 9999) });
    seed.value = model.get("seed");
  }

  function ask(kind) {
    view.flush(); // the kernel hears of the settings first
    model.send({ kind });
  }

  view.listen(space, "change", () => view.set({ space: space.value }));
  method.onChoose((name) => view.set({ method: METHODS[name] }));
  view.listen(grid, "change", () => view.set({ grid: grid.checked }));
  view.listen(slider, "input", () => choose(Number(slider.value)));
  view.listen(slider, "change", view.flush);
  onKeys(slider, keys, view.signal); // arrow keys of sliders are dead in Notebook 7.6, which takes them for itself
  view.listen(seed, "change", takeSeed);
  onKeys(seed, { Enter: takeSeed }, view.signal);
  view.listen(play, "click", () => {
    if (off(play)) return;
    if (model.get("running")) view.set({ paused: !model.get("paused") });
    else ask("again");
  });
  view.listen(stop, "click", () => off(stop) || ask("stop"));

  let was = false;
  view.on("running", () => {
    const now = model.get("running");
    if (was && !now) view.say(model.get("message") || "done");
    was = now;
  });
  view.on(["spaces", "space", "method", "perplexity", "most", "seed", "grid"], drawChoice);
  view.on(["running", "paused", "stopping", "message"], drawWork);
  view.on(["done", "total", "stage"], drawProgress);
  drawChoice();
  return view.close;
}

export default { render };
