// A slider over chosen values, which need not lie at equal distances; the value beside it.

import { clamp, h, onKeys } from "../shared/dom.js";

// `told(value)` is what stands beside it. A value that is none of the stops, set elsewhere, becomes one.
export function openStops(view, trait, { stops, told, label, hint, name = label }) {
  const slider = h("input", { type: "range", class: `cw-stops-slider cw-stops-${trait}`, min: 0, step: 1, "aria-label": name });
  const value = h("output", { class: "cw-stops-value" });
  const element = h("label", { class: "cw-stops", title: hint }, h("span", { class: "cw-stops-label" }, label), slider, value);
  let offered = stops;

  function draw() {
    const now = view.model.get(trait);
    offered = stops.includes(now) ? stops : [...stops, now].sort((a, b) => a - b);
    slider.max = offered.length - 1; // before the value, which is clipped to it
    slider.value = offered.indexOf(now);
    value.textContent = told(now);
    slider.setAttribute("aria-valuetext", told(now));
    element.classList.toggle("cw-stops-off", slider.disabled || told(now) === "off");
  }
  function choose(place) {
    const to = offered[clamp(place, 0, offered.length - 1)];
    if (!slider.disabled && to !== view.model.get(trait)) view.set({ [trait]: to });
  }
  const step = (by) => choose(offered.indexOf(view.model.get(trait)) + by);

  view.listen(slider, "input", () => choose(Number(slider.value)));
  view.listen(slider, "change", view.flush);
  // arrow keys of sliders are dead in Notebook 7.6, which takes them for itself
  onKeys(
    slider,
    { ArrowLeft: () => step(-1), ArrowDown: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => step(1), Home: () => choose(0), End: () => choose(Infinity) },
    view.signal,
  );
  view.on(trait, draw);
  draw();
  return { element, slider, draw };
}
