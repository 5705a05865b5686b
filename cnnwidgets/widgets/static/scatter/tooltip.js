// The picture under the pointer, large, with its class, number and source.

import { clamp, h } from "../shared/dom.js";
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

  // Beside the point where there is room, else above or below: never over it.
  function show(i) {
    element.hidden = i < 0;
    if (i < 0) return;
    draw(i);
    const [width, height] = scene.camera.size();
    const away = Math.max(AWAY, scene.pictures.side(i) / 2 + 10);
    const [wide, high] = [element.offsetWidth, element.offsetHeight];
    const beside = (at, side, room) => (at + away + side <= room ? at + away : at - away - side);
    const about = (at, side, room) => clamp(at - side / 2, 0, Math.max(room - side, 0));
    let [x, y] = [beside(scene.sx[i], wide, width), about(scene.sy[i], high, height)];
    if (x < 0) [x, y] = [about(scene.sx[i], wide, width), Math.max(beside(scene.sy[i], high, height), 0)];
    element.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }

  return { element, show };
}

// A point in words.
export function tell({ model, labels, firstAdded }, i, whole = true) {
  const name = labels[i] >= 0 && className(model.get("names"), labels[i]);
  const source = whole && model.get("sources")[i];
  return [name, `number ${grouped(i)}`, i >= firstAdded && "added", source].filter(Boolean).join(", ");
}
