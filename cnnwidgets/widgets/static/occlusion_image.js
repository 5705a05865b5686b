// A picture with a square over it that moves under the hand.

import { pictureOf } from "./shared/bytes.js";
import { openCanvas, placeOf } from "./shared/canvas.js";
import { clamp, h, onKeys, svg } from "./shared/dom.js";
import { openView } from "./shared/view.js";

const EDGE = 4; // room around the picture for the outline, in CSS pixels; the style sheet knows it too
const TALLEST = 1.25; // height of the picture on the page over its trait `width`, at most
const CRISP = 3; // magnified more than this, pixels are seen as such
const STEP = 8; // pixels, with Shift
const EYE = "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6a2 2 0 100 4 2 2 0 000-4z";

function render({ model, el }) {
  // more often than others: the bars shall follow the hand
  const view = openView(model, el, "occluded", "Occluded picture", 25);
  const { canvas, repaint } = openCanvas(view, { class: "cw-occluded-canvas", tabindex: 0, role: "application" }, draw);
  const title = h("div", { class: "cw-title cw-occluded-title" });
  const frame = h("div", { class: "cw-occluded-frame" }, canvas);
  const caption = h("div", { class: "cw-occluded-caption" });
  const where = h("div");
  const cut = h("div");
  const place = h("div", { class: "cw-occluded-place cw-soft" }, where, cut);
  const whole = h("button", { type: "button", class: "cw-button cw-occluded-whole", title: "the picture without the square (Escape)" }, svg(EYE), "unoccluded");
  const foot = h("div", { class: "cw-row cw-occluded-foot" }, place, whole);
  const empty = h("div", { class: "cw-soft" }, "no picture yet");
  view.body.append(title, frame, caption, foot, empty);

  let picture = null;
  let fill = null;
  const pixels = document.createElement("canvas"); // what the network sees

  // -- where the square is --

  // First pixel covered along one axis, and the first after it.
  const covered = (centre, side, length) => [Math.max(centre - Math.floor((side - 1) / 2), 0), Math.min(centre + Math.floor(side / 2) + 1, length)];

  function square() {
    const [tall, wide] = model.get("size");
    // a new place may be here a little before its picture is
    const row = clamp(model.get("row"), 0, picture.height - 1);
    const column = clamp(model.get("column"), 0, picture.width - 1);
    const [top, bottom] = covered(row, tall, picture.height);
    const [left, right] = covered(column, wide, picture.width);
    return { row, column, top, left, bottom, right };
  }

  // Where it is, and what of it lies in the picture if not all.
  function told() {
    if (!model.get("active")) return ["the whole picture"];
    const { row, column, top, left, bottom, right } = square();
    const [tall, wide] = model.get("size");
    const all = bottom - top === tall && right - left === wide;
    return [`square at row ${row}, column ${column}`, ...(all ? [] : [`cut to ${bottom - top} × ${right - left} pixels`])];
  }

  // -- drawing --

  function compose({ top, left, bottom, right }) {
    const { width, height } = picture;
    if (pixels.width !== width || pixels.height !== height) Object.assign(pixels, { width, height });
    const g = pixels.getContext("2d");
    g.drawImage(picture, 0, 0);
    if (!model.get("active")) return;
    const box = [left, top, right - left, bottom - top];
    g.fillStyle = "#808080";
    if (fill) g.drawImage(fill, ...box, ...box);
    else g.fillRect(...box);
  }

  function draw(g, width, height, ratio) {
    g.clearRect(0, 0, width, height);
    if (!picture) return;
    const at = square();
    const [x, y] = [(width - 2 * EDGE) / picture.width, (height - 2 * EDGE) / picture.height];
    compose(at);
    g.imageSmoothingEnabled = Math.max(x, y) <= CRISP;
    g.imageSmoothingQuality = "high";
    g.drawImage(pixels, EDGE, EDGE, width - 2 * EDGE, height - 2 * EDGE);
    if (!model.get("active")) return;
    const sharp = (value) => Math.round(value * ratio) / ratio;
    const [left, right] = [sharp(EDGE + at.left * x), sharp(EDGE + at.right * x)];
    const [top, bottom] = [sharp(EDGE + at.top * y), sharp(EDGE + at.bottom * y)];
    // white and black lie around the square, never on it: one of them is seen on any picture
    for (const [away, colour] of [[0.5, "#fff"], [1.5, "#000"]]) {
      g.strokeStyle = colour;
      g.lineWidth = 1;
      g.strokeRect(left - away, top - away, right - left + 2 * away, bottom - top + 2 * away);
    }
    cross(g, EDGE + (at.column + 0.5) * x, EDGE + (at.row + 0.5) * y, Math.min(right - left, bottom - top));
  }

  // At the centre; around a square that it would hide.
  function cross(g, x, y, room) {
    const [from, to] = room >= 22 ? [0, 5] : [room / 2 + 3, room / 2 + 8];
    g.beginPath();
    for (const [dx, dy] of [[1, 0], [0, 1], [-1, 0], [0, -1]]) {
      g.moveTo(x + dx * from, y + dy * from);
      g.lineTo(x + dx * to, y + dy * to);
    }
    g.lineCap = "round";
    for (const [thick, colour] of [[3, "rgba(0, 0, 0, 0.7)"], [1.25, "#fff"]]) {
      g.lineWidth = thick;
      g.strokeStyle = colour;
      g.stroke();
    }
  }

  function redraw() {
    title.textContent = model.get("title");
    title.hidden = !model.get("title");
    caption.textContent = model.get("caption");
    caption.hidden = !model.get("caption") || !picture;
    empty.hidden = picture !== null;
    frame.hidden = foot.hidden = !picture;
    if (!picture) return;
    const scale = Math.min(model.get("width") / picture.width, (TALLEST * model.get("width")) / picture.height);
    // a strip of a picture is made thick enough to be seen
    const [wide, tall] = [picture.width, picture.height].map((side) => Math.max(side * scale, 16));
    frame.style.width = `${wide}px`;
    frame.style.aspectRatio = `${wide} / ${tall}`;
    view.body.style.maxWidth = `${Math.max(wide + 2 * EDGE, 300)}px`;
    const [first, second = ""] = told();
    where.textContent = first;
    cut.textContent = second;
    whole.setAttribute("aria-pressed", String(!model.get("active")));
    const size = `${picture.height} × ${picture.width} pixels`;
    canvas.setAttribute("aria-label", `Picture of ${size}, ${told().join(", ")}. Arrow keys move the square, with Shift faster; Home to the middle, Escape away.`);
    repaint();
  }

  async function read() {
    const bytes = [model.get("_picture"), model.get("_fill")];
    const both = await Promise.all(bytes.map((each) => pictureOf(each, "")));
    const old = bytes[0] !== model.get("_picture") || bytes[1] !== model.get("_fill"); // newer ones have come
    if (view.signal.aborted || old) return both.forEach((each) => each?.close());
    picture?.close();
    fill?.close();
    [picture, fill] = both;
    if (fill && picture && (fill.width !== picture.width || fill.height !== picture.height)) fill = null;
    redraw();
  }

  // -- moving --

  function go(row, column, more = {}) {
    if (!picture) return;
    const place = { row: clamp(row, 0, picture.height - 1), column: clamp(column, 0, picture.width - 1) };
    view.set({ ...place, active: true, ...more });
    view.say(told().join(", "));
  }

  function show(active) {
    view.set({ active });
    view.say(told().join(", "));
  }

  let hand = null; // the pointer that drags

  function follow(event, more) {
    const [x, y] = placeOf(event, canvas);
    const along = (at, length, n) => Math.floor(((at - EDGE) / (length - 2 * EDGE)) * n);
    go(along(y, canvas.clientHeight, picture.height), along(x, canvas.clientWidth, picture.width), more);
  }

  function release(event) {
    if (event.pointerId !== hand) return;
    hand = null;
    canvas.classList.remove("cw-dragging");
    view.set({ dragging: false });
    view.flush();
  }

  view.listen(canvas, "pointerdown", (event) => {
    if (event.button || hand !== null || !picture) return;
    hand = event.pointerId;
    canvas.setPointerCapture(hand);
    canvas.focus({ preventScroll: true, focusVisible: false });
    canvas.classList.add("cw-dragging");
    follow(event, { dragging: true });
  });
  view.listen(canvas, "pointermove", (event) => event.pointerId === hand && picture && follow(event));
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) view.listen(canvas, end, release);
  view.signal.addEventListener("abort", () => {
    if (hand === null) return;
    model.set("dragging", false);
    model.save_changes();
  });

  const step = (down, right) => (event) => {
    const by = event.shiftKey ? STEP : 1;
    go(model.get("row") + down * by, model.get("column") + right * by);
  };
  onKeys(
    canvas,
    {
      ArrowUp: step(-1, 0),
      ArrowDown: step(1, 0),
      ArrowLeft: step(0, -1),
      ArrowRight: step(0, 1),
      Home: () => picture && go(Math.floor(picture.height / 2), Math.floor(picture.width / 2)),
      Escape: () => show(false),
      " ": () => show(!model.get("active")),
    },
    view.signal,
  );
  view.listen(whole, "click", () => show(!model.get("active")));

  view.on(["_picture", "_fill"], view.eachFrame(read));
  view.on(["row", "column", "size", "active", "title", "caption", "width"], redraw);
  view.signal.addEventListener("abort", () => [picture, fill].forEach((each) => each?.close()));
  redraw();
  read();
  return view.close;
}

export default { render };
