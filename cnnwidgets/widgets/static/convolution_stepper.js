// A small convolution, step by step: forward, and back in two ways.

import { h } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { bracketed, changed, mapped, shapeOf, short } from "./matrix/numbers.js";
import { openPlayer } from "./matrix/player.js";
import { openForward, openGather, openScatter } from "./convolution/stages.js";
import { correlate, pasted, sumTold, total } from "./convolution/sums.js";

function render({ model, el }) {
  const view = openView(model, el, "convolution", "Convolution step by step");
  let looked = null; // a step under the pointer
  let data = null;

  function read() {
    const [x, kernel] = [model.get("input"), model.get("kernel")];
    const out = correlate(x, kernel);
    const given = model.get("signal");
    // one of another shape belongs to matrices that are just being replaced
    const fits = given && String(shapeOf(given)) === String(shapeOf(out));
    const signal = fits ? given : mapped(out, (value) => Math.max(value, 0));
    return { x, kernel, out, signal, isGiven: Boolean(fits), back: pasted(signal, kernel, Infinity) };
  }

  const scene = {
    data: () => data,
    step: () => Math.min(model.get("step"), shown().count() - 1),
    at: () => Math.min(looked ?? scene.step(), shown().count() - 1),
    edit: (trait) => (row, column, value) => view.set({ [trait]: changed(trait === "signal" ? data.signal : model.get(trait), row, column, value) }),
    look(step) {
      looked = step;
      draw();
    },
    go(step) {
      looked = null;
      player.go(step);
    },
  };

  // -- elements --

  const choice = (trait, label, names) =>
    h(
      "div", { class: "cw-choice", role: "group", "aria-label": label, "data-trait": trait },
      ...Object.entries(names).map(([value, name]) => h("button", { type: "button", "data-value": value }, name)),
    );
  const direction = choice("direction", "Direction", { forward: "Forward", back: "Back" });
  const method = choice("method", "How the way back is shown", { scatter: "paste the filter", gather: "slide the flipped filter" });
  const after = h("button", { type: "button", class: "cw-button" }, "output after ReLU");
  const single = h("button", { type: "button", class: "cw-button" }, "a single 1");
  const sending = h("span", { class: "cw-row cw-convolution-sending" }, h("span", { class: "cw-label" }, "send back"), after, single);
  const explain = h("div", { class: "cw-soft cw-convolution-explain" });
  const stages = { forward: openForward(view, scene), scatter: openScatter(view, scene), gather: openGather(view, scene) };
  const sum = h("div", { class: "cw-convolution-sum" });
  const same = h("div", { class: "cw-soft cw-convolution-same" });
  const player = openPlayer(view, () => shown().count(), () => sum.textContent);
  view.body.append(
    h("div", { class: "cw-row cw-convolution-head" }, direction, method, sending),
    explain, ...Object.values(stages).map((stage) => stage.element), sum, same, player.element,
  );

  const isBack = () => model.get("direction") === "back";
  const shown = () => stages[isBack() ? model.get("method") : "forward"];

  // -- drawing --

  function draw() {
    for (const stage of Object.values(stages)) {
      stage.element.hidden = stage !== shown();
      if (stage.element.hidden) stage.forget?.();
    }
    for (const group of [direction, method]) {
      for (const button of group.children) button.setAttribute("aria-pressed", String(model.get(group.dataset.trait) === button.dataset.value));
    }
    method.hidden = sending.hidden = !isBack();
    after.setAttribute("aria-pressed", String(!data.isGiven));
    explain.textContent = shown().explain;
    shown().draw();
    const { name, terms, text } = shown().told();
    sum.replaceChildren(h("b", {}, name), terms ? " = " : ": ", ...(terms ? written(terms) : [text]));
    const ended = scene.step() === shown().count() - 1;
    const other = model.get("method") === "scatter" ? "Sliding the flipped filter" : "Pasting the filter";
    same.textContent = isBack() && ended ? `${other} gives the same numbers: switch above and compare.` : "";
    player.draw();
  }

  // 2×1 + 3×(−1) = −1, with what adds nothing in grey
  function written(terms) {
    if (!terms.length) return [h("b", {}, "0")]; // no stamp has reached it yet
    const parts = terms.map(([a, b]) => h("span", { class: a * b === 0 ? "cw-nothing" : "" }, `${short(a)}×${bracketed(b)}`));
    return [...parts.flatMap((part, i) => (i ? [" + ", part] : [part])), " = ", h("b", {}, short(total(terms)))];
  }

  function speak() {
    const { name, terms, text } = shown().told();
    if (!model.get("playing")) view.say(terms ? `${name} = ${sumTold(terms)}` : `${name}: ${text}`);
  }

  // -- what changes --

  function choose(event) {
    const value = event.target.closest("button")?.dataset.value;
    const trait = event.currentTarget.dataset.trait;
    if (!value || value === model.get(trait)) return;
    const ended = scene.step() === shown().count() - 1;
    looked = null;
    // another way begins at its beginning; what was complete is complete again, so that both can be compared
    model.set(trait, value);
    view.set({ playing: false, step: ended && trait === "method" ? shown().count() - 1 : 0 });
  }
  for (const group of [direction, method]) view.listen(group, "click", choose);
  view.listen(after, "click", () => view.set({ signal: null }));
  view.listen(single, "click", () => {
    const [rows, columns] = shapeOf(data.signal);
    const middle = [(rows - 1) >> 1, (columns - 1) >> 1];
    view.set({ signal: mapped(data.signal, (_, i, j) => (i === middle[0] && j === middle[1] ? 1 : 0)) });
  });
  view.on(["input", "kernel", "signal"], () => {
    data = read();
    draw();
  });
  view.on(["direction", "method", "step"], () => {
    looked = null;
    draw();
    speak();
  });
  view.on("playing", draw);
  data = read();
  draw();
  return view.close;
}

export default { render };
