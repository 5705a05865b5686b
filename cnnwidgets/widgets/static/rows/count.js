// A slider for how many pictures are shown.

import { clamp, h, onKeys, uniqueId } from "../shared/dom.js";

export function openCount(view, most, changed) {
  const { model } = view;
  const id = uniqueId("count");
  const slider = h("input", { id, type: "range", min: 1, step: 1 });
  const told = h("span", { class: "cw-rows-k" });
  const element = h("span", { class: "cw-rows-count" }, h("label", { for: id, class: "cw-label" }, "neighbours"), slider, told);

  function refresh() {
    const max = Math.max(most(), 1);
    slider.max = max;
    slider.value = Math.min(model.get("k"), max);
    slider.disabled = max < 2;
    told.textContent = slider.value;
  }

  function go(to) {
    const k = clamp(to, 1, Number(slider.max));
    if (k === model.get("k")) return;
    view.set({ k });
    changed();
  }
  view.listen(slider, "input", () => go(Number(slider.value)));
  view.listen(slider, "change", view.flush);
  // arrow keys of sliders are dead in Notebook 7.6, which takes them for itself
  const step = (by) => go(Number(slider.value) + by);
  onKeys(
    slider,
    { ArrowLeft: () => step(-1), ArrowDown: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => step(1), Home: () => go(1), End: () => go(Infinity) },
    view.signal,
  );
  return { element, refresh };
}
