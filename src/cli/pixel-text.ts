/** Seven rows of five pixels, a digit of base 32 for each row, the left pixel in its highest bit. */
const glyphs: Readonly<Record<string, string>> = {
  A: 'ehhvhhh',
  B: 'uhhuhhu',
  C: 'ehggghe',
  D: 'uhhhhhu',
  E: 'vgguggv',
  F: 'vgguggg',
  G: 'ehgnhhf',
  H: 'hhhvhhh',
  I: 'e44444e',
  J: '72222ic',
  K: 'hikokih',
  L: 'ggggggv',
  M: 'hrllhhh',
  N: 'hhpljhh',
  O: 'ehhhhhe',
  P: 'uhhuggg',
  Q: 'ehhhlid',
  R: 'uhhukih',
  S: 'fgge11u',
  T: 'v444444',
  U: 'hhhhhhe',
  V: 'hhhhha4',
  W: 'hhhllla',
  X: 'hha4ahh',
  Y: 'hha4444',
  Z: 'v1248gv',
  0: 'ehjlphe',
  1: '4c4444e',
  2: 'eh1248v',
  3: 'v2421he',
  4: '26aiv22',
  5: 'vgu11he',
  6: '68guhhe',
  7: 'v124888',
  8: 'ehhehhe',
  9: 'ehhf12c',
  ' ': '0000000',
  '-': '000v000',
  _: '000000v',
  '.': '00000cc',
  ',': '0000448',
  '+': '044v440',
  '/': '11248gg',
  '(': '2488842',
  ')': '8422248',
  '#': 'aavavaa',
  '=': '00v0v00',
  ':': '0cc0cc0',
};
const unknown = 'vhhhhhv';

/** Pixels from one character to the next, and from one line to the next. */
export const characterWidth = 6;
export const lineHeight = 10;

interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Writes one line in capitals with its left upper corner at (x, y); what does not fit is left out. */
export function drawText({ width, height, data }: Canvas, x: number, y: number, text: string): void {
  Array.from(text.toUpperCase()).forEach((character, place) => {
    const glyph = glyphs[character] ?? unknown;
    for (let row = 0; row < 7; row++) {
      const bits = Number.parseInt(glyph[row], 32);
      for (let column = 0; column < 5; column++) {
        const [px, py] = [x + place * characterWidth + column, y + row];
        if ((bits >> (4 - column)) % 2 === 0 || px >= width || py >= height) continue;
        data.fill(30, (py * width + px) * 3, (py * width + px) * 3 + 3);
      }
    }
  });
}

/** `words` in lines of at most `columns` characters; longer words are cut with a dot. */
export function wrapWords(words: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const fitting = word.length > columns ? `${word.slice(0, columns - 1)}.` : word;
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + fitting.length <= columns) {
      lines[lines.length - 1] = `${last} ${fitting}`;
    } else {
      lines.push(fitting);
    }
  }
  return lines;
}
