// A model as anywidget gives it to a front end, without a kernel behind it.

const toBytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const unpack = (value) => (value && typeof value === "object" && "base64" in value ? toBytes(value.base64) : value);

function fakeModel(state) {
  const values = Object.fromEntries(Object.entries(state).map(([key, value]) => [key, unpack(value)]));
  const handlers = new Map();
  const changed = new Set();
  const model = {
    sent: [],
    sentAt: [],
    messages: [],
    handlers,
    get: (name) => values[name],
    set(name, value) {
      if (Object.is(values[name], value) || JSON.stringify(values[name]) === JSON.stringify(value)) {
        if (!(value instanceof DataView)) return;
      }
      values[name] = value;
      changed.add(name);
      for (const handler of [...(handlers.get(`change:${name}`) ?? [])]) handler(model, value);
    },
    save_changes() {
      if (!changed.size) return;
      model.sent.push(Object.fromEntries([...changed].map((name) => [name, values[name]])));
      model.sentAt.push(performance.now());
      changed.clear();
    },
    send(content, callbacks, buffers = []) {
      const text = (bytes) => {
        let binary = "";
        for (const byte of new Uint8Array(bytes)) binary += String.fromCharCode(byte);
        return btoa(binary);
      };
      model.messages.push({ ...content, buffers: buffers.map(text) });
    },
    on(event, handler) {
      if (!handlers.has(event)) handlers.set(event, new Set());
      handlers.get(event).add(handler);
    },
    off(event, handler) {
      handlers.get(event)?.delete(handler);
    },
    // from the kernel: all set before anyone hears of it, as Backbone does
    update(state) {
      for (const [name, value] of Object.entries(state)) values[name] = unpack(value);
      for (const name of Object.keys(state)) for (const handler of [...(handlers.get(`change:${name}`) ?? [])]) handler(model, values[name]);
    },
    listening: () => [...handlers.values()].reduce((total, set) => total + set.size, 0),
  };
  return model;
}

let widget;
window.cleanups = [];

window.load = async (esm, css, state) => {
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  widget = (await import(url)).default;
  URL.revokeObjectURL(url);
  window.model = fakeModel(state);
};

window.view = async () => {
  const el = document.createElement("div");
  el.className = "view";
  document.body.append(el);
  window.cleanups.push(await widget.render({ model: window.model, el, experimental: {} }));
  return window.cleanups.length - 1;
};

window.update = (state) => window.model.update(state);

window.pixels = (selector) => {
  const canvas = document.querySelector(selector);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let hash = 0;
  for (let i = 0; i < data.length; i += 1) hash = (Math.imul(hash, 31) + data[i]) | 0;
  return hash;
};
