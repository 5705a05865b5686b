// Under the picture: the colours of the activation map and the value at a place of it, or what a click will give.

import { h, number, uniqueId } from "../shared/dom.js";

export function openReading(view, scene) {
  const { model } = view;
  const hint = h("div", { class: "cw-soft" });
  const gradient = h("div", { class: "cw-patches-gradient" }, h("i", { hidden: true }));
  const [lowest, highest] = [h("span"), h("span")];
  const reading = h("div", { class: "cw-patches-reading" });
  const opacity = h("input", { id: uniqueId("opacity"), type: "range", min: 0, max: 1, step: 0.01 });
  const colours = h("select", { "aria-label": "Colours" }, ...["auto", ...model.get("_colormaps")].map((name) => h("option", { value: name }, name)));
  const tuning = h("div", { class: "cw-row" }, h("label", { class: "cw-check", for: opacity.id }, h("span", { class: "cw-label" }, "opacity"), opacity), colours);
  const ends = h("div", { class: "cw-patches-ends" }, lowest, h("span", {}, "activation"), highest);
  const scale = h("div", {}, gradient, ends, reading, tuning);
  const element = h("div", { class: "cw-patches-under" }, hint, scale);

  function readOut() {
    const chosen = model.get("chosen");
    const { maps } = scene;
    const there = chosen !== null && chosen === model.get("_map_of") && maps.n > 0;
    scale.classList.toggle("cw-patches-off", !there); // its room is kept, so that a click moves nothing
    for (const control of [opacity, colours]) control.disabled = !there;
    hint.hidden = there || !model.get("map_on_click");
    hint.classList.toggle("cw-patches-late", chosen !== null);
    hint.textContent = chosen === null ? "Click a patch: where in its whole picture does the unit fire?" : "computing the activation map …";
    if (!there) return;
    const [lo, hi] = scene.colours.ends(0);
    const range = Number.isFinite(lo) && hi > lo;
    gradient.style.background = range ? scene.colours.gradient : "none";
    lowest.textContent = range ? number(lo) : "";
    highest.textContent = range ? number(hi) : "";
    opacity.value = model.get("opacity");
    colours.value = model.get("colormap");
    const own = model.get("_cell");
    const cell = scene.cell ?? (own.length ? own : maps.strongest(0));
    const value = maps.value(0, ...cell);
    const whose = scene.cell ? "" : own.length ? "the patch: " : "strongest: ";
    const told = `${whose}row ${cell[0]}, column ${cell[1]} · ${number(value)}`;
    reading.textContent = scene.mapped() ? maps.note(0) || told : ""; // not while another picture is looked at
    const share = (value - lo) / (hi - lo);
    gradient.firstChild.hidden = !scene.mapped() || !(share >= 0 && share <= 1);
    gradient.firstChild.style.left = `${100 * share}%`;
  }

  view.listen(opacity, "input", () => view.set({ opacity: Number(opacity.value) }));
  view.listen(colours, "change", () => view.set({ colormap: colours.value }));
  view.on("map_on_click", readOut);
  return { element, readOut, text: () => reading.textContent };
}
