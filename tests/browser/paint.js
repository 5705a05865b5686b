// Loaded into every page before its own scripts: when have the pixels of a canvas really changed?
window.cwPaint = {
  // One number for all pixels (FNV-1a over 32-bit pixels): equal pixels, equal number.
  fingerprint(canvas) {
    if (!canvas.width || !canvas.height) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(data.buffer);
    let hash = 2166136261;
    for (let i = 0; i < pixels.length; i++) hash = Math.imul(hash ^ pixels[i], 16777619);
    return hash >>> 0;
  },

  // How many colours a canvas shows, counted up to two: one is an empty canvas.
  colours(canvas) {
    if (!canvas.width || !canvas.height) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(data.buffer);
    return pixels.some((pixel) => pixel !== pixels[0]) ? 2 : 1;
  },

  // The time just after the next frame was handed to the compositor: a message posted from inside an animation frame is
  // delivered when that frame's style, layout and paint are over.
  nextPaint() {
    return new Promise((resolve) =>
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => resolve(performance.now());
        channel.port2.postMessage(0);
      }),
    );
  },

  // The fingerprint once it has been the same for `frames` painted frames, however long these take; null if it never is.
  async settled(canvas, frames = 20, timeout = 30000) {
    const deadline = performance.now() + timeout;
    let [before, same] = [this.fingerprint(canvas), 0];
    while (same < frames) {
      if (performance.now() > deadline) return null;
      await this.nextPaint();
      const now = this.fingerprint(canvas);
      same = now === before ? same + 1 : 0;
      before = now;
    }
    return before;
  },

  // From now on, note in `canvas.cwSeen` the fingerprint of each painted frame that differs from the one before.
  async film(canvas) {
    canvas.cwSeen = [this.fingerprint(canvas)];
    while (canvas.isConnected) {
      await this.nextPaint();
      const now = this.fingerprint(canvas);
      if (now !== canvas.cwSeen.at(-1)) canvas.cwSeen.push(now);
    }
  },

  // From now on, watch for the first `eventType` and then for the first painted frame in which the canvas differs.
  // Read the answer with `await cwPaint.armed`: {ms} from the event's own time stamp, null when nothing changed in time.
  arm(canvas, eventType, timeout = 30000) {
    const before = this.fingerprint(canvas);
    let since = null;
    const onEvent = (event) => {
      since ??= event.timeStamp;
    };
    window.addEventListener(eventType, onEvent, { capture: true });
    const watch = async () => {
      const deadline = performance.now() + timeout;
      for (;;) {
        const now = await this.nextPaint();
        const changed = since !== null && this.fingerprint(canvas) !== before;
        if (!changed && now < deadline) continue;
        window.removeEventListener(eventType, onEvent, { capture: true });
        return { ms: changed ? now - since : null, sawEvent: since !== null };
      }
    };
    this.armed = watch();
  },
};
