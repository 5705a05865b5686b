// Two pictures, one over the other, with a border between them to drag.

import { pictureOf } from "./shared/bytes.js";
import { openCanvas, placeOf } from "./shared/canvas.js";
import { clamp, h, onKeys } from "./shared/dom.js";
import { openView } from "./shared/view.js";

function render({ model, el }) {
  const view = openView(model, el, "wipe", "Before and after");
  const pictures = [null, null];
  const asked = [0, 0]; // so that a picture that is decoded late does not take the place of a newer one

  const { canvas, repaint } = openCanvas(view, { class: "cw-wipe-canvas", tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": 100 }, draw);
  const caption = h("div", { class: "cw-wipe-caption cw-soft" });
  view.body.append(canvas, caption);

  function draw(g, width, height) {
    const left = model.get("border") * width;
    const [before, after] = pictures;
    g.clearRect(0, 0, width, height);
    g.imageSmoothingQuality = "high";
    if (before) g.drawImage(before, 0, 0, width, height);
    if (!after) return;
    g.save();
    g.beginPath();
    g.rect(left, 0, width - left, height);
    g.clip();
    g.drawImage(after, 0, 0, width, height);
    g.restore();
    drawBorder(g, left, width, height);
  }

  function drawBorder(g, left, width, height) {
    g.save();
    g.shadowColor = "rgba(0, 0, 0, 0.5)";
    g.shadowBlur = 4;
    g.fillStyle = g.strokeStyle = "#fff";
    g.fillRect(left - 1, 0, 2, height);
    g.beginPath();
    g.arc(left, height / 2, 13, 0, 2 * Math.PI);
    g.fill();
    g.restore();
    g.strokeStyle = "#424242";
    g.lineWidth = 1.6;
    for (const side of [-1, 1]) {
      g.beginPath();
      g.moveTo(left + side * 3, height / 2 - 4);
      g.lineTo(left + side * 7, height / 2);
      g.lineTo(left + side * 3, height / 2 + 4);
      g.stroke();
    }
    g.font = `12px ${getComputedStyle(canvas).fontFamily}`;
    const [one, other] = model.get("titles");
    tell(g, one, 8, left, "left", 8);
    tell(g, other, width - left, width - 8, "right", width - 8);
  }

  // A title where there is room for it on its side of the border.
  function tell(g, text, from, to, align, at) {
    const wide = g.measureText(text).width;
    if (!text || wide + 26 > (align === "left" ? to : from)) return;
    g.fillStyle = "rgba(0, 0, 0, 0.55)";
    g.fillRect(align === "left" ? at - 4 : at - wide - 4, 6, wide + 8, 19);
    g.fillStyle = "#fff";
    g.textAlign = align;
    g.textBaseline = "middle";
    g.fillText(text, at, 16);
  }

  async function load(place, trait) {
    const ticket = (asked[place] += 1);
    const picture = await pictureOf(model.get(trait));
    if (ticket !== asked[place] || view.signal.aborted) {
      picture?.close();
      return;
    }
    pictures[place]?.close();
    pictures[place] = picture;
    if (place === 0 && picture) canvas.style.aspectRatio = `${picture.width} / ${picture.height}`;
    canvas.classList.toggle("cw-away", !pictures[0]);
    repaint();
  }
  view.signal.addEventListener("abort", () => pictures.forEach((each) => each?.close()));

  function drawWords() {
    canvas.style.width = `${model.get("width")}px`;
    caption.textContent = model.get("caption");
    const titles = model.get("titles");
    const share = Math.round(100 * model.get("border"));
    canvas.setAttribute("aria-label", `border between ${titles.join(" and ")}`);
    canvas.setAttribute("aria-valuenow", share);
    canvas.setAttribute("aria-valuetext", `${titles[0]} on the left ${share} %`);
    repaint();
  }

  const move = (border) => view.set({ border: clamp(border, 0, 1) });
  const at = (event) => placeOf(event, canvas)[0] / canvas.getBoundingClientRect().width;
  view.listen(canvas, "pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    move(at(event));
  });
  view.listen(canvas, "pointermove", (event) => canvas.hasPointerCapture(event.pointerId) && move(at(event)));
  view.listen(canvas, "pointerup", view.flush);
  const step = (by) => move(model.get("border") + by);
  const keys = { ArrowLeft: () => step(-0.05), ArrowRight: () => step(0.05), Home: () => move(0), End: () => move(1) };
  onKeys(canvas, keys, view.signal);

  view.on(["border", "titles", "caption", "width"], drawWords);
  view.on("_before", () => load(0, "_before"));
  view.on("_after", () => load(1, "_after"));
  drawWords();
  load(0, "_before");
  load(1, "_after");
  return view.close;
}

export default { render };
