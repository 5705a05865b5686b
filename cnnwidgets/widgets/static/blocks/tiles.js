// The tiles of one block: the patches, or the images of the same patches.

import { openCanvas, placeOf } from "../shared/canvas.js";
import { clamp, number, onKeys } from "../shared/dom.js";
import { hatch } from "../grid/maps.js";
import { GREY } from "./images.js";

const GAP = 6;
const CAPTION = 18;
const LARGEST = 208; // of one tile
const TALLEST = 420; // of all rows together

// `block` is null for the patches themselves, else a function that gives the block as it is now.
export function openTiles(view, scene, block) {
  const { model } = view;
  const { canvas, repaint } = openCanvas(view, { class: "cw-blocks-tiles", tabindex: 0, role: "application" }, draw);
  let form = null; // how tiles are laid out: { across, pixel, wide, tall, left }

  // Tiles as large as there is room for, each of their pixels a whole number of the screen's where that costs little.
  function layout(width) {
    const n = scene.patches.length;
    const [tall, wide] = scene.size;
    if (!n || !width || !tall || !wide) return null;
    const across = Math.ceil(Math.sqrt(n));
    const down = Math.ceil(n / across);
    const ratio = window.devicePixelRatio || 1;
    const side = Math.min((width - GAP * (across - 1)) / across, LARGEST);
    let pixel = Math.min(side / wide, LARGEST / tall, Math.max(TALLEST / down - CAPTION, 30) / tall);
    if (pixel * ratio >= 3) pixel = Math.floor(pixel * ratio) / ratio;
    return { across, down, pixel, wide: pixel * wide, tall: pixel * tall };
  }
  const corner = (i) => [(i % form.across) * (form.wide + GAP), Math.floor(i / form.across) * (form.tall + CAPTION)];

  function draw(g, width, height, ratio) {
    form = layout(width);
    if (!form) return;
    const wanted = Math.round(form.down * (form.tall + CAPTION));
    if (Math.abs(wanted - height) > 1) {
      canvas.style.height = `${wanted}px`; // another size calls back here
      return;
    }
    g.clearRect(0, 0, width, height);
    g.font = `11px ${getComputedStyle(canvas).fontFamily}`;
    g.textAlign = "center";
    g.textBaseline = "middle";
    const [chosen, shown] = [model.get("chosen"), scene.shown()];
    scene.patches.forEach((patch, i) => {
      const [x, y] = corner(i);
      const image = block?.().images[i];
      if (!block || image) drawTile(g, patch, image, x, y, ratio);
      g.fillStyle = view.colour(i === shown ? "ink" : "soft");
      const text = caption(patch, image);
      if (g.measureText(text).width <= form.wide + GAP) g.fillText(text, x + form.wide / 2, y + form.tall + CAPTION / 2);
      if (scene.patches.length > 1) frame(g, x, y, i === chosen, i === shown);
    });
  }

  function caption(patch, image) {
    if (!block) return number(patch.value);
    if (!image) return "";
    return image.isBroken ? "not finite" : image.isZero ? "all zero" : `±${number(image.most)}`;
  }

  function drawTile(g, { box, seen, picture }, image, x, y, ratio) {
    const { wide, tall, pixel } = form;
    hatch(g, x, y, wide, tall, view.colour("bar"), view.colour("paper"));
    const [sh, sw] = [seen[2] - seen[0], seen[3] - seen[1]];
    if (sh <= 0 || sw <= 0 || image?.isBroken) return;
    // in the middle, should its box be smaller than that of others
    const top = y + ((scene.size[0] - (box[2] - box[0])) / 2 - box[0]) * pixel;
    const left = x + ((scene.size[1] - (box[3] - box[1])) / 2 - box[1]) * pixel;
    const inside = [left + seen[1] * pixel, top + seen[0] * pixel, sw * pixel, sh * pixel];
    g.save();
    g.imageSmoothingEnabled = pixel * ratio < 1.5; // pixels stay squares where they are seen as such
    g.imageSmoothingQuality = "high";
    if (!block) {
      if (picture) g.drawImage(picture, seen[1], seen[0], sw, sh, ...inside);
    } else {
      g.beginPath();
      g.rect(...inside);
      g.clip();
      g.fillStyle = GREY;
      g.fillRect(...inside);
      const [above, before, below, behind] = image.area;
      if (behind > before) g.drawImage(image.pixels(scene.limit(block(), image)), left + before * pixel, top + above * pixel, (behind - before) * pixel, (below - above) * pixel);
    }
    g.restore();
  }

  function frame(g, x, y, isChosen, isShown) {
    if (!isChosen && !isShown) return;
    g.strokeStyle = view.colour(isChosen ? "accent" : "soft");
    g.lineWidth = isChosen ? 3 : 2;
    const inner = g.lineWidth / 2;
    g.strokeRect(x + inner, y + inner, form.wide - 2 * inner, form.tall - 2 * inner);
  }

  // -- pointer and keys --

  function tileAt([x, y]) {
    if (!form || x < 0 || y < 0) return null;
    const [column, row] = [Math.floor(x / (form.wide + GAP)), Math.floor(y / (form.tall + CAPTION))];
    const i = row * form.across + column;
    return column < form.across && i < scene.patches.length && x - column * (form.wide + GAP) < form.wide ? i : null;
  }
  view.listen(canvas, "pointermove", (event) => event.pointerType !== "touch" && scene.setHover(tileAt(placeOf(event, canvas))));
  view.listen(canvas, "pointerleave", () => scene.setHover(null));
  view.listen(canvas, "click", (event) => {
    const i = tileAt(placeOf(event, canvas));
    if (i !== null) scene.choose(i === model.get("chosen") ? null : i);
  });

  function go(by, rows = 0) {
    const n = scene.patches.length;
    if (!form || !n) return false;
    const chosen = model.get("chosen");
    const next = (chosen ?? 0) + by + rows * form.across;
    if (rows && (next < 0 || next >= n)) return;
    scene.choose(chosen === null && by + rows > 0 ? 0 : clamp(next, 0, n - 1));
  }
  onKeys(
    canvas,
    {
      ArrowRight: () => go(1),
      ArrowLeft: () => go(-1),
      ArrowDown: () => go(0, 1),
      ArrowUp: () => go(0, -1),
      Home: () => scene.choose(0),
      End: () => scene.choose(scene.patches.length - 1),
      Escape: () => scene.choose(null),
    },
    view.signal,
  );
  return { canvas, repaint };
}
