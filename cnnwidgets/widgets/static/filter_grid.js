// The filters of a convolution as tiles, and one of them closely.

import { floatsOf } from "./shared/bytes.js";
import { h, number, svg } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { openCloser, openGabor } from "./filters/closer.js";
import { openResponse } from "./filters/response.js";
import { openRows } from "./filters/rows.js";
import { openTiles } from "./filters/tiles.js";
import { readWeights } from "./filters/weights.js";

const SORTS = { number: "by number", norm: "by norm", explained: "by Gabor fit", firing: "by firing" };

function render({ model, el }) {
  const view = openView(model, el, "filters", "Filters");

  // what tiles, rows and the closer look share
  const scene = {
    maps: readWeights(model), hover: null, cell: 0, resized: () => gabor.repaint(),
    setHover, isMine, choose, close, tell, opened, input, stripes, order: () => arranged, responseRead,
  };
  let facts = {}; // what is known of each filter: arrays of numbers
  let arranged = [];

  function readFacts() {
    const names = ["explained", "orientation", "wavelength", "norms", "firing"];
    facts = Object.fromEntries(names.map((name) => [name, floatsOf(model.get(`_${name}`))]));
    sortFilters();
  }

  function sortFilters() {
    const values = { norm: facts.norms, explained: facts.explained, firing: facts.firing }[model.get("sort")];
    const key = (filter) => (Number.isFinite(values[filter]) ? values[filter] : -Infinity);
    const order = model.get("order");
    arranged = values?.length ? [...order].sort((a, b) => key(b) - key(a) || 0) : order;
  }

  // The opened filter; null if there is none.
  function opened() {
    const channel = model.get("channel");
    return channel !== null && channel < scene.maps.n ? channel : null;
  }

  // The input channel that is shown large; null where all three are, as colours.
  function input() {
    if (scene.maps.isTiles || opened() === null) return null;
    return model.get("input_channel") ?? scene.maps.strongestInput(opened());
  }

  // Of the Gabor that fits the opened filter; null where nothing is striped.
  function stripes() {
    const [orientation, wavelength] = [facts.orientation[opened()], facts.wavelength[opened()]];
    return Number.isFinite(orientation) && Number.isFinite(wavelength) ? { orientation, wavelength } : null;
  }

  function setHover(cell) {
    if (JSON.stringify(cell) === JSON.stringify(scene.hover)) return;
    scene.hover = cell;
    for (const part of [tiles, rows, closer]) part.repaint();
    readOut();
  }

  // Whether a cell is of what is shown large.
  function isMine(cell) {
    return cell && cell.channel === opened() && (cell.input ?? null) === input();
  }

  function choose(channel, from) {
    const isFirst = opened() === null;
    view.set(scene.maps.isTiles ? { channel } : { channel, input_channel: from });
    view.say(spoken());
    // below the tiles, what has opened may be out of sight
    if (isFirst) requestAnimationFrame(() => requestAnimationFrame(() => side.scrollIntoView?.({ block: "nearest" })));
  }

  function close() {
    const inside = side.contains(document.activeElement);
    view.set({ channel: null });
    if (inside) (scene.maps.isTiles ? tiles : rows).canvas.focus();
    view.say("closed");
  }

  // The weights at a pixel in words.
  function tell({ channel, input: from, row, column }) {
    const { maps } = scene;
    if (maps.note(channel)) return maps.note(channel);
    const weight = (one) => `${maps.isExact ? "" : "≈ "}${number(maps.value(channel, one, row, column))}`;
    const place = `row ${row}, column ${column} · `;
    if (maps.inputs === 3 && maps.isTiles) return `${place}${["R", "G", "B"].map((name, i) => `${name}\u00a0${weight(i)}`).join(" · ")}`;
    return `${place}${weight(from ?? 0)}`;
  }

  const tiles = openTiles(view, scene);
  const rows = openRows(view, scene);
  const closer = openCloser(view, scene);
  const gabor = openGabor(view, scene);
  const response = openResponse(view, scene);

  // -- controls and texts --

  const title = h("span", { class: "cw-title" });
  const size = h("span", { class: "cw-soft" });
  const choice = (value, text) => h("button", { type: "button", "data-normalise": value }, text);
  const scale = h("div", { class: "cw-choice", role: "group", "aria-label": "Brightness" }, choice("filter", "each filter"), choice("shared", "shared scale"));
  const sort = h("select", { "aria-label": "Order of the filters" });
  const zoomOut = h("button", { type: "button", class: "cw-button cw-square", "aria-label": "Smaller" }, svg("M3 8h10"));
  const zoomIn = h("button", { type: "button", class: "cw-button cw-square", "aria-label": "Larger" }, svg("M3 8h10M8 3v10"));
  const zooms = h("span", { class: "cw-filters-zoom" }, zoomOut, zoomIn);
  const untrained = h("div", { class: "cw-filters-untrained" }, svg("M8 2.5L14.5 13.5h-13zM8 6.5v3.5M8 11.9v.1"), h("span"));
  const note = h("div", { class: "cw-soft cw-filters-note" });
  const hint = h("div", { class: "cw-soft cw-filters-hint" }, "Click a filter to look closer.");
  const empty = h("div", { class: "cw-soft" }, "no filters yet");
  const heading = h("span", { class: "cw-title" });
  const broken = h("span", { class: "cw-soft" });
  const shut = h("button", { type: "button", class: "cw-plain cw-shut", "aria-label": "Close this filter" }, svg("M4 4l8 8M12 4l-8 8"));
  const ends = [h("span"), h("span", {}, "0"), h("span")];
  const greys = h("div", { class: "cw-greys", "aria-hidden": "true" }, h("div", { class: "cw-greys-bar" }), h("div", { class: "cw-greys-ends" }, ...ends));
  const reading = h("span", { class: "cw-reading cw-soft" });
  const figure = (name, canvas, caption, ...more) => h("figure", { class: `cw-figure cw-figure-${name}` }, canvas, h("figcaption", {}, caption, ...more));
  const explains = h("span", { class: "cw-soft" });
  const fit = h("div", { class: "cw-soft" });
  const ringed = h("span", { class: "cw-soft" }, " · ○ best Gabor");
  const answers = h("div", { class: "cw-soft cw-answers" });
  const known = h("div", { class: "cw-facts" });
  const gaborFigure = figure("gabor", gabor.canvas, h("div", {}, "best Gabor ", explains), fit);
  const responseFigure = figure("response", response.canvas, h("div", {}, "frequency response", ringed), answers);
  const side = h(
    "div",
    { class: "cw-filters-side" },
    h("div", { class: "cw-row cw-head" }, heading, broken, reading, shut),
    h("div", { class: "cw-looks" }, figure("closer", closer.canvas, greys), gaborFigure, responseFigure, known),
  );
  const main = h(
    "div",
    { class: "cw-filters-all" },
    h("div", { class: "cw-row cw-head" }, title, size),
    h("div", { class: "cw-row cw-filters-tools" }, scale, sort, zooms),
    untrained, note, tiles.element, rows.element, hint,
  );
  view.body.append(main, side, empty);

  function drawTexts() {
    const { maps } = scene;
    main.hidden = !maps.n;
    empty.hidden = maps.n > 0;
    side.hidden = opened() === null;
    if (!maps.n) return;
    view.root.classList.toggle("cw-filters-rows", !maps.isTiles);
    const texts = model.get("_texts");
    title.textContent = title.title = model.get("title");
    const what = `${maps.n} filters · ${maps.inputs} × ${maps.h} × ${maps.w}`;
    size.textContent = what;
    untrained.hidden = !model.get("untrained");
    untrained.lastChild.textContent = texts.untrained;
    note.textContent = model.get("note") || (maps.isTiles ? "" : texts.unreadable);
    note.hidden = !note.textContent;
    tiles.element.hidden = !maps.isTiles;
    rows.element.hidden = zooms.hidden = maps.isTiles;
    hint.hidden = opened() !== null;
    hint.textContent = maps.isTiles ? "Click a filter to look closer." : "Click a tile to look closer; scroll to see them all.";
    for (const button of scale.children) button.setAttribute("aria-pressed", String(button.dataset.normalise === model.get("normalise")));
    const called = [model.get("title"), what, model.get("untrained") ? "untrained" : ""].filter(Boolean).join(", ");
    tiles.canvas.setAttribute("aria-label", `${called}. Arrow keys open a filter, Escape closes it.`);
    rows.canvas.setAttribute("aria-label", `${called}. Up and down choose a filter, left and right its input, Escape closes it, plus and minus zoom.`);
    drawSorts();
    drawSide();
  }

  function drawSorts() {
    const there = Object.keys(SORTS).filter((name) => name === "number" || facts[name === "norm" ? "norms" : name].length);
    if ([...sort.options].map((option) => option.value).join() !== there.join()) {
      sort.replaceChildren(...there.map((name) => h("option", { value: name }, SORTS[name])));
    }
    sort.value = there.includes(model.get("sort")) ? model.get("sort") : "number";
  }

  function drawSide() {
    const { maps } = scene;
    const channel = opened();
    if (channel === null) return;
    const from = input();
    heading.textContent = from === null ? `filter ${channel}` : `filter ${channel}, input ${from}`;
    broken.textContent = maps.note(channel);
    const fine = !maps.note(channel);
    const white = maps.white(channel);
    greys.hidden = !(white > 0);
    [ends[0].textContent, ends[2].textContent] = [number(-white), number(white)];
    const isFitted = facts.explained.length ? Number.isFinite(facts.explained[channel]) : true;
    gaborFigure.hidden = !fine || !maps.fitted.length || !isFitted;
    responseFigure.hidden = !fine || !response.known();
    const [share, ...waves] = gaborWords(channel);
    explains.textContent = share ?? "";
    fit.textContent = waves.join(" · ");
    ringed.hidden = !stripes();
    gabor.canvas.setAttribute("aria-label", `best Gabor for filter ${channel}: ${gaborWords(channel).join(", ")}`);
    closer.canvas.setAttribute("aria-label", `${heading.textContent}, large. Arrow keys read the weights, Escape closes it.`);
    response.canvas.setAttribute("aria-label", `Frequency response of filter ${channel}. Arrow keys read it, Enter goes to its peak.`);
    known.replaceChildren(...rowsOfFacts(channel).flatMap(([name, value, more]) => [h("div", { class: "cw-fact" }, name), h("div", {}, value, more ? h("span", { class: "cw-soft" }, ` ${more}`) : "")]));
    responseRead();
    readOut();
  }

  function gaborWords(channel) {
    const explained = facts.explained[channel];
    if (!Number.isFinite(explained)) return [];
    const found = stripes();
    const degrees = `${Math.round(facts.orientation[channel]) % 180}°`;
    const single = Number.isFinite(facts.orientation[channel]) ? `an edge or a line at ${degrees}` : "not striped";
    const told = found ? [`stripes at ${degrees}`, `every ${found.wavelength.toFixed(1)} px`] : [single];
    return [`explains ${Math.round(100 * explained)} %`, ...(facts.orientation.length ? told : [])];
  }

  function rowsOfFacts(channel) {
    const { maps } = scene;
    const found = [];
    const rank = 1 + facts.norms.reduce((larger, norm) => larger + (norm > facts.norms[channel]), 0);
    if (Number.isFinite(facts.norms[channel])) found.push(["L2 norm", number(facts.norms[channel]), `rank ${rank} of ${maps.n}`]);
    const firing = facts.firing[channel];
    const where = model.get("_firing_layer");
    if (Number.isFinite(firing)) found.push(["fires at", `${(100 * firing).toFixed(1)} % of the places`, where && `in ${where}`]);
    // a fit without its picture
    if (gaborFigure.hidden && gaborWords(channel).length) found.push(["best Gabor", gaborWords(channel).join(" · "), ""]);
    return found;
  }

  function responseRead() {
    if (response.known() && opened() !== null) answers.textContent = response.reading();
  }

  function readOut() {
    const { hover } = scene;
    if (opened() === null) return;
    reading.textContent = isMine(hover) ? tell(hover) : "";
  }

  function spoken() {
    const channel = opened();
    return [heading.textContent, scene.maps.note(channel), ...gaborWords(channel)].filter(Boolean).join(", ");
  }

  // -- what changes --

  function redraw(newFilters) {
    scene.maps = readWeights(model);
    readFacts();
    response.refresh();
    drawTexts();
    tiles.refresh();
    rows.refresh(newFilters);
    for (const part of [closer, gabor]) part.repaint();
  }
  // several traits come in one message: painted once
  const readAll = view.eachFrame(() => {
    scene.hover = null;
    redraw(true);
  });
  const readAnalysis = view.eachFrame(() => redraw(false));

  view.listen(scale, "click", (event) => {
    const value = event.target.closest("button")?.dataset.normalise;
    if (value) view.set({ normalise: value });
  });
  view.listen(sort, "change", () => view.set({ sort: sort.value }));
  view.listen(zoomIn, "click", () => rows.magnify(1.4));
  view.listen(zoomOut, "click", () => rows.magnify(1 / 1.4));
  view.listen(shut, "click", close);

  view.on(["_shape", "_codes", "_scales", "_exact"], readAll);
  view.on(["_response", "_response_size", "_fitted", "_explained", "_orientation", "_wavelength", "_norms", "_firing", "_firing_layer", "_lut"], readAnalysis);
  view.on("normalise", () => redraw(false));
  view.on(["order", "sort", "columns"], () => {
    sortFilters();
    tiles.repaint();
    rows.refresh();
    drawTexts();
  });
  view.on(["channel", "input_channel"], () => {
    response.refresh();
    drawTexts();
    rows.reveal();
    for (const part of [tiles, rows, closer, gabor]) part.repaint();
  });
  view.on(["title", "note", "untrained", "_texts"], drawTexts);
  redraw(true);
  return view.close;
}

export default { render };
