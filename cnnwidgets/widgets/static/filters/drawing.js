// What the pictures of filters have in common.

import { h } from "../shared/dom.js";

// Side of a weight, in CSS pixels: whole pixels of the screen, where that costs little.
export function cellFor(side, room, ratio) {
  const whole = Math.floor((room / side) * ratio) / ratio;
  return whole * ratio >= 3 ? whole : room / side;
}

// Whether a canvas is as high as what is to be drawn; if not, its new size calls back.
export function isHigh(canvas, wanted, height) {
  const whole = Math.ceil(wanted);
  if (Math.abs(whole - height) >= 1) canvas.style.height = `${whole}px`;
  return Math.abs(whole - height) <= 1;
}

// Stripes for a filter that cannot be drawn.
export function stripe(g, x, y, width, height, ink) {
  g.save();
  g.beginPath();
  g.rect(x, y, width, height);
  g.clip();
  g.strokeStyle = ink;
  g.lineWidth = 1;
  g.beginPath();
  for (let at = x - height; at < x + width; at += 5) {
    g.moveTo(at, y + height);
    g.lineTo(at + height, y);
  }
  g.stroke();
  g.restore();
}

// One weight, marked in white in a dark seam, so that it is seen on any grey.
export function markCell(g, x, y, side) {
  g.lineWidth = 1;
  for (const [colour, inset] of [["rgba(0, 0, 0, 0.6)", 0.5], ["#fff", 1.5]]) {
    g.strokeStyle = colour;
    g.strokeRect(x + inset, y + inset, Math.max(side - 2 * inset, 1), Math.max(side - 2 * inset, 1));
  }
}

// A text beside the pointer, inside the canvas.
export function openTip(canvas) {
  const element = h("div", { class: "cw-tip", "aria-hidden": "true", hidden: true });
  function show([x, y], head, text) {
    element.hidden = !head;
    if (!head) return;
    element.replaceChildren(h("b", {}, head), ` ${text}`);
    const right = x + 14 + element.offsetWidth > canvas.clientWidth ? x - 14 - element.offsetWidth : x + 14;
    const below = y + 18 + element.offsetHeight > canvas.clientHeight ? y - 10 - element.offsetHeight : y + 14;
    element.style.transform = `translate(${Math.max(0, right)}px, ${below}px)`;
  }
  return { element, show };
}
