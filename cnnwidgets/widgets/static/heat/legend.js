// The classes of a categorical map: their colours, and how much of the map is theirs.

import { h } from "../shared/dom.js";
import { OTHER } from "./colours.js";

export function openLegend(scene) {
  const element = h("div", { class: "cw-heat-legend", role: "list" });

  const percent = (share) => (share < 0.01 ? "< 1 %" : `${Math.round(100 * share)} %`);

  function row(colour, name, share, tag, index) {
    const swatch = h("i", { class: "cw-heat-swatch" });
    swatch.style.background = colour;
    const label = h("span", { class: "cw-heat-name", title: name }, name);
    const el = h("div", { class: "cw-heat-class", role: "listitem", "data-class": index }, swatch, label);
    if (tag) el.append(h("span", { class: "cw-soft cw-heat-tag" }, tag));
    el.append(h("span", { class: "cw-heat-share" }, percent(share)));
    return el;
  }

  function refresh(label, withShares) {
    const { heat, colours } = scene;
    const rest = heat.ranking.slice(heat.listed.length);
    const rows = heat.listed.map(({ index, share }) => {
      const tag = index === heat.baseline ? label : "";
      return row(colours.css(index), heat.names[index] ?? `class ${index}`, share, tag, index);
    });
    if (rest.length) rows.push(row(OTHER, `${rest.length} other`, rest.reduce((sum, { share }) => sum + share, 0), "", -1));
    for (const el of rows) el.querySelector(".cw-heat-share").hidden = !withShares;
    element.replaceChildren(...rows);
  }

  // The row of the class that is being read.
  function read(index) {
    const listed = scene.heat.listed.some((one) => one.index === index);
    const wanted = Number.isFinite(index) ? String(listed ? index : -1) : "";
    for (const el of element.children) el.classList.toggle("cw-active", el.dataset.class === wanted);
  }

  return { element, refresh, read };
}
