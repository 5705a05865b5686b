// The classes: shape and colour of each, how many points it has, and a switch.

import { h } from "../shared/dom.js";
import { ascending, className, countClasses, grouped } from "./read.js";
import { rgb } from "./stamps.js";

const SIDE = 14; // of a swatch, in CSS pixels

export function openLegend(view, scene) {
  const { model } = view;
  const list = h("div", { class: "cw-scatter-classes", role: "group", "aria-label": "Classes" });
  const all = h("button", { type: "button", class: "cw-button cw-scatter-all" }, "show all");
  const element = h("div", { class: "cw-scatter-legend" }, list, all);
  let rows = new Map();
  let before = []; // what was hidden before the first click of a double click

  const hide = (hidden) => view.set({ hidden });
  const named = (index) => className(model.get("names"), index);

  function toggle(index) {
    before = model.get("hidden");
    hide(before.includes(index) ? before.filter((one) => one !== index) : [...before, index].sort(ascending));
    view.say(`${named(index)} ${model.get("hidden").includes(index) ? "hidden" : "shown"}`);
  }

  // Only this class; all of them where it is alone already.
  function isolate(index, hidden) {
    const others = [...rows.keys()].filter((one) => one !== index);
    const alone = !hidden.includes(index) && others.every((one) => hidden.includes(one));
    hide(alone ? [] : others);
    view.say(alone ? "all classes shown" : `only ${named(index)} shown`);
  }

  function swatch(index) {
    const ratio = Math.max(2, window.devicePixelRatio || 1);
    const canvas = h("canvas", { width: SIDE * ratio, height: SIDE * ratio, "aria-hidden": "true", class: "cw-scatter-swatch" });
    const g = canvas.getContext("2d");
    g.setTransform(ratio, 0, 0, ratio, (SIDE / 2) * ratio, (SIDE / 2) * ratio);
    scene.inks.shape(g, index, 4.5);
    [g.fillStyle, g.strokeStyle, g.lineWidth] = [rgb(scene.inks.fill(index)), rgb(scene.inks.edge(index)), 0.8];
    g.fill();
    g.stroke();
    return canvas;
  }

  function refresh() {
    if (!scene.inks) return;
    rows = new Map(
      countClasses(scene).map(({ index, many }) => {
        const name = model.get("names")[index] ?? named(index);
        const counted = h("span", { class: "cw-scatter-count cw-soft" });
        const title = `${named(index)}: click hides it, a double click all others`;
        const row = h(
          "button",
          { type: "button", class: "cw-plain cw-scatter-class", "data-class": index, title },
          swatch(index),
          h("span", { class: "cw-scatter-name" }, name),
          counted,
        );
        return [index, { row, counted, many }];
      }),
    );
    list.replaceChildren(...[...rows.values()].map(({ row }) => row));
    // without classes there is nothing to tell
    element.hidden = !model.get("names").length || !rows.size;
    mark();
  }

  // What is hidden, and how many of each are selected.
  function mark() {
    const hidden = model.get("hidden");
    const selected = new Map();
    const chosen = model.get("selected");
    for (const i of chosen) if (i < scene.n) selected.set(scene.labels[i], (selected.get(scene.labels[i]) ?? 0) + 1);
    for (const [index, { row, counted, many }] of rows) {
      row.setAttribute("aria-pressed", String(!hidden.includes(index)));
      counted.textContent = `${selected.size ? `${grouped(selected.get(index) ?? 0)} of ` : ""}${grouped(many)}`;
      row.classList.toggle("cw-none", selected.size > 0 && !selected.has(index));
    }
    all.hidden = ![...rows.keys()].some((index) => hidden.includes(index));
  }

  // The class of the point under the hand.
  function read(index) {
    for (const [one, { row }] of rows) row.classList.toggle("cw-active", one === index);
  }

  const indexOf = (event) => {
    const row = event.target.closest("[data-class]");
    return row ? Number(row.dataset.class) : null;
  };
  view.listen(list, "click", (event) => {
    const index = indexOf(event);
    if (index === null || event.detail > 1) return;
    if (event.shiftKey) isolate(index, model.get("hidden"));
    else toggle(index);
  });
  view.listen(list, "dblclick", (event) => indexOf(event) !== null && isolate(indexOf(event), before));
  view.listen(list, "pointerover", (event) => scene.stress(indexOf(event)));
  view.listen(list, "pointerleave", () => scene.stress(null));
  view.listen(list, "focusin", (event) => event.target.matches(":focus-visible") && scene.stress(indexOf(event)));
  view.listen(list, "focusout", () => scene.stress(null));
  view.listen(all, "click", () => hide([]));
  return { element, refresh, mark, read };
}
