// What a point looks like: a small picture of a shape in its class's colour, as pixels that are copied to each place.

const OF_ONE_SHAPE = 8; // as in _scatter.py, which draws the same
const NO_CLASS_COLOUR = [122, 122, 122];

const SHAPES = [
  (g, r) => g.arc(0, 0, r, 0, 2 * Math.PI),
  (g, r) => g.rect(-0.88 * r, -0.88 * r, 1.76 * r, 1.76 * r),
  (g, r) => polygon(g, r, [0, -1.2, 1.2, 0.9, -1.2, 0.9]),
  (g, r) => polygon(g, r, [0, -1.25, 1.25, 0, 0, 1.25, -1.25, 0]),
  plus,
  (g, r) => {
    g.rotate(Math.PI / 4);
    plus(g, r);
    g.rotate(-Math.PI / 4);
  },
];

function polygon(g, r, corners) {
  for (let i = 0; i < corners.length; i += 2) g.lineTo(r * corners[i], r * corners[i + 1]);
  g.closePath();
}

function plus(g, r) {
  const half = [0.42, -1.2, 0.42, -0.42, 1.2, -0.42, 1.2, 0.42, 0.42, 0.42, 0.42, 1.2];
  polygon(g, r, [...half, ...half.map((at) => -at)]);
}

export const mix = (a, b, share) => a.map((part, i) => part + (b[i] - part) * share);
export const rgb = (colour) => `rgb(${colour.map(Math.round).join(", ")})`;
const light = ([red, green, blue]) => (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;

// Any CSS colour as three numbers, over white where it is transparent.
function parts(css) {
  const g = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  for (const colour of ["#fff", css]) {
    g.fillStyle = colour;
    g.fillRect(0, 0, 1, 1);
  }
  return [...g.getImageData(0, 0, 1, 1).data.subarray(0, 3)];
}

// The colours of the classes on this page.
export function readInks(view) {
  const palette = view.model.get("_palette").map(parts);
  const [paper, ink, accent] = ["paper", "ink", "accent"].map((name) => parts(view.colour(name)));
  const dark = light(paper) < 0.4;

  function fill(index) {
    const colour = index < 0 ? NO_CLASS_COLOUR : palette[index % palette.length];
    return dark && light(colour) < 0.2 ? mix(colour, [255, 255, 255], 0.3) : colour;
  }

  function shape(g, index, radius) {
    g.beginPath();
    SHAPES[index < 0 ? 0 : Math.floor(index / OF_ONE_SHAPE) % SHAPES.length](g, radius);
  }

  // A darker edge, on dark pages a lighter one: it parts points that touch, and holds yellow on white.
  const edge = (index) => mix(fill(index), ink, 0.5);
  return { paper, ink, accent, fill, edge, shape };
}

// Pixels of one look around its place: how far from it in memory, how opaque, which colour.
export function cutStamp(inks, index, radius, edged, faint, stride) {
  const half = Math.ceil(1.3 * radius) + 2;
  const side = 2 * half + 1;
  const g = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
  g.translate(half + 0.5, half + 0.5);
  const toned = (colour) => rgb(faint ? mix(colour, inks.paper, 0.78) : colour);
  inks.shape(g, index, radius);
  g.fillStyle = toned(inks.fill(index));
  g.fill();
  if (edged) {
    g.strokeStyle = toned(inks.edge(index));
    g.lineWidth = edged;
    g.stroke();
  }
  const { data } = g.getImageData(0, 0, side, side);
  const [solid, soft] = [[], []];
  for (let at = 0; at < side * side; at++) {
    const alpha = data[4 * at + 3];
    const offset = (Math.floor(at / side) - half) * stride + (at % side) - half;
    const [red, green, blue] = data.subarray(4 * at, 4 * at + 3);
    if (alpha > 250) solid.push(offset, (255 << 24) | (blue << 16) | (green << 8) | red);
    else if (alpha > 8) soft.push(offset, alpha, red, green, blue);
  }
  return { half, solid: Int32Array.from(solid), soft: Int32Array.from(soft) };
}
