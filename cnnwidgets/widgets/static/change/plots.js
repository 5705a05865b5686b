// Two small plots: probabilities as the change grows, and its size at each step of the search.

import { openCanvas, placeOf } from "../shared/canvas.js";
import { clamp, number } from "../shared/dom.js";

const [LEFT, RIGHT, TOP, BOTTOM] = [42, 12, 8, 20];

// A canvas with axes: axes() gives the ends, the ticks as [value, text], and a marked place; lines(g, at) draws.
function openPlot(view, name, axes, lines) {
  const { canvas, repaint } = openCanvas(view, { class: `cw-change-plot cw-change-${name}`, role: "img" }, draw);
  let to = null;

  function draw(g, width, height) {
    g.clearRect(0, 0, width, height);
    const found = axes();
    if (!found) return;
    const { x, y, ticks, levels } = found;
    const [right, bottom] = [width - RIGHT, height - BOTTOM];
    const at = (a, b) => [LEFT + ((a - x[0]) / (x[1] - x[0])) * (right - LEFT), bottom - ((b - y[0]) / (y[1] - y[0])) * (bottom - TOP)];
    to = (place) => x[0] + ((place - LEFT) / (right - LEFT)) * (x[1] - x[0]);
    g.font = getComputedStyle(canvas).font;
    g.textBaseline = "middle";
    g.lineWidth = 1;
    for (const [level, text] of levels) {
      const [, place] = at(0, level);
      g.strokeStyle = view.colour("line");
      g.beginPath();
      g.moveTo(LEFT, Math.round(place) + 0.5);
      g.lineTo(right, Math.round(place) + 0.5);
      g.stroke();
      g.fillStyle = view.colour("soft");
      g.textAlign = "right";
      g.fillText(text, LEFT - 6, place);
    }
    for (const [value, text] of ticks) {
      const [place] = at(value, 0);
      g.fillStyle = view.colour("soft");
      g.textAlign = place > right - 20 ? "right" : "center";
      g.fillText(text, Math.min(place, right + RIGHT), height - 7);
    }
    lines(g, at);
  }
  return { canvas, repaint, valueAt: (event) => to?.(placeOf(event, canvas)[0]) ?? 0 };
}

function line(g, points, colour, width) {
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.lineJoin = "round";
  g.beginPath();
  points.forEach(([x, y], i) => (i ? g.lineTo(x, y) : g.moveTo(x, y)));
  g.stroke();
}

function dot(g, [x, y], radius, colour, filled, paper) {
  g.beginPath();
  g.arc(x, y, radius, 0, 2 * Math.PI);
  g.fillStyle = filled ? colour : paper;
  g.fill();
  g.strokeStyle = colour;
  g.lineWidth = 1.2;
  g.stroke();
}

export function openCurves(view, scene, onShare) {
  const axes = () => {
    const { scales } = scene;
    if (scales.length < 3) return null;
    const ends = [0, scales[scales.length - 1]];
    const ticks = [0, 0.5, 1, 1.5, 2].filter((each) => each <= ends[1] + 1e-6).map((each) => [each, `${100 * each} %`]);
    return { x: ends, y: [0, 1], ticks, levels: [[0, "0 %"], [0.5, "50 %"], [1, "100 %"]] };
  };
  const plot = openPlot(view, "curves", axes, (g, at) => {
    const { scales, kept } = scene;
    const order = kept.map((_, i) => i).sort((a, b) => Boolean(scene.mark(kept[a])) - Boolean(scene.mark(kept[b])));
    const [x] = at(scales[scene.place], 0);
    g.strokeStyle = view.colour("soft");
    g.lineWidth = 1;
    g.setLineDash([3, 3]);
    g.beginPath();
    g.moveTo(x, at(0, 1)[1]);
    g.lineTo(x, at(0, 0)[1]);
    g.stroke();
    g.setLineDash([]);
    for (const i of order) {
      const marked = scene.mark(kept[i]);
      const points = [...scales].map((scale, place) => at(scale, scene.probability(place, i)));
      line(g, points, marked ? view.colour(marked) : view.colour("bar"), marked ? 2.2 : 1);
      if (marked) dot(g, points[scene.place], 4, view.colour(marked), true);
    }
  });
  const move = (event) => onShare(clamp(plot.valueAt(event), 0, scene.scales[scene.scales.length - 1] ?? 1));
  view.listen(plot.canvas, "pointerdown", (event) => {
    if (scene.scales.length < 3) return;
    plot.canvas.setPointerCapture(event.pointerId);
    move(event);
  });
  view.listen(plot.canvas, "pointermove", (event) => event.buttons && plot.canvas.hasPointerCapture(event.pointerId) && move(event));
  return plot;
}

export function openSearch(view, scene) {
  const axes = () => {
    const n = scene.search.length / 2;
    if (n < 1) return null;
    const most = Math.max(...scene.search.filter((_, i) => i % 2 === 0)) || 1;
    const last = Math.max(n - 1, 1);
    return { x: [0, last], y: [0, most * 1.08], ticks: [[0, "0"], [last, `step ${last}`]], levels: [[0, "0"], [most / 2, number(most / 2)], [most, number(most)]] };
  };
  return openPlot(view, "search", axes, (g, at) => {
    const points = Array.from({ length: scene.search.length / 2 }, (_, i) => at(i, scene.search[2 * i]));
    line(g, points, view.colour("bar"), 1);
    points.forEach((point, i) => dot(g, point, 2.6, view.colour("target"), scene.search[2 * i + 1] > 0, view.colour("paper")));
  });
}
