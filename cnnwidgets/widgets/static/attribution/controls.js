// What changes all maps at once, without the kernel: colours, clipping, opacity, smoothing.

import { h, uniqueId } from "../shared/dom.js";

export function openControls(view) {
  const { model } = view;
  const colours = h("select", { "aria-label": "Colours of magnitudes" }, ...model.get("_colormaps").map((name) => h("option", {}, name)));
  const [clip, clipped] = slider("clip", { min: 90, max: 100, step: 0.5 }, "Values above this percentile share one colour");
  const [opacity, covered] = slider("opacity", { min: 0, max: 1, step: 0.01 }, "How much the maps cover the picture");
  const clipAt = h("span", { class: "cw-attr-told" });
  clipped.append(clipAt);
  const smooth = h("input", { type: "checkbox" });
  const smoothing = h("label", { class: "cw-check" }, smooth, "smooth");
  const element = h("div", { class: "cw-row cw-attr-controls" }, colours, clipped, covered, smoothing);

  function slider(name, range, title) {
    const id = uniqueId(name);
    const input = h("input", { id, type: "range", ...range });
    return [input, h("label", { class: "cw-check", for: id, title }, h("span", { class: "cw-label" }, name), input)];
  }

  function refresh(panels, picture) {
    element.hidden = !model.get("controls") || !panels.some((panel) => panel.numbers);
    colours.value = model.get("colormap");
    colours.hidden = !panels.some((panel) => panel.kind === "heat");
    clip.value = model.get("clip");
    clipAt.textContent = `${model.get("clip")} %`;
    opacity.value = model.get("opacity");
    covered.hidden = !picture || panels.every((panel) => panel.kind === "colour");
    smooth.checked = model.get("smooth");
  }

  view.listen(colours, "change", () => view.set({ colormap: colours.value }));
  view.listen(clip, "input", () => view.set({ clip: Number(clip.value) }));
  view.listen(opacity, "input", () => view.set({ opacity: Number(opacity.value) }));
  view.listen(smooth, "change", () => view.set({ smooth: smooth.checked }));
  return { element, refresh };
}
