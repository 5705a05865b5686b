// Which waves a filter answers to: its frequency response over horizontal and vertical frequency.

import { bytesOf } from "../shared/bytes.js";
import { openCanvas, placeOf } from "../shared/canvas.js";
import { clamp, onKeys } from "../shared/dom.js";
import { isHigh } from "./drawing.js";

const [LEFT, BELOW, HIGHEST] = [34, 34, 184];

// Stripes of the wave with this frequency (in cycles per pixel, to the right and down): their direction,
// counter-clockwise from horizontal, and how far they are apart.
export function stripesOf(x, y) {
  const degrees = (Math.atan2(-y, x) * 180) / Math.PI + 90;
  return { orientation: ((degrees % 180) + 180) % 180, wavelength: 1 / Math.hypot(x, y) };
}

// The other way round.
export function frequencyOf(orientation, wavelength) {
  const along = ((orientation - 90) * Math.PI) / 180;
  return [Math.cos(along) / wavelength, -Math.sin(along) / wavelength];
}

export function openResponse(view, scene) {
  const { model } = view;
  let codes = new Uint8Array(0);
  let size = 0;
  let cursor = null; // row and column under the pointer or of the arrow keys
  let area = { side: 1 };
  const { canvas, repaint } = openCanvas(view, { class: "cw-response", tabindex: 0, role: "application" }, draw);

  // An even number of frequencies goes from -0.5 to just below 0.5: as 0.5 is the same wave as -0.5, it is drawn at
  // both ends, and zero is in the middle.
  const across = () => size + (size % 2 === 0 ? 1 : 0);
  const middle = () => size >> 1;
  const share = (row, column) => codes[(scene.opened() * size + (row % size)) * size + (column % size)] / 255;
  const frequency = (row, column) => [(column - middle()) / size, (row - middle()) / size];

  function peak() {
    let best = [middle(), middle()];
    for (let row = 0; row < size; row++) for (let column = 0; column < size; column++) if (share(row, column) > share(...best)) best = [row, column];
    return best;
  }

  function tell([row, column]) {
    const [x, y] = frequency(row, column);
    const strength = `${Math.round(100 * share(row, column))} % of the peak`;
    if (!x && !y) return `plain colour, no stripes · ${strength}`;
    const { orientation, wavelength } = stripesOf(x, y);
    return `stripes at ${Math.round(orientation) % 180}°, every ${wavelength.toFixed(1)} px · ${strength}`;
  }

  function reading() {
    if (cursor) return tell(cursor);
    return `strongest: ${tell(peak()).replace(/ · .*/, "")}`;
  }

  function picture() {
    const small = document.createElement("canvas");
    Object.assign(small, { width: across(), height: across() });
    const pixels = new ImageData(across(), across());
    const lut = bytesOf(model.get("_lut"));
    for (let row = 0, to = 0; row < across(); row++) {
      for (let column = 0; column < across(); column++, to += 4) {
        const from = 3 * Math.round(255 * share(row, column));
        pixels.data.set([lut[from], lut[from + 1], lut[from + 2], 255], to);
      }
    }
    small.getContext("2d").putImageData(pixels, 0, 0);
    return small;
  }

  function draw(g, width, height) {
    if (!size || scene.opened() === null) return;
    const side = Math.min(width - LEFT, HIGHEST);
    if (!isHigh(canvas, side + BELOW, height)) return;
    area = { side };
    const cell = side / across();
    const at = (cycles) => (cycles * size + middle() + 0.5) * cell; // of a frequency, in pixels
    g.clearRect(0, 0, width, height);
    g.imageSmoothingEnabled = true;
    g.imageSmoothingQuality = "high";
    g.drawImage(picture(), LEFT, 0, side, side);

    g.strokeStyle = "rgba(255, 255, 255, 0.28)";
    g.lineWidth = 1;
    g.beginPath();
    for (const [from, to] of [[[0, at(0)], [side, at(0)]], [[at(0), 0], [at(0), side]]]) {
      g.moveTo(LEFT + from[0], from[1]);
      g.lineTo(LEFT + to[0], to[1]);
    }
    g.stroke();

    g.font = `11px ${getComputedStyle(canvas).fontFamily}`;
    g.fillStyle = view.colour("soft");
    for (const [cycles, text] of [[-0.5, "−0.5"], [0, "0"], [0.5, "0.5"]]) {
      g.textAlign = cycles < 0 ? "left" : cycles ? "right" : "center";
      g.textBaseline = "top";
      g.fillText(text, LEFT + (cycles < 0 ? 0 : cycles ? side : at(0)), side + 5);
      g.textAlign = "right";
      g.textBaseline = cycles < 0 ? "bottom" : cycles ? "top" : "middle"; // up is positive, as in every plot
      g.fillText(text, LEFT - 5, cycles < 0 ? side : cycles ? 0 : at(0));
    }
    g.textAlign = "center";
    g.textBaseline = "top";
    g.fillText("cycles/pixel", LEFT + side / 2, side + 19);

    const gabor = scene.stripes();
    if (gabor) {
      for (const sign of [1, -1]) {
        const [x, y] = frequencyOf(gabor.orientation, gabor.wavelength).map((cycles) => at(sign * cycles));
        if (Math.min(x, y) > 0 && Math.max(x, y) < side) ring(g, LEFT + x, y, 6);
      }
    }
    if (cursor) {
      const [y, x] = cursor.map((place) => (place + 0.5) * cell);
      g.strokeStyle = "#fff";
      g.strokeRect(LEFT + x - cell / 2 + 0.5, y - cell / 2 + 0.5, cell - 1, cell - 1);
    }
  }

  function ring(g, x, y, radius) {
    for (const [colour, line] of [["rgba(0, 0, 0, 0.6)", 3.5], ["#fff", 1.5]]) {
      g.strokeStyle = colour;
      g.lineWidth = line;
      g.beginPath();
      g.arc(x, y, radius, 0, 2 * Math.PI);
      g.stroke();
    }
    g.lineWidth = 1;
  }

  function point(to) {
    cursor = to;
    repaint();
    scene.responseRead();
  }
  view.listen(canvas, "pointermove", (event) => {
    const [x, y] = placeOf(event, canvas).map((place, i) => Math.floor(((i ? place : place - LEFT) / area.side) * across()));
    point(size && Math.min(x, y) >= 0 && Math.max(x, y) < across() ? [y, x] : null);
  });
  for (const type of ["pointerleave", "blur"]) view.listen(canvas, type, () => point(null));

  function step(down, right) {
    const [row, column] = cursor ?? peak();
    const inside = (place) => clamp(place, 0, across() - 1);
    point(cursor ? [inside(row + down), inside(column + right)] : [row, column]);
    view.say(tell(cursor));
  }
  onKeys(
    canvas,
    {
      ArrowUp: () => step(-1, 0),
      ArrowDown: () => step(1, 0),
      ArrowLeft: () => step(0, -1),
      ArrowRight: () => step(0, 1),
      Enter: () => point(peak()) || view.say(tell(cursor)),
      Escape: () => scene.close(),
    },
    view.signal,
  );

  function refresh() {
    size = model.get("_response_size");
    codes = bytesOf(model.get("_response"));
    if (codes.length < size * size) size = 0;
    cursor = null;
    repaint();
  }
  return { canvas, repaint, refresh, reading, known: () => size > 0 };
}
