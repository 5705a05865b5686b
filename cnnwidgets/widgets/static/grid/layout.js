// Where the tiles are.

// Room around the tiles for the frame of the chosen one, in CSS pixels.
export const MARGIN = 4;

// Tiles as large as they can be in a box of this width and at most this height.
export function arrange(n, h, w, width, tallest, wanted, ratio) {
  const many = Math.max(n, 1);
  const gap = many > 1024 ? 1 / ratio : many > 100 ? 2 : 3;
  width -= 2 * MARGIN;
  const fit = (columns) => {
    const rows = Math.ceil(many / columns);
    return Math.min((width - gap * (columns - 1)) / columns / w, (tallest - gap * (rows - 1)) / rows / h);
  };
  let columns = Math.min(wanted, many);
  if (!columns) {
    columns = 1;
    for (let c = 2; c <= many; c++) if (fit(c) > fit(columns)) columns = c;
  }
  let cell = Math.max(fit(columns), 0.01); // side of a cell of the map, in CSS pixels
  cell = Math.min(cell, 128 / Math.min(h, w)); // a few small maps need not fill the page
  // whole pixels of the screen for each cell, where that costs little size
  const whole = Math.floor(cell * ratio) / ratio;
  if (whole * ratio >= 3) cell = whole;
  const rows = Math.ceil(many / columns);
  const [tw, th] = [cell * w, cell * h];
  return {
    columns, rows, gap, tw, th,
    height: rows * (th + gap) - gap + 2 * MARGIN,
    box: (place) => [MARGIN + (place % columns) * (tw + gap), MARGIN + Math.floor(place / columns) * (th + gap)],
  };
}

// The part of the tiles that is in view: screen = content * k + (x, y).
export function openZoom(largest = 40) {
  const zoom = { k: 1, x: 0, y: 0, by, pan, reset, into };
  let size = [1, 1];

  function settle() {
    zoom.x = Math.min(0, Math.max(zoom.x, size[0] * (1 - zoom.k)));
    zoom.y = Math.min(0, Math.max(zoom.y, size[1] * (1 - zoom.k)));
  }

  function by(factor, x, y, box) {
    if (box) size = box;
    const k = Math.min(largest, Math.max(1, zoom.k * factor));
    zoom.x = x - ((x - zoom.x) / zoom.k) * k;
    zoom.y = y - ((y - zoom.y) / zoom.k) * k;
    zoom.k = k;
    settle();
  }

  function pan(dx, dy) {
    zoom.x += dx;
    zoom.y += dy;
    settle();
  }

  function reset() {
    Object.assign(zoom, { k: 1, x: 0, y: 0 });
  }

  // Bring a box into view.
  function into([left, top], [width, height]) {
    const lack = (at, side, room) => (at < 0 ? -at : at + side > room ? room - at - side : 0);
    pan(
      lack(left * zoom.k + zoom.x, width * zoom.k, size[0]),
      lack(top * zoom.k + zoom.y, height * zoom.k, size[1]),
    );
  }

  return zoom;
}
