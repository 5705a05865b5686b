// The colour bar: its two ends, round numbers in between, the baseline, and the value that is being read.

import { h, number } from "../shared/dom.js";

const APART = 52; // pixels between two numbers

// Multiples of 1, 2 or 5 times a power of ten between two ends, and the step from one to the next.
function niceTicks(lo, hi, most) {
  if (!(hi > lo)) return { ticks: [lo], step: 0 };
  const rough = (hi - lo) / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((each) => each >= rough * 0.999);
  const [first, last] = [Math.ceil(lo / step - 1e-6), Math.floor(hi / step + 1e-6)];
  return { ticks: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step), step };
}

// All with as many decimals as their step needs.
function tickText(value, { ticks, step }) {
  const size = Math.max(...ticks.map(Math.abs));
  if (!step || size >= 1e5 || step < 1e-4) return number(value);
  return value.toFixed(Math.max(0, -Math.floor(Math.log10(step * 1.001)))).replace(/^-(?=0*\.?0*$)/, "").replace("-", "−");
}

// Of a probability that is next to nothing, the power of ten tells a student little, and takes room.
const told = (value, unit) => (unit === "probability" && value > 0 && value < 0.0005 ? "< 0.001" : number(value));

export function openBar(scene) {
  const unit = h("span", { class: "cw-soft cw-heat-unit" });
  const mark = h("span", { class: "cw-heat-mark" });
  const arrow = h("i", { class: "cw-heat-arrow" });
  const reader = h("i", { class: "cw-heat-reader", hidden: true });
  const strip = h("div", { class: "cw-heat-strip" }, arrow, reader);
  const ticks = h("div", { class: "cw-heat-ticks", "aria-hidden": "true" });
  const head = h("div", { class: "cw-heat-over" }, scene.choice, unit, mark);
  const element = h("div", { class: "cw-heat-bar" }, head, strip, ticks);
  let ends = null;

  const share = (value) => {
    if (!ends || !Number.isFinite(value)) return NaN;
    return ends[1] > ends[0] ? (value - ends[0]) / (ends[1] - ends[0]) : 0.5;
  };
  function put(el, value) {
    const at = share(value);
    el.hidden = !(at >= 0 && at <= 1);
    el.style.left = `${100 * at}%`;
  }

  function refresh({ name, label, baseline, switched }) {
    ends = scene.colours.ends;
    unit.textContent = switched ? "" : name;
    unit.hidden = switched;
    strip.style.background = ends ? scene.colours.gradient : "";
    mark.textContent = baseline === null ? "" : `${label} ${told(baseline, name)}`;
    mark.hidden = baseline === null || !ends;
    put(arrow, baseline ?? NaN);
    mark.classList.toggle("cw-heat-off", arrow.hidden);
    drawTicks();
  }

  function drawTicks() {
    const all = ends ? niceTicks(...ends, Math.max(3, Math.floor(element.clientWidth / APART))) : { ticks: [] };
    ticks.replaceChildren(
      ...all.ticks.map((value) => {
        const at = share(value);
        const el = h("span", {}, tickText(value, all));
        el.style.left = `${100 * at}%`;
        el.dataset.side = at < 0.06 ? "start" : at > 0.94 ? "end" : "middle"; // a number does not hang over the ends
        return el;
      }),
    );
  }

  return { element, refresh, drawTicks, read: (value) => put(reader, value) };
}
