// What is dreamt, and how; play, pause and stop.

import { clamp, h, onKeys, svg, uniqueId } from "./shared/dom.js";
import { openProgress, pace } from "./shared/progress.js";
import { openView } from "./shared/view.js";
import { openChoice } from "./occlusion/choice.js";
import { openOctaves } from "./dream/octaves.js";
import { openSetting } from "./dream/setting.js";

const AIMS = { "whole layer": "layer", "one channel": "channel", "guided by a picture": "guide" };
const HINTS = {
  "whole layer": "whatever the layer detects is made stronger",
  "one channel": "only what one of its units detects",
  "guided by a picture": "each place grows towards the place of another picture that it is most like",
  beside: "the picture beside the dream",
  wipe: "one over the other, with a border to drag",
};
const STEPS = [1, 2, 3, 5, 8, 10, 12, 15, 20, 25, 30, 40, 60, 80, 100];
const RATES = [0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5];
const SCALES = [1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2];
const JITTERS = [0, 2, 4, 8, 12, 16, 24, 32, 48, 64];
const SIZES = [96, 128, 160, 192, 224, 256, 320, 400, 480, 560, 640, 800, 1024, 1280, 1600, 2048];
const MOST_PIXELS = 4096; // longer sides the kernel does not take
const PLAY = "M5 3l8 5-8 5z";
const PAUSE = "M4 3h3v10H4zM9 3h3v10H9z";

function render({ model, el }) {
  const view = openView(model, el, "dream", "Dream");
  const ids = { channel: uniqueId("channel"), seed: uniqueId("seed") };
  const row = (name, ...parts) => h("div", { class: `cw-dream-row cw-dream-${name}` }, ...parts);
  const square = (text, icon) => h("button", { type: "button", class: "cw-button cw-square", "aria-label": text, title: text }, svg(icon));

  // -- which layer --

  const back = square("Previous layer", "M10 3L5 8l5 5");
  const forth = square("Next layer", "M6 3l5 5-5 5");
  const slider = h("input", { type: "range", class: "cw-dream-layer", min: 0, step: 1, "aria-label": "layer" });
  const name = h("b");
  const note = h("span", { class: "cw-soft" });
  const ends = ["strokes", "parts"].map((text) => h("span", { class: "cw-soft" }, text));
  const aim = openChoice(view, "aim", (text) => HINTS[text]);
  const channel = h("input", { id: ids.channel, type: "number", class: "cw-field cw-dream-number", min: 0, step: 1 });
  const of = h("span", { class: "cw-soft" });
  const unit = h("span", { class: "cw-dream-part" }, h("label", { class: "cw-label", for: ids.channel }, "channel"), channel, of);

  // -- how --

  const range = (...args) => openSetting(view, ...args);
  const largest = () => clamp(model.get("own_size"), 320, MOST_PIXELS);
  const settings = {
    n_steps: range("n_steps", "steps per octave", { values: () => STEPS, hint: "more steps, a deeper dream; acts at once" }),
    step_size: range("step_size", "step size", { values: () => RATES, hint: "acts at once" }),
    octaves: range("octaves", "octaves", { values: () => [1, 2, 3, 4, 5, 6, 7, 8], hint: "sizes that the picture is dreamt at, from small to large" }),
    octave_scale: range("octave_scale", "each larger by", { values: () => SCALES, told: (n) => `× ${Number(n.toFixed(2))}` }),
    size: range("size", "longest side", { values: () => [...SIZES.filter((each) => each < largest()), largest()], told: (n) => `${n} px`, hint: "twice as long takes four times the time" }),
    jitter: range("jitter", "jitter", { values: () => JITTERS, told: (n) => `${n} px`, hint: "the picture is moved a little before each step, so that no grid shows; acts at once" }),
  };
  const seed = h("input", { id: ids.seed, type: "number", class: "cw-field cw-dream-number", min: 0, max: 9999, step: 1 });
  const seeds = h("span", { class: "cw-dream-part" }, h("label", { class: "cw-label", for: ids.seed, title: "of the jitter: the same seed gives the same dream" }, "seed"), seed);
  const octaves = openOctaves(view);

  // -- how far --

  const play = square("Play", PLAY);
  play.classList.add("cw-filled");
  const single = square("One step", "M4 3l6 5-6 5zM12 3v10");
  const stop = square("Stop", "M4 4h8v8H4z");
  stop.classList.add("cw-filled");
  const again = square("From the start", "M13 8a5 5 0 11-1.5-3.6M12 1.5V5H8.5");
  const progress = openProgress("The dream");
  const facts = h("span", { class: "cw-dream-facts" });
  const busy = h("span", { class: "cw-dream-busy" }, progress.element, facts);
  const message = h("span", { class: "cw-soft cw-dream-message" });
  const compare = openChoice(view, "compare", (text) => HINTS[text]);

  view.body.append(
    row("walk", h("span", { class: "cw-label" }, "layer"), h("span", { class: "cw-dream-track" }, back, ends[0], slider, ends[1], forth), h("span", { class: "cw-dream-told" }, name, note)),
    row("aims", h("span", { class: "cw-label" }, "make stronger"), aim.element, unit),
    row("grid", ...Object.values(settings).map((each) => each.element), seeds),
    row("sizes", octaves.element),
    row("work", play, single, stop, again, busy, message, h("span", { class: "cw-dream-compare" }, compare.element)),
  );

  // -- showing --

  function drawLayer() {
    const layers = model.get("layers");
    const place = layers.indexOf(model.get("layer"));
    slider.max = Math.max(layers.length - 1, 0);
    slider.value = place;
    slider.disabled = layers.length < 2;
    back.disabled = place <= 0;
    forth.disabled = place >= layers.length - 1;
    name.textContent = model.get("layer");
    note.textContent = [model.get("notes")[place], layers.length && `${place + 1} of ${layers.length}`].filter(Boolean).join(" · ");
    slider.setAttribute("aria-valuetext", [name.textContent, note.textContent].filter(Boolean).join(", "));
  }

  function drawAim() {
    const names = Object.keys(AIMS);
    aim.draw(names, names.find((each) => AIMS[each] === model.get("aim")));
    const isOne = model.get("aim") === "channel";
    unit.classList.toggle("cw-away", !isOne);
    channel.disabled = !isOne;
    channel.max = model.get("n_channels") - 1;
    if (document.activeElement !== channel) channel.value = model.get("channel");
    of.textContent = `of ${model.get("n_channels")}`;
  }

  function drawSettings() {
    for (const each of Object.values(settings)) each.draw();
    settings.octave_scale.slider.disabled = model.get("octaves") < 2;
    settings.octave_scale.element.classList.toggle("cw-off", model.get("octaves") < 2);
    if (document.activeElement !== seed) seed.value = model.get("seed");
    compare.draw(["beside", "wipe"], model.get("compare"));
  }

  let was = false;
  function drawWork() {
    const [running, paused, stopping] = ["running", "paused", "stopping"].map((trait) => model.get(trait));
    const [text, icon] = !running ? ["Play", PLAY] : paused ? ["Go on", PLAY] : ["Pause", PAUSE];
    if (play.title !== text) {
      play.replaceChildren(svg(icon));
      play.title = text;
      play.setAttribute("aria-label", text);
    }
    for (const [button, off] of [[play, stopping], [single, stopping], [stop, stopping || !running], [again, stopping]]) button.setAttribute("aria-disabled", String(off));
    busy.hidden = !running;
    message.hidden = running;
    message.textContent = message.title = model.get("message");
    if (was && !running) view.say(model.get("message") || "done");
    was = running;
    drawProgress();
  }

  function drawProgress() {
    const [done, total, sizes, octave] = ["done", "total", "sizes", "octave"].map((trait) => model.get(trait));
    const each = sizes.length ? total / sizes.length : 1;
    octaves.draw(sizes, octave, clamp(done / each - octave, 0, 1));
    const told = pace(done, total, model.get("paused") ? 0 : model.get("rate"), "steps");
    const state = model.get("stopping") ? ["stopping"] : model.get("paused") ? ["paused"] : [];
    facts.textContent = ["step " + told[0], ...told.slice(1), ...state].join(" · ");
    progress.show(done, total, facts.textContent);
  }

  // -- what the hand does --

  function go(place) {
    const layers = model.get("layers");
    const layer = layers[clamp(place, 0, layers.length - 1)];
    if (layer && layer !== model.get("layer")) view.set({ layer });
  }
  const walk = (by) => go(model.get("layers").indexOf(model.get("layer")) + by);
  const keys = { ArrowLeft: () => walk(-1), ArrowDown: () => walk(-1), ArrowRight: () => walk(1), ArrowUp: () => walk(1), Home: () => go(0), End: () => go(Infinity) };

  function entry(field, trait, most) {
    const take = () => {
      const wanted = Number.parseInt(field.value, 10);
      if (Number.isFinite(wanted)) view.set({ [trait]: clamp(wanted, 0, most()) });
      field.value = model.get(trait);
    };
    view.listen(field, "change", take);
    onKeys(field, { Enter: take }, view.signal);
  }

  function ask(kind) {
    view.flush(); // the kernel hears of the settings first
    model.send({ kind });
  }

  view.listen(slider, "input", () => go(Number(slider.value)));
  view.listen(slider, "change", view.flush);
  onKeys(slider, keys, view.signal);
  view.listen(back, "click", () => walk(-1));
  view.listen(forth, "click", () => walk(1));
  aim.onChoose((text) => view.set({ aim: AIMS[text] }));
  entry(channel, "channel", () => model.get("n_channels") - 1);
  entry(seed, "seed", () => 9999);
  compare.onChoose((value) => view.set({ compare: value }));
  for (const [button, kind] of [[play, "play"], [single, "step"], [stop, "stop"], [again, "again"]]) {
    view.listen(button, "click", () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      if (button === play && model.get("running")) view.set({ paused: !model.get("paused") });
      else ask(kind);
    });
  }

  view.on(["layers", "layer", "notes"], drawLayer);
  view.on(["aim", "channel", "n_channels"], drawAim);
  view.on(["octaves", "own_size", "seed", "compare"], drawSettings);
  view.on(["running", "paused", "stopping", "message"], drawWork);
  view.on(["done", "total", "rate", "octave", "sizes"], drawProgress);
  drawLayer();
  drawAim();
  drawSettings();
  drawWork();
  return view.close;
}

export default { render };
