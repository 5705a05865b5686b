// Bytes of the kernel as arrays of numbers.

// They come as DataView, from other front ends also as ArrayBuffer or typed array.
export function bytesOf(value) {
  if (!value) return new Uint8Array(0);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

export function floatsOf(value) {
  // copied, as floats must start at a multiple of four and these bytes may lie anywhere in a message
  return new Float32Array(bytesOf(value).slice().buffer);
}

// A JPEG or PNG as something that a canvas can draw; null for no bytes or broken ones.
export async function pictureOf(value, type = "image/jpeg") {
  const bytes = bytesOf(value);
  if (!bytes.length) return null;
  try {
    return await createImageBitmap(new Blob([bytes], { type }));
  } catch {
    return null;
  }
}
