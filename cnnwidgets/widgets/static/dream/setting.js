// A slider over a few good values, in steps that look even, and the value beside it.

import { clamp, h, onKeys } from "../shared/dom.js";

// values() are those that are offered now; one set elsewhere joins them. told(value) is what stands beside it.
export function openSetting(view, trait, name, { values, told = String, hint = "" }) {
  const slider = h("input", { type: "range", class: `cw-dream-slider cw-dream-set-${trait}`, min: 0, step: 1, "aria-label": name });
  const value = h("span", { class: "cw-dream-value" });
  const element = h("label", { class: "cw-dream-setting", title: hint }, h("span", { class: "cw-label" }, name), slider, value);
  let offered = [];

  function draw() {
    const now = view.model.get(trait);
    offered = [...new Set([...values(), now])].sort((a, b) => a - b);
    slider.max = offered.length - 1; // before the value, which is clipped to it
    slider.value = offered.indexOf(now);
    value.textContent = told(now);
    slider.setAttribute("aria-valuetext", told(now));
  }

  function choose(place) {
    const chosen = offered[clamp(place, 0, offered.length - 1)];
    if (!slider.disabled && chosen !== view.model.get(trait)) view.set({ [trait]: chosen });
  }
  const step = (by) => choose(offered.indexOf(view.model.get(trait)) + by);

  view.listen(slider, "input", () => choose(Number(slider.value)));
  view.listen(slider, "change", view.flush);
  // arrow keys of sliders are dead in Notebook 7.6, which takes them for itself
  const keys = { ArrowLeft: () => step(-1), ArrowDown: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => step(1), Home: () => choose(0), End: () => choose(Infinity) };
  onKeys(slider, keys, view.signal);
  view.on(trait, draw);
  draw();
  return { element, draw, slider };
}
