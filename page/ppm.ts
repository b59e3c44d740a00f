/**
 * Reads a portable pixmap (P6, as QEMU before 7.1 takes its screen), which browsers do not show. Pure: bytes in,
 * pixels out, with a limit on both, because the bytes come from a guest's screen.
 */

export type Pixels = {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, alpha; rows from the top. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
};

/** A screen of 8K has 33 million pixels; a guest's console has half a million. */
const maxPixels = 40_000_000;

/** The picture, or undefined for what is none. */
export function readPixmap(bytes: Uint8Array): Pixels | undefined {
  const head = headOf(bytes);
  if (head === undefined) return undefined;
  const { width, height, most, offset } = head;
  const pixels = width * height;
  if (width < 1 || height < 1 || pixels > maxPixels || most !== 255) return undefined;
  if (bytes.length < offset + pixels * 3) return undefined;
  const rgba = new Uint8ClampedArray(pixels * 4);
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    const from = offset + pixel * 3;
    rgba[pixel * 4] = bytes[from] ?? 0;
    rgba[pixel * 4 + 1] = bytes[from + 1] ?? 0;
    rgba[pixel * 4 + 2] = bytes[from + 2] ?? 0;
    rgba[pixel * 4 + 3] = 255;
  }
  return { width, height, rgba };
}

/** Magic number, width, height and highest value as words, with comments up to a line's end, then one blank. */
function headOf(bytes: Uint8Array) {
  const words: string[] = [];
  let at = 0;
  while (words.length < 4 && at < Math.min(bytes.length, 1024)) {
    const char = String.fromCharCode(bytes[at] ?? 0);
    if (char === '#') {
      while (at < bytes.length && bytes[at] !== 10) at += 1;
    } else if (/\s/.test(char)) {
      at += 1;
    } else {
      let word = '';
      while (at < bytes.length && word.length < 10 && !/\s/.test(String.fromCharCode(bytes[at] ?? 32))) {
        word += String.fromCharCode(bytes[at] ?? 0);
        at += 1;
      }
      words.push(word);
    }
  }
  const [magic, width = '', height = '', most = ''] = words;
  if (magic !== 'P6' || ![width, height, most].every((word) => /^\d{1,6}$/.test(word))) return undefined;
  return { width: Number(width), height: Number(height), most: Number(most), offset: at + 1 };
}
