// Which explanations are shown, how the slow ones are computed, and what they are compared with.

import { h, onKeys } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { openRange } from "./explain/range.js";

function render({ model, el }) {
  const view = openView(model, el, "explain", "Explanations");
  const maps = h("div", { class: "cw-explain-maps", role: "group", "aria-label": "maps" });
  const samples = openRange(view, "samples", { min: 5, max: 200, step: 5, told: (n) => `${n}`, label: "SmoothGrad: noisy copies" });
  const noise = openRange(view, "noise", { min: 0, max: 0.5, step: 0.01, told: (n) => `${Math.round(n * 100)} %`, label: "SmoothGrad: noise" });
  const steps = openRange(view, "steps", { min: 1, max: 200, step: 1, told: (n) => `${n}`, label: "Integrated gradients: steps" });
  const smooth = h("div", { class: "cw-explain-part" }, h("span", { class: "cw-label" }, "SmoothGrad"), ...samples.with("samples"), ...noise.with("noise"));
  const path = h("div", { class: "cw-explain-part" }, h("span", { class: "cw-label" }, "integrated gradients"), ...steps.with("steps"));
  const compare = h("input", { type: "checkbox" });
  const shared = h("input", { type: "checkbox" });
  const sharing = h("label", { class: "cw-check", title: "the same colours for the same values; otherwise each map has colours of its own" }, shared, "on one scale");
  const cut = h("input", { type: "checkbox" });
  const by = h("select", { class: "cw-explain-by", "aria-label": "the map that cutting begins with" });
  view.body.append(
    h("div", { class: "cw-explain-row cw-explain-first" }, h("span", { class: "cw-label" }, "maps"), maps),
    h("div", { class: "cw-explain-row" }, smooth, path),
    h(
      "div", { class: "cw-explain-row" },
      h("span", { class: "cw-explain-part" }, h("label", { class: "cw-check", title: "the same maps for a second class, and how alike both are" }, compare, "compare with another class"), sharing),
      h("span", { class: "cw-explain-part" }, h("label", { class: "cw-check", title: "GrabCut: the largest values of the map begin the object, the smallest what is around it" }, cut, "cut the object out, beginning at"), by),
    ),
  );
  let drawn = "";

  function drawMaps() {
    const offered = model.get("offered");
    const chosen = model.get("chosen");
    if (JSON.stringify(offered) !== drawn) {
      drawn = JSON.stringify(offered);
      maps.replaceChildren(...offered.map((name) => h("button", { type: "button", class: "cw-chip", "data-map": name }, name)));
      by.replaceChildren(...offered.map((name) => h("option", { value: name }, name)));
    }
    for (const chip of maps.children) chip.setAttribute("aria-pressed", String(chosen.includes(chip.dataset.map)));
    by.value = model.get("cut_by");
    by.disabled = !model.get("cut");
    compare.checked = model.get("compare");
    shared.checked = model.get("shared");
    shared.disabled = !compare.checked;
    sharing.classList.toggle("cw-off", shared.disabled);
    cut.checked = model.get("cut");
    smooth.hidden = !chosen.includes("SmoothGrad");
    path.hidden = !chosen.includes("integrated gradients");
  }

  view.listen(maps, "click", (event) => {
    const name = event.target.closest("button")?.dataset.map;
    if (!name) return;
    const chosen = model.get("chosen");
    const now = chosen.includes(name) ? chosen.filter((each) => each !== name) : [...chosen, name];
    view.set({ chosen: model.get("offered").filter((each) => now.includes(each)) });
    view.say(`${name} ${now.includes(name) ? "shown" : "hidden"}`);
  });
  const step = (by) => {
    const chips = [...maps.children];
    const to = chips.indexOf(document.activeElement) + by;
    chips[to]?.focus({ preventScroll: true });
  };
  onKeys(maps, { ArrowLeft: () => step(-1), ArrowRight: () => step(1) }, view.signal);
  view.listen(compare, "change", () => view.set({ compare: compare.checked }));
  view.listen(shared, "change", () => view.set({ shared: shared.checked }));
  view.listen(cut, "change", () => view.set({ cut: cut.checked }));
  view.listen(by, "change", () => view.set({ cut_by: by.value }));
  view.on(["offered", "chosen", "compare", "shared", "cut", "cut_by"], drawMaps);
  drawMaps();
  return view.close;
}

export default { render };
