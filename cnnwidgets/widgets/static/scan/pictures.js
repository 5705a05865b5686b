// Pictures on their way into a scan: many of them, so each as small as a network needs it.

import { FileError, jpegOf } from "../picker/files.js";

// Longest side of what is sent; networks take 96 to 512 pixels.
const SCAN_SIDE = 512;
// Pictures that are no larger than that go as they are, exactly, unless their files are larger than this.
const EXACT_BYTES = 1024 * 1024;
// So do files that only the kernel may know to read, as long as they are far below the 10 MiB that a message may have.
const UNKNOWN_BYTES = 4 * 1024 * 1024;

const PICTURE_NAMES = /\.(png|jpe?g|jfif|gif|webp|avif|hei[cf]|tiff?|bmp|dib|jp2|p[bgp]m|ico)$/i;

// The bytes to send for a file; FileError, with the file's name, if it cannot be sent.
export async function scanBytes(file) {
  const name = nameOf(file);
  if (!file.size) throw new FileError(`${name} is empty`);
  let picture = null;
  try {
    picture = await createImageBitmap(file); // turned as its EXIF says
  } catch {
    if (file.size <= UNKNOWN_BYTES) return bytesIn(file);
    const size = `${Math.round(file.size / 1048576)} MB`;
    throw new FileError(`${name} (${size}) cannot be read by this browser: save it as JPEG or PNG`);
  }
  try {
    const small = Math.max(picture.width, picture.height) <= SCAN_SIDE && file.size <= EXACT_BYTES;
    return small ? await bytesIn(file) : await jpegOf(picture, SCAN_SIDE, 0.92);
  } finally {
    picture.close();
  }
}

async function bytesIn(file) {
  try {
    return await file.arrayBuffer();
  } catch {
    throw new FileError(`${nameOf(file)} cannot be opened: was it moved or deleted?`);
  }
}

// Files in dropped folders are named with their folder.
export const nameOf = (file) => file.pathInFolder || file.name || "a picture";

// All files among dropped things, and all pictures in dropped folders. What was dropped is gone once the event has
// been dealt with, so this must be called right then.
export function filesIn(transfer) {
  const items = [...(transfer?.items ?? [])].filter((item) => item.kind === "file");
  const found = items.map((item) => {
    const entry = item.webkitGetAsEntry?.();
    return entry?.isDirectory ? picturesIn(entry) : [item.getAsFile()];
  });
  return Promise.all(found).then((lists) => lists.flat().filter(Boolean));
}

async function picturesIn(folder) {
  const reader = folder.createReader();
  const entries = [];
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail)); // a hundred at most
    if (!some.length) break;
    entries.push(...some);
  }
  entries.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  const files = [];
  for (const entry of entries) {
    if (entry.isDirectory) files.push(...(await picturesIn(entry)));
    else if (PICTURE_NAMES.test(entry.name) && !entry.name.startsWith(".")) {
      const file = await new Promise((done, fail) => entry.file(done, fail));
      file.pathInFolder = entry.fullPath.replace(/^\//, "");
      files.push(file);
    }
  }
  return files;
}
