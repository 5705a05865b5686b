// The octaves as little frames, from small to large; the one that is dreamt at is filled as far as it is.

import { h } from "../shared/dom.js";

const TALLEST = 44;
const WIDEST = 72;

export function openOctaves(view) {
  const element = h("div", { class: "cw-dream-octaves", role: "img" });
  let drawn = "";

  // `share` is how much of the running octave is done.
  function draw(sizes, octave, share) {
    const key = JSON.stringify(sizes);
    if (key !== drawn) {
      drawn = key;
      const [height, width] = sizes[sizes.length - 1] ?? [1, 1];
      const scale = Math.min(TALLEST / height, WIDEST / width);
      element.replaceChildren(...sizes.map((size) => frame(size, scale)));
    }
    [...element.children].forEach((each, place) => {
      const done = octave < 0 ? 0 : place < octave ? 1 : place === octave ? share : 0;
      each.classList.toggle("cw-now", place === octave);
      each.querySelector(".cw-dream-fill").style.height = `${100 * done}%`;
    });
    const names = sizes.map(([height, width]) => `${width} × ${height}`).join(", ");
    element.setAttribute("aria-label", `octaves: ${names || "none yet"}${octave < 0 ? "" : `; now number ${octave + 1}`}`);
  }

  function frame([height, width], scale) {
    const box = h("div", { class: "cw-dream-frame" }, h("div", { class: "cw-dream-fill" }));
    box.style.width = `${Math.max(6, width * scale)}px`;
    box.style.height = `${Math.max(6, height * scale)}px`;
    return h("div", { class: "cw-dream-octave" }, box, h("span", { class: "cw-soft" }, `${width} × ${height}`));
  }

  return { element, draw };
}
