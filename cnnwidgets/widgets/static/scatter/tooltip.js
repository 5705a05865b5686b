// The picture under the pointer, large, with its class, number and source.

import { h } from "../shared/dom.js";
import { className, grouped } from "./read.js";

const LARGE = 128; // CSS pixels
const AWAY = 16; // from the point

export function openTooltip(view, scene) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const [name, source] = [h("div", { class: "cw-title" }), h("div", { class: "cw-soft" })];
  const element = h("div", { class: "cw-scatter-tip", "aria-hidden": "true", hidden: true }, canvas, name, source);
  let drawn = "";

  function draw(i) {
    const ratio = window.devicePixelRatio || 1;
    const key = `${i} ${ratio} ${scene.version}`;
    if (key === drawn) return;
    drawn = key;
    const picture = scene.thumbnail(i);
    canvas.hidden = !picture;
    if (picture) {
      Object.assign(canvas, { width: LARGE * ratio, height: LARGE * ratio });
      picture(canvas.getContext("2d"), 0, 0, LARGE * ratio);
    }
    name.textContent = tell(scene, i, false);
    source.textContent = view.model.get("sources")[i] ?? "";
    source.hidden = !source.textContent;
  }

  // Beside the point, where there is room.
  function show(i) {
    element.hidden = i < 0;
    if (i < 0) return;
    draw(i);
    const [width, height] = scene.camera.size();
    const away = Math.max(AWAY, scene.pictures.side(i) / 2 + 10);
    const [wide, high] = [element.offsetWidth, element.offsetHeight];
    const right = scene.sx[i] + away + wide <= width;
    const x = right ? scene.sx[i] + away : Math.max(scene.sx[i] - away - wide, Math.min(0, width - wide));
    const y = Math.min(Math.max(scene.sy[i] - high / 2, 4), Math.max(height - high - 4, 4));
    element.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }

  return { element, show };
}

// A point in words.
export function tell(scene, i, whole = true) {
  const label = scene.labels[i];
  const names = scene.model.get("names");
  const source = whole ? scene.model.get("sources")[i] : "";
  const parts = [label >= 0 ? className(names, label) : "", `number ${grouped(i)}`];
  if (i >= scene.firstAdded) parts.push("added");
  return [...parts, source].filter(Boolean).join(", ");
}
