// Filters that read feature maps: a row of grey tiles each, on a canvas that scrolls over all of them.

import { openCanvas, placeOf } from "../shared/canvas.js";
import { clamp, h, onKeys } from "../shared/dom.js";
import { openTip } from "./drawing.js";

const [GUTTER, HEAD, HIGH] = [40, 22, 490]; // room for the numbers of filters and inputs, in CSS pixels
const [LEAST, GOOD] = [12, 21]; // sides of a tile: smaller ones are scrolled over, larger ones only if all fit

export function openRows(view, scene) {
  const world = h("div");
  const frame = h("div", { class: "cw-rows-frame" }, world);
  const { canvas, repaint } = openCanvas(view, { class: "cw-rows", tabindex: 0, role: "application" }, draw);
  const tip = openTip(canvas);
  const element = h("div", { class: "cw-tiles-frame" }, frame, tip.element);
  world.append(canvas);

  let ratio = 1;
  let cell = 0; // side of a weight in pixels of the screen; 0: to be chosen
  let pixels = null;
  const gap = () => Math.round(ratio * (cell < 3 * ratio ? 1 : 2));
  // from tile to tile, in CSS pixels
  const stepX = () => (scene.maps.w * cell + gap()) / ratio;
  const stepY = () => (scene.maps.h * cell + gap()) / ratio;
  const xOf = (input) => GUTTER + input * stepX() - frame.scrollLeft;
  const yOf = (place) => HEAD + place * stepY() - frame.scrollTop;

  // So that all inputs fit, and all filters unless their tiles became too small.
  function fit() {
    const { n, inputs, h: rows, w: columns } = scene.maps;
    const room = (length, many, side) => ((length / many - 2) * ratio) / side;
    const side = (length) => (length * ratio) / Math.max(rows, columns);
    const all = Math.min(room(frame.clientWidth - GUTTER, inputs, columns), Math.max(room(HIGH - HEAD, n, rows), side(GOOD)));
    return Math.floor(clamp(all, Math.ceil(side(LEAST)), 14 * ratio));
  }

  function arrange() {
    const { n, inputs, isTiles } = scene.maps;
    if (!n || isTiles || !frame.clientWidth) return;
    ratio = window.devicePixelRatio || 1;
    cell ||= fit();
    const [width, height] = [GUTTER + inputs * stepX(), HEAD + scene.order().length * stepY()];
    const size = (el, wide, high) => Object.assign(el.style, { width: `${wide}px`, height: `${high}px` });
    frame.style.height = `${Math.min(height, HIGH) + (width > frame.clientWidth ? 12 : 0)}px`;
    size(world, width, height);
    size(canvas, Math.min(frame.clientWidth, width), Math.min(frame.clientHeight, height));
    repaint();
  }

  // What each pixel of the screen along an axis shows: the number of the tile, -1 between tiles, and the place in it.
  function along(start, count, many, side) {
    const step = side * cell + gap();
    const [tile, place] = [new Int32Array(count), new Int32Array(count)];
    for (let i = 0; i < count; i++) {
      tile[i] = Math.floor((start + i) / step);
      place[i] = Math.floor(((start + i) % step) / cell);
      if (place[i] >= side || tile[i] >= many) tile[i] = -1;
    }
    return [tile, place];
  }

  function paintTiles(buffer, wide, tall, order) {
    const { maps } = scene;
    const [startX, startY] = [Math.round(frame.scrollLeft * ratio), Math.round(frame.scrollTop * ratio)];
    const [inputs, columns] = along(startX, wide, maps.inputs, maps.w);
    const [places, rows] = along(startY, tall, order.length, maps.h);
    const from = inputs.map((input, x) => (input < 0 ? -1 : input * maps.size + columns[x]));
    let [known, shade] = [-1, null];
    for (let y = 0, to = 0; y < tall; y++) {
      const filter = places[y] < 0 ? -1 : order[places[y]];
      if (filter >= 0 && filter !== known) {
        known = filter;
        shade = Uint32Array.from(maps.shades(filter), (grey) => ((255 << 24) | (grey * 0x10101)) >>> 0);
      }
      const base = filter * maps.inputs * maps.size + rows[y] * maps.w;
      const broken = Number.isNaN(maps.scales[filter]);
      for (let x = 0; x < wide; x++, to++) {
        if (filter < 0 || from[x] < 0) buffer[to] = 0;
        else if (broken) buffer[to] = (x + y) % Math.round(5 * ratio) < ratio ? 0xff888888 : 0;
        else buffer[to] = shade[128 + maps.codes[base + from[x]]];
      }
    }
  }

  function draw(g, width, height) {
    const { maps, hover } = scene;
    if (!maps.n || maps.isTiles || !cell) return;
    const order = scene.order();
    const [left, top] = [Math.round(GUTTER * ratio), Math.round(HEAD * ratio)];
    const [wide, tall] = [canvas.width - left, canvas.height - top];
    g.clearRect(0, 0, width, height);
    if (wide < 1 || tall < 1) return;
    if (pixels?.width !== wide || pixels?.height !== tall) pixels = new ImageData(wide, tall);
    paintTiles(new Uint32Array(pixels.data.buffer), wide, tall, order);
    g.putImageData(pixels, left, top);

    g.font = `11px ${getComputedStyle(canvas).fontFamily}`;
    g.textBaseline = "middle";
    const [chosen, pointed] = [order.indexOf(scene.opened()), hover ? order.indexOf(hover.channel) : -1];
    const [input, at] = hover ? [hover.input, pointed] : [scene.input(), chosen];
    g.textAlign = "center";
    drawNumbers(g, maps.inputs, (i) => xOf(i) + stepX() / 2 - 1, stepX(), [GUTTER, width], 28, input, (i, x) => g.fillText(i, x, HEAD / 2));
    g.textAlign = "right";
    drawNumbers(g, order.length, (i) => yOf(i) + stepY() / 2 - 1, stepY(), [HEAD, height], 15, at, (i, y) => g.fillText(order[i], GUTTER - 8, y));

    g.beginPath();
    g.rect(GUTTER - 2, HEAD - 2, width, height);
    g.save();
    g.clip();
    const box = (place, first, last, colour, line) => {
      g.strokeStyle = colour;
      g.lineWidth = line;
      const [x, y] = [xOf(first) - line / 2, yOf(place) - line / 2];
      g.strokeRect(x, y, xOf(last) - xOf(first) + (maps.w * cell) / ratio + line, (maps.h * cell) / ratio + line);
    };
    if (pointed >= 0) box(pointed, hover.input ?? 0, hover.input ?? 0, view.colour("ink"), 1);
    if (chosen >= 0) {
      box(chosen, 0, maps.inputs - 1, view.colour("accent"), 1);
      box(chosen, scene.input(), scene.input(), view.colour("accent"), 3);
    }
    g.restore();
  }

  // Where they do not all fit, every second, fifth, tenth, ... number, but always the marked one.
  function drawNumbers(g, many, middle, step, [from, to], room, marked, write) {
    const every = [1, 2, 5, 10, 20, 50, 100].find((n) => n * step >= room) ?? 200;
    for (let i = 0; i < many; i++) {
      const [at, far] = [middle(i), Math.abs(i - marked) * step >= room];
      if (at < from || at > to || !(i === marked || (i % every === 0 && (far || !(marked >= 0))))) continue;
      g.fillStyle = view.colour(i === marked ? "ink" : "soft");
      write(i, at);
    }
  }

  function cellAt([x, y]) {
    const { maps } = scene;
    const [right, down] = [x - GUTTER + frame.scrollLeft, y - HEAD + frame.scrollTop];
    const [input, place] = [Math.floor(right / stepX()), Math.floor(down / stepY())];
    const channel = scene.order()[place];
    if (x < GUTTER || y < HEAD || input >= maps.inputs || channel === undefined) return null;
    const column = Math.floor(((right - input * stepX()) * ratio) / cell);
    const row = Math.floor(((down - place * stepY()) * ratio) / cell);
    return row < maps.h && column < maps.w ? { channel, input, row, column } : null;
  }

  // -- choosing and zooming --

  // Bring the opened tile into view.
  function reveal() {
    const place = scene.order().indexOf(scene.opened());
    if (place < 0 || scene.maps.isTiles) return;
    const lack = (at, step, head, room) => (at < head ? at - head : Math.max(0, at + step - room));
    frame.scrollLeft += lack(xOf(scene.input()), stepX(), GUTTER, frame.clientWidth);
    frame.scrollTop += lack(yOf(place), stepY(), HEAD, frame.clientHeight);
  }

  function go(down, right) {
    const order = scene.order();
    const place = order.indexOf(scene.opened());
    if (place < 0) return scene.choose(cellAt([GUTTER + 1, HEAD + 1])?.channel ?? order[0], 0);
    scene.choose(order[clamp(place + down, 0, order.length - 1)], clamp(scene.input() + right, 0, scene.maps.inputs - 1));
  }

  function magnify(factor, [x, y] = [canvas.clientWidth / 2, canvas.clientHeight / 2]) {
    const [right, down] = [(frame.scrollLeft + x - GUTTER) / stepX(), (frame.scrollTop + y - HEAD) / stepY()];
    cell = clamp(Math.round(cell * factor) + (Math.round(cell * factor) === cell ? Math.sign(factor - 1) : 0), 1, Math.round(40 * ratio));
    arrange();
    frame.scrollLeft = right * stepX() - x + GUTTER;
    frame.scrollTop = down * stepY() - y + HEAD;
  }

  onKeys(
    canvas,
    {
      ArrowUp: () => go(-1, 0),
      ArrowDown: () => go(1, 0),
      ArrowLeft: () => go(0, -1),
      ArrowRight: () => go(0, 1),
      PageUp: () => go(-10, 0),
      PageDown: () => go(10, 0),
      Home: () => go(0, -Infinity),
      End: () => go(0, Infinity),
      Enter: () => go(0, 0),
      Escape: () => scene.close(),
      "+": () => magnify(1.4),
      "=": () => magnify(1.4),
      "-": () => magnify(1 / 1.4),
    },
    view.signal,
  );
  view.listen(canvas, "click", (event) => {
    const found = cellAt(placeOf(event, canvas));
    if (found) scene.choose(found.channel, found.input);
  });
  view.listen(canvas, "pointermove", (event) => {
    const place = placeOf(event, canvas);
    const found = cellAt(place);
    scene.setHover(found);
    tip.show(place, found && `filter ${found.channel}, input ${found.input}`, found && scene.tell(found));
  });
  function leave() {
    tip.show([0, 0], null);
    scene.setHover(null);
    repaint();
  }
  view.listen(canvas, "pointerleave", leave);
  view.listen(frame, "scroll", leave);
  view.listen(
    canvas,
    "wheel",
    (event) => {
      if (!event.ctrlKey) return; // scrolls
      event.preventDefault();
      event.stopPropagation();
      magnify(Math.exp(-event.deltaY * 0.01), placeOf(event, canvas));
    },
    { passive: false },
  );
  const watch = new ResizeObserver(arrange);
  watch.observe(frame);
  view.signal.addEventListener("abort", () => watch.disconnect());

  function refresh(newFilters) {
    if (newFilters) {
      cell = 0;
      frame.scrollTo(0, 0);
    }
    arrange();
  }
  return { element, canvas, repaint, reveal, magnify, refresh };
}
