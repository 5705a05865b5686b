// Thousands of pictures as points in the plane: the picture under the pointer, zoom, lasso, classes.

import { openCanvas } from "./shared/canvas.js";
import { h } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { openCamera } from "./scatter/camera.js";
import { nearest, spacing } from "./scatter/find.js";
import { onMap } from "./scatter/gestures.js";
import { openLegend } from "./scatter/legend.js";
import { openMotion } from "./scatter/motion.js";
import { paintOverlay, paintRings } from "./scatter/overlay.js";
import { openPictures } from "./scatter/pictures.js";
import { FAINT, HIDDEN, PLAIN, openPoints } from "./scatter/points.js";
import { ascending, grouped, openThumbnails, readPoints } from "./scatter/read.js";
import { readInks } from "./scatter/stamps.js";
import { openToolbar } from "./scatter/toolbar.js";
import { openTooltip, tell } from "./scatter/tooltip.js";

const REACH = 10; // CSS pixels from the pointer at which a point is still meant
function render({ model, el }) {
  const view = openView(model, el, "scatter", "Map of pictures");

  // what the parts share: the points, where they are on the screen just now, and what is drawn of them
  const scene = {
    model, n: -1, xy: null, labels: null, frame: null, firstAdded: 0, spacing: { median: 0, lattice: false },
    sx: new Float32Array(0), sy: new Float32Array(0), states: new Uint8Array(0), inks: null, line: null, version: 0,
    hovered, find, stress, thumbnail,
  };
  let pointing = false; // whether the pointer or the keys are on this map: only there the picture is shown large
  let shown = 0; // points that are not hidden
  let stressed = null; // the class whose row in the legend is under the hand

  scene.camera = openCamera(view, scene);
  scene.dots = openPoints(scene);
  scene.pictures = openPictures(scene);
  const thumbnails = openThumbnails(view, "", fresh);
  const added = openThumbnails(view, "added_", fresh);

  // Draws the picture of a point: (g, x, y, side); null where it has none.
  function thumbnail(i) {
    const [pictures, at] = i < scene.firstAdded ? [thumbnails, i] : [added, i - scene.firstAdded];
    return pictures.has(at) ? (g, ...box) => pictures.draw(g, at, ...box) : null;
  }

  function hovered() {
    const i = model.get("hovered");
    return i >= 0 && i < scene.n && scene.states[i] !== HIDDEN ? i : -1;
  }

  function find(x, y, reach = REACH) {
    return nearest(scene, x, y, reach, scene.pictures.lies());
  }

  // -- elements --

  const title = h("div", { class: "cw-title" });
  const toolbar = openToolbar(view, scene, () => {
    select([]);
    over.canvas.focus({ preventScroll: true });
  });
  const base = openCanvas(view, { class: "cw-scatter-points", "aria-hidden": "true" }, paintBase);
  const over = openCanvas(view, { class: "cw-scatter-canvas", tabindex: 0, role: "application" }, paintOver);
  const tip = openTooltip(view, scene);
  const hint = h("div", { class: "cw-scatter-hint", hidden: true }, "click first, or hold Ctrl: the wheel zooms then");
  const empty = h("div", { class: "cw-scatter-empty cw-soft" }, "no points yet");
  const plot = h("div", { class: "cw-scatter-plot" }, base.canvas, over.canvas, tip.element, hint, empty);
  const legend = openLegend(view, scene);
  const reading = h("div", { class: "cw-scatter-reading" });
  const caption = h("div", { class: "cw-soft cw-scatter-caption" });
  const main = h("div", { class: "cw-scatter-main" }, plot, legend.element);
  view.body.append(title, toolbar.element, main, h("div", { class: "cw-row cw-scatter-below" }, reading, toolbar.clear), caption);

  // -- painting --

  function paintBase(g, width, height, ratio) {
    // not before: the page may not have had this element, and so no colours for it
    if (!scene.inks) {
      scene.inks = readInks(view);
      legend.refresh();
    }
    scene.camera.resize(width, height);
    scene.camera.project(scene.xy, scene.sx, scene.sy);
    scene.dots.paint(g, ratio);
    scene.pictures.paint(g);
    paintRings(g, scene);
    drawHover(); // the point may have moved under its ring
  }

  function paintOver(g, width, height) {
    if (scene.inks) paintOverlay(g, scene, width, height);
  }

  function drawHover() {
    over.repaint();
    const i = hovered();
    tip.show(pointing && !scene.line && !motion.running() ? i : -1);
    legend.read(i < 0 ? null : scene.labels[i]);
    readOut();
  }

  function readOut() {
    const i = hovered();
    const told = i >= 0 ? tell(scene, i) : "";
    const all = `${grouped(scene.n)} points`;
    reading.textContent = told || (shown < scene.n ? `${grouped(shown)} of ${all}` : scene.n ? all : "");
    reading.classList.toggle("cw-soft", !told);
    toolbar.chosen(model.get("selected").length);
  }

  function speak() {
    const i = hovered();
    const many = model.get("selected").length;
    const told = [i >= 0 ? tell(scene, i) : "", many ? `${grouped(many)} selected` : ""].filter(Boolean);
    view.say(told.join("; ") || "nothing selected");
  }

  // -- state of each point --

  function restate() {
    const hidden = new Set(model.get("hidden"));
    const selected = model.get("selected");
    const { n, labels } = scene;
    if (scene.states.length !== n) scene.states = new Uint8Array(n);
    const chosen = new Uint8Array(n);
    for (const i of selected) if (i < n) chosen[i] = 1;
    const all = !selected.length;
    shown = 0;
    for (let i = 0; i < n; i++) {
      const strong = stressed === null || hidden.has(stressed) ? all || chosen[i] : labels[i] === stressed;
      scene.states[i] = hidden.has(labels[i]) ? HIDDEN : strong ? PLAIN : FAINT;
      if (scene.states[i] !== HIDDEN) shown += 1;
    }
  }

  function remark() {
    restate();
    legend.mark();
    base.repaint();
    readOut();
  }

  function stress(index) {
    if (index === stressed) return;
    stressed = index;
    remark();
  }

  // -- what changes --

  const motion = openMotion(view, scene, () => {
    base.repaint();
    scene.spacing = motion.running() ? { median: 0, lattice: false } : spacing(scene);
  });

  // several traits come in one message: read once
  const readAll = view.eachFrame(read);
  function read() {
    const found = readPoints(model);
    const others = found.n !== scene.n;
    const relabelled = others || found.labels.some((label, i) => label !== scene.labels[i]);
    Object.assign(scene, { n: found.n, labels: found.labels, firstAdded: found.firstAdded });
    if (others) [scene.sx, scene.sy] = [new Float32Array(found.n), new Float32Array(found.n)];
    motion.go(found.xy, found.frame, others ? 0 : model.get("_seconds"));
    restate();
    fresh(relabelled);
  }

  function fresh(classes = true) {
    scene.version += 1;
    if (classes) legend.refresh();
    drawTexts();
    base.repaint();
  }

  function drawTexts() {
    title.textContent = model.get("title");
    title.hidden = !title.textContent;
    caption.textContent = model.get("caption");
    caption.hidden = !caption.textContent;
    empty.hidden = scene.n > 0;
    toolbar.refresh(thumbnails.some() || added.some());
    view.body.style.setProperty("--cw-scatter-width", `${model.get("width")}px`);
    view.body.style.setProperty("--cw-scatter-height", `${model.get("height")}px`);
    over.canvas.dataset.tool = model.get("tool");
    over.canvas.setAttribute(
      "aria-label",
      `${model.get("title") || "Map"}, ${grouped(scene.n)} points. Arrow keys go from point to point, with Shift they move the map; + and - zoom, 0 shows all; Enter selects, Escape clears.`,
    );
    readOut();
  }

  // -- the hand --

  function point(i, here) {
    const before = pointing;
    pointing = here;
    if (i !== model.get("hovered")) {
      view.set({ hovered: i });
      speak();
    } else if (before !== here) drawHover();
  }

  function select(numbers) {
    view.set({ selected: numbers });
    speak();
  }

  // One point more or less; without `more` that one alone.
  function take(i, more) {
    const before = model.get("selected");
    if (i < 0) return before.length && !more && select([]);
    const without = before.filter((one) => one !== i);
    if (more) return select(without.length < before.length ? without : [...before, i].sort(ascending));
    return select(before.length === 1 && !without.length ? [] : [i]);
  }

  let hinted = 0;
  onMap(view, over.canvas, scene, {
    hover(place) {
      if (!motion.running()) point(find(...place), true);
    },
    leave: () => point(-1, false),
    walk(i) {
      point(i, true);
      scene.camera.into(scene.sx[i], scene.sy[i]);
    },
    click: (place, more) => take(find(...place), more),
    take,
    select: (numbers, more) => select(more ? [...new Set([...model.get("selected"), ...numbers])].sort(ascending) : numbers),
    drawn: () => over.repaint(),
    whole: scene.camera.reset,
    escape() {
      if (hovered() >= 0) return point(-1, false);
      if (!model.get("selected").length) return false; // a dialog around may want the key
      return select([]);
    },
    hint() {
      hint.hidden = false;
      clearTimeout(hinted);
      hinted = setTimeout(() => (hint.hidden = true), 1500);
    },
  });
  view.signal.addEventListener("abort", () => clearTimeout(hinted));

  view.listen(over.canvas, "blur", () => pointing && point(-1, false));
  view.on(["_points", "_labels", "_frame", "_first_added"], readAll);
  view.on(["names", "sources"], view.eachFrame(fresh));
  view.on("view", () => {
    scene.camera.project(scene.xy, scene.sx, scene.sy); // the next key may come before the next frame
    base.repaint();
  });
  view.on(["point_size", "show_images", "highlighted"], base.repaint);
  view.on(["selected", "hidden"], view.eachFrame(remark));
  view.on("hovered", drawHover);
  view.on(["title", "caption", "tool", "show_images", "width", "height"], drawTexts);
  view.onTheme(() => {
    scene.inks = null;
    base.repaint();
  });
  read();
  return view.close;
}

export default { render };
