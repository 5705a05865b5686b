// The patches side by side, the value under each.

import { openCanvas } from "../shared/canvas.js";
import { clamp, h, number, onKeys } from "../shared/dom.js";
import { hatch } from "../grid/maps.js";

const TALLEST = 520; // of all rows together
const LARGEST = 208; // of one patch
const GAP = 10;
const CAPTION = 24;

export function openPatches(view, scene) {
  const { model } = view;
  const all = []; // { button, canvas, repaint, value } for each place, used again for other patches
  const element = h("div", { class: "cw-patches-tiles", role: "group", "aria-label": "Patches" });
  let across = 1;

  function place(i) {
    const { canvas, repaint } = openCanvas(view, { class: "cw-patch-pixels", "aria-hidden": "true" }, (...args) => draw(i, ...args));
    const value = h("span", { class: "cw-patch-value" });
    const button = h("button", { type: "button", class: "cw-patch", hidden: true }, canvas, value);
    view.listen(button, "pointerenter", (event) => event.pointerType !== "touch" && scene.setHover(i));
    view.listen(button, "focus", () => scene.setHover(i));
    view.listen(button, "blur", () => scene.setHover(null));
    view.listen(button, "click", () => scene.choose(i));
    element.append(button);
    return { button, canvas, repaint, value };
  }
  view.listen(element, "pointerleave", () => scene.setHover(null));

  function draw(i, g, width, height, ratio) {
    const patch = scene.patches[i];
    if (!patch) return;
    hatch(g, 0, 0, width, height, view.colour("bar"), view.colour("paper"));
    const { box, seen, picture } = patch;
    const [sh, sw] = [seen[2] - seen[0], seen[3] - seen[1]];
    if (!picture || sh <= 0 || sw <= 0) return;
    const [kx, ky] = [width / scene.size[1], height / scene.size[0]];
    // in the middle, should its box be smaller than that of others
    const down = (scene.size[0] - (box[2] - box[0])) / 2 + seen[0] - box[0];
    const right = (scene.size[1] - (box[3] - box[1])) / 2 + seen[1] - box[1];
    g.imageSmoothingEnabled = Math.min(kx, ky) * ratio < 1.5; // pixels stay squares where they are seen as such
    g.imageSmoothingQuality = "high";
    g.drawImage(picture, seen[1], seen[0], sw, sh, right * kx, down * ky, sw * kx, sh * ky);
  }

  // Patches as large as there is room for, each of their pixels a whole number of the screen's where that costs little.
  function arrange(width = element.clientWidth) {
    const n = scene.patches.length;
    const [tall, wide] = scene.size;
    if (!n || !width || !tall || !wide) return;
    across = Math.min(model.get("columns") || Math.ceil(Math.sqrt(n)), n);
    const down = Math.ceil(n / across);
    const side = Math.min((width - GAP * (across - 1)) / across, LARGEST);
    const ratio = window.devicePixelRatio || 1;
    let pixel = Math.min(side / wide, LARGEST / tall, Math.max(TALLEST / down - CAPTION, 40) / tall);
    if (pixel * ratio >= 3) pixel = Math.floor(pixel * ratio) / ratio;
    element.style.gridTemplateColumns = `repeat(${across}, ${pixel * wide}px)`;
    for (const { canvas } of all) {
      canvas.style.width = `${pixel * wide}px`;
      canvas.style.height = `${pixel * tall}px`;
    }
  }
  const watch = new ResizeObserver(([entry]) => arrange(entry.contentRect.width));
  watch.observe(element);
  view.signal.addEventListener("abort", () => watch.disconnect());

  function refresh() {
    const n = scene.patches.length;
    while (all.length < n) all.push(place(all.length));
    all.forEach(({ button, repaint, value }, i) => {
      button.hidden = i >= n;
      if (i >= n) return;
      const patch = scene.patches[i];
      value.textContent = number(patch.value);
      button.setAttribute("aria-label", `patch ${i + 1} of ${n}: ${[number(patch.value), patch.source].filter(Boolean).join(", ")}`);
      repaint();
    });
    arrange();
    mark();
  }

  // Frames: the chosen one, and the one that is shown large.
  function mark() {
    const [chosen, shown] = [model.get("chosen"), scene.shown()];
    all.forEach(({ button }, i) => {
      button.setAttribute("aria-pressed", String(i === chosen));
      button.classList.toggle("cw-patch-shown", i === shown);
      button.tabIndex = i === (shown ?? 0) ? 0 : -1; // one stop for the Tab key, then arrows
    });
  }

  function go(by, rows = 0) {
    const n = scene.patches.length;
    const now = all.findIndex(({ button }) => button === document.activeElement);
    const next = now + by + rows * across;
    if (rows && (next < 0 || next >= n)) return;
    all[clamp(next, 0, n - 1)]?.button.focus();
  }
  onKeys(
    element,
    {
      ArrowRight: () => go(1),
      ArrowLeft: () => go(-1),
      ArrowDown: () => go(0, 1),
      ArrowUp: () => go(0, -1),
      Home: () => go(-Infinity),
      End: () => go(Infinity),
      Escape: () => scene.choose(null),
    },
    view.signal,
  );

  view.on("columns", () => arrange());
  return { element, refresh, mark };
}
