// Before, change and after: three canvases of the same picture, and the pixel under the pointer in all of them.

import { openCanvas, placeOf } from "../shared/canvas.js";
import { clamp, h, onKeys } from "../shared/dom.js";

const MIDDLE = 128; // no change

// A canvas that shows pixels(row, column, channel); `smooth` where it is a picture, blocks where it is numbers.
export function openPicture(view, scene, { label, smooth, value }) {
  const small = document.createElement("canvas");
  let stale = true;
  const { canvas, repaint } = openCanvas(view, { class: "cw-change-picture", role: "application", tabindex: 0, "aria-label": label }, draw);

  function fill() {
    const { rows, columns } = scene;
    Object.assign(small, { width: columns, height: rows });
    const image = new ImageData(columns, rows);
    const plane = rows * columns;
    for (let i = 0, to = 0; i < plane; i++, to += 4) {
      for (let c = 0; c < 3; c++) image.data[to + c] = Math.floor(value(c * plane + i) + 0.5); // clamped by the array
      image.data[to + 3] = 255;
    }
    small.getContext("2d").putImageData(image, 0, 0);
    stale = false;
  }

  function draw(g, width, height) {
    g.clearRect(0, 0, width, height);
    if (!scene.rows) return;
    if (stale) fill();
    g.imageSmoothingEnabled = smooth;
    g.imageSmoothingQuality = "high";
    g.drawImage(small, 0, 0, width, height);
    if (scene.pixel) cross(g, (scene.pixel[1] + 0.5) * (width / scene.columns), (scene.pixel[0] + 0.5) * (height / scene.rows));
  }

  function cross(g, x, y) {
    for (const [line, colour] of [[3.5, "#fff"], [1.5, "#000"]]) {
      g.strokeStyle = colour;
      g.lineWidth = line;
      g.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        g.moveTo(x + 4 * dx, y + 4 * dy);
        g.lineTo(x + 9 * dx, y + 9 * dy);
      }
      g.stroke();
    }
  }

  const at = (event) => {
    const [x, y] = placeOf(event, canvas);
    return [clamp(Math.floor((y / canvas.clientHeight) * scene.rows), 0, scene.rows - 1), clamp(Math.floor((x / canvas.clientWidth) * scene.columns), 0, scene.columns - 1)];
  };
  const step = (down, right) => {
    const [row, column] = scene.pixel ?? [Math.floor(scene.rows / 2), Math.floor(scene.columns / 2)];
    scene.setPixel([clamp(row + down, 0, scene.rows - 1), clamp(column + right, 0, scene.columns - 1)], true);
  };
  view.listen(canvas, "pointermove", (event) => scene.rows && scene.setPixel(at(event)));
  view.listen(canvas, "pointerleave", () => scene.setPixel(null));
  view.listen(canvas, "blur", () => scene.setPixel(null));
  onKeys(
    canvas,
    { ArrowUp: () => step(-1, 0), ArrowDown: () => step(1, 0), ArrowLeft: () => step(0, -1), ArrowRight: () => step(0, 1), Escape: () => scene.setPixel(null) },
    view.signal,
  );
  function refresh() {
    stale = true;
    repaint();
  }
  return { canvas, repaint, refresh };
}

// What the three pictures show, of value i of a plane after the other.
export const valuesOf = (scene) => ({
  before: (i) => scene.pixels[3 * (i % scene.plane) + Math.floor(i / scene.plane)],
  change: (i) => MIDDLE + scene.factor * scene.change[i],
  after: (i) => scene.pixels[3 * (i % scene.plane) + Math.floor(i / scene.plane)] + scene.share * scene.change[i],
});

// The most probable classes as bars.
export function openBars(label) {
  const element = h("div", { class: "cw-change-bars", role: "group", "aria-label": label });

  function show(rows) {
    element.replaceChildren(
      ...rows.map(({ name, probability, mark }) => {
        const fill = h("span", { class: `cw-change-fill ${mark}` });
        fill.style.width = `${clamp(probability, 0, 1) * 100}%`;
        return h(
          "div", { class: `cw-change-bar ${mark}` },
          h("span", { class: "cw-change-name", title: name }, name), h("span", { class: "cw-change-track" }, fill),
          h("span", { class: "cw-change-percent" }, percentOf(probability)),
        );
      }),
    );
  }
  return { element, show };
}

export function percentOf(probability) {
  if (!Number.isFinite(probability)) return "not a number";
  return probability > 0 && probability < 0.001 ? "< 0.1 %" : `${(100 * probability).toFixed(1)} %`;
}
