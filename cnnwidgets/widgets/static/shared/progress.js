// How far long work is: a bar, and the words beside it.

import { h } from "./dom.js";

export const whole = (n) => n.toLocaleString("en-US");

// A bar that shows done of total, or that something goes on where the total is not known (0).
export function openProgress(label) {
  const fill = h("div", { class: "cw-progress-fill" });
  const element = h("div", { class: "cw-progress", role: "progressbar", "aria-label": label, "aria-valuemin": 0 }, fill);

  function show(done, total, text) {
    element.classList.toggle("cw-unknown", !total);
    fill.style.width = `${total ? Math.min(done / total, 1) * 100 : 0}%`;
    element.setAttribute("aria-valuetext", text);
    for (const [name, value] of [["aria-valuemax", total], ["aria-valuenow", done]]) {
      if (total) element.setAttribute(name, value);
      else element.removeAttribute(name);
    }
  }

  return { element, show };
}

// "120 of 784", "350 squares/s", "2 s left": what is known of it; a rate of 0 is not known.
export function pace(done, total, rate, steps) {
  const told = [total ? `${whole(done)} of ${whole(total)}` : whole(done)];
  if (rate > 0) {
    told.push(`${rate < 10 ? rate.toFixed(1) : whole(Math.round(rate))} ${steps}/s`);
    if (total > done) told.push(`${duration((total - done) / rate)} left`);
  }
  return told;
}

// 22 s, 3 min, 1.5 h: no more exact than one can know it.
export function duration(seconds) {
  if (seconds < 89.5) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 89.5 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
