// A small slider for a number, its value beside it.

import { h } from "../shared/dom.js";

// told(value) is what stands beside it. A value set elsewhere, between two steps or beyond the ends, is told as it is.
export function openRange(view, trait, { min, max, step, told, label }) {
  const slider = h("input", { type: "range", class: `cw-explain-${trait}`, min, max, step, "aria-label": label });
  const value = h("output", { class: "cw-explain-value" });

  function draw() {
    const now = view.model.get(trait);
    if (Number(slider.value) !== now) slider.value = now;
    value.textContent = told(now);
    slider.setAttribute("aria-valuetext", told(now));
  }

  view.listen(slider, "input", () => view.set({ [trait]: Number(slider.value) }));
  view.listen(slider, "change", view.flush);
  view.on(trait, draw);
  draw();
  return { draw, with: (name) => [h("label", { class: "cw-explain-number" }, h("span", { class: "cw-soft" }, name), slider, value)] };
}
