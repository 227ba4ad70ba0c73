/**
 * Geometric transforms that look up every output pixel in the input. Places are whole steps of 1/32 pixel, as in
 * OpenCV's `warpAffine` and `warpPerspective`, so that results agree to one grey level.
 *
 * `matrix`: nine f64, row by row, from output to input places. `weights`: for each of the 32 fractions `taps` f32;
 * taps: 1 nearest, 2 linear, 4 cubic, 8 Lanczos. `places`: scratch of 8 bytes per output column.
 */

const CONSTANT: i32 = 0;
const REPLICATE: i32 = 1;
const REFLECT: i32 = 2;
const WRAP: i32 = 3;

export function warp(
  from: usize,
  width: i32,
  height: i32,
  to: usize,
  toWidth: i32,
  toHeight: i32,
  matrix: usize,
  taps: i32,
  weights: usize,
  border: i32,
  fill: i32,
  places: usize,
): void {
  const isAffine = load<f64>(matrix, 48) == 0 && load<f64>(matrix, 56) == 0 && load<f64>(matrix, 64) == 1;
  const isStraight = isAffine && load<f64>(matrix, 8) == 0 && load<f64>(matrix, 24) == 0;
  if (isStraight && taps == 2 && border == CONSTANT && load<f64>(matrix) > 0) {
    warpStraight(from, width, height, to, toWidth, toHeight, matrix, fill, places);
    return;
  }
  for (let y = 0; y < toHeight; y++) {
    if (isAffine) placeAffine(matrix, y, toWidth, taps, places);
    else placePerspective(matrix, y, toWidth, taps, places);
    const row = to + <usize>y * toWidth * 3;
    if (taps == 1) sampleNearest(from, width, height, row, toWidth, border, fill, places);
    else if (taps == 2) sampleLinear(from, width, height, row, toWidth, border, fill, places);
    else sampleWide(from, width, height, row, toWidth, border, fill, places, taps, weights);
  }
}

/** Rounded to i32, ends kept. */
@inline
function round(value: f64): i32 {
  return <i32>nearest(value);
}

/** Places of one row: x and y of every pixel, i32. Sums are of 1/1024 pixels, each rounded by itself. */
function placeAffine(matrix: usize, y: i32, width: i32, taps: i32, places: usize): void {
  const extra = taps == 1 ? 512 : 16;
  const bits = taps == 1 ? 10 : 5;
  const x0 = round((load<f64>(matrix, 8) * y + load<f64>(matrix, 16)) * 1024) + extra;
  const y0 = round((load<f64>(matrix, 32) * y + load<f64>(matrix, 40)) * 1024) + extra;
  const dx = load<f64>(matrix) * 1024;
  const dy = load<f64>(matrix, 24) * 1024;
  for (let x = 0; x < width; x++) {
    store<i32>(places, (x0 + round(dx * x)) >> bits);
    store<i32>(places, (y0 + round(dy * x)) >> bits, 4);
    places += 8;
  }
}

function placePerspective(matrix: usize, y: i32, width: i32, taps: i32, places: usize): void {
  const unit: f64 = taps == 1 ? 1 : 32;
  const x0 = load<f64>(matrix, 8) * y + load<f64>(matrix, 16);
  const y0 = load<f64>(matrix, 32) * y + load<f64>(matrix, 40);
  const w0 = load<f64>(matrix, 56) * y + load<f64>(matrix, 64);
  for (let x = 0; x < width; x++) {
    const w = w0 + load<f64>(matrix, 48) * x;
    const scale = w == 0 ? 0 : unit / w;
    store<i32>(places, round((x0 + load<f64>(matrix) * x) * scale));
    store<i32>(places, round((y0 + load<f64>(matrix, 24) * x) * scale), 4);
    places += 8;
  }
}

/** The place that stands in for `at` outside 0 … `size` − 1; −1 where the border has its own colour. */
function inside(at: i32, size: i32, border: i32): i32 {
  if (<u32>at < <u32>size) return at;
  if (border == CONSTANT) return -1;
  if (border == REPLICATE) return at < 0 ? 0 : size - 1;
  if (border == WRAP) {
    const rest = at % size;
    return rest < 0 ? rest + size : rest;
  }
  if (size == 1) return 0;
  const isWhole = border == REFLECT;
  const period = isWhole ? 2 * size : 2 * size - 2;
  let rest = at % period;
  if (rest < 0) rest += period;
  if (rest < size) return rest;
  return isWhole ? period - 1 - rest : period - rest;
}

@inline
function storeColour(to: usize, colour: i32): void {
  store<u16>(to, <u16>colour);
  store<u8>(to, <u8>(colour >>> 16), 2);
}

@inline
function loadColour(from: usize, width: i32, height: i32, x: i32, y: i32, border: i32, fill: i32): i32 {
  const column = inside(x, width, border);
  const row = inside(y, height, border);
  if (column < 0 || row < 0) return fill;
  return load<i32>(from + (<usize>row * width + column) * 3);
}

function sampleNearest(
  from: usize, width: i32, height: i32, to: usize, toWidth: i32, border: i32, fill: i32, places: usize,
): void {
  for (let i = 0; i < toWidth; i++) {
    const colour = loadColour(from, width, height, load<i32>(places), load<i32>(places, 4), border, fill);
    storeColour(to, colour);
    places += 8;
    to += 3;
  }
}

/** The bytes a0 a1 a2 b0 b1 b2 of two neighbours as a0 b0 a1 b1 a2 b2 in i16. */
@inline
function pairs(pixels: v128): v128 {
  return i16x8.extend_low_i8x16_u(i8x16.shuffle(pixels, pixels, 0, 3, 1, 4, 2, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0));
}

@inline
function couple(left: i32, right: i32): v128 {
  const both = i32x4.replace_lane(i32x4.splat(left & 0xffffff), 1, right);
  return i16x8.extend_low_i8x16_u(i8x16.shuffle(both, both, 0, 4, 1, 5, 2, 6, 3, 7, 0, 0, 0, 0, 0, 0, 0, 0));
}

@inline
function fraction(part: i32): v128 {
  return i32x4.splat((part << 16) | (32 - part));
}

@inline
function storeThousandths(to: usize, sums: v128): void {
  const whole = i32x4.shr_u(i32x4.add(sums, i32x4.splat(512)), 10);
  const words = i16x8.narrow_i32x4_s(whole, whole);
  storeColour(to, i32x4.extract_lane(i8x16.narrow_i16x8_u(words, words), 0));
}

function sampleLinear(
  from: usize, width: i32, height: i32, to: usize, toWidth: i32, border: i32, fill: i32, places: usize,
): void {
  const stride = <usize>width * 3;
  for (let i = 0; i < toWidth; i++) {
    const px = load<i32>(places);
    const py = load<i32>(places, 4);
    const x = px >> 5;
    const y = py >> 5;
    let top: v128;
    let bottom: v128;
    if (<u32>x < <u32>(width - 1) && <u32>y < <u32>(height - 1)) {
      const at = from + <usize>y * stride + <usize>x * 3;
      top = pairs(v128.load64_zero(at));
      bottom = pairs(v128.load64_zero(at + stride));
    } else if (border == CONSTANT && (x < -1 || y < -1 || x >= width || y >= height)) {
      storeColour(to, fill);
      places += 8;
      to += 3;
      continue;
    } else {
      top = couple(
        loadColour(from, width, height, x, y, border, fill),
        loadColour(from, width, height, x + 1, y, border, fill),
      );
      bottom = couple(
        loadColour(from, width, height, x, y + 1, border, fill),
        loadColour(from, width, height, x + 1, y + 1, border, fill),
      );
    }
    const across = fraction(px & 31);
    const fy = py & 31;
    const sums = i32x4.add(
      i32x4.mul(i32x4.dot_i16x8_s(top, across), i32x4.splat(32 - fy)),
      i32x4.mul(i32x4.dot_i16x8_s(bottom, across), i32x4.splat(fy)),
    );
    storeThousandths(to, sums);
    places += 8;
    to += 3;
  }
}

function sampleWide(
  from: usize, width: i32, height: i32, to: usize, toWidth: i32, border: i32, fill: i32, places: usize,
  taps: i32, weights: usize,
): void {
  const stride = <usize>width * 3;
  const before = (taps >> 1) - 1;
  for (let i = 0; i < toWidth; i++) {
    const px = load<i32>(places);
    const py = load<i32>(places, 4);
    const x = (px >> 5) - before;
    const y = (py >> 5) - before;
    const across = weights + ((<usize>(px & 31) * taps) << 2);
    const down = weights + ((<usize>(py & 31) * taps) << 2);
    const isWhole = x >= 0 && y >= 0 && x + taps <= width && y + taps <= height;
    let total = f32x4.splat(0);
    for (let j = 0; j < taps; j++) {
      let line = f32x4.splat(0);
      for (let k = 0; k < taps; k++) {
        const colour = isWhole
          ? load<i32>(from + <usize>(y + j) * stride + <usize>(x + k) * 3)
          : loadColour(from, width, height, x + k, y + j, border, fill);
        const channels = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(i32x4.splat(colour)));
        const weight = v128.load32_splat(across + (<usize>k << 2));
        line = f32x4.add(line, f32x4.mul(weight, f32x4.convert_i32x4_u(channels)));
      }
      total = f32x4.add(total, f32x4.mul(v128.load32_splat(down + (<usize>j << 2)), line));
    }
    const rounded = i32x4.trunc_sat_f32x4_s(f32x4.nearest(total));
    const words = i16x8.narrow_i32x4_s(rounded, rounded);
    storeColour(to, i32x4.extract_lane(i8x16.narrow_i16x8_u(words, words), 0));
    places += 8;
    to += 3;
  }
}

/**
 * Scaling and shifting alone, linear, constant border: a row is mixed from two input rows at once, then its columns.
 * `places` also holds that row: i16 of 32 times the value, with one pixel of the border's colour at either end.
 */
function warpStraight(
  from: usize, width: i32, height: i32, to: usize, toWidth: i32, toHeight: i32, matrix: usize, fill: i32,
  places: usize,
): void {
  placeAffine(matrix, 0, toWidth, 2, places);
  const stride = <usize>width * 3;
  const first = countBelow(places, toWidth, -1);
  const last = countBelow(places, toWidth, width);
  // The last group of four may read places behind the last column.
  for (let x = 0; x < 4; x++) store<i32>(places + (<usize>(toWidth + x) << 3), 0);
  weighColumns(places, toWidth + 4, width << 5);
  const row = (places + (<usize>(toWidth + 4) << 3) + 15) & ~15;
  // The border's pixel ends where the first pixel of the row begins.
  const pixels = row + 16;
  const y0 = load<f64>(matrix, 32);
  const shift = load<f64>(matrix, 40);
  const fillRow = pixels + ((stride << 1) + 64 & ~15);
  for (let at: usize = 0; at < stride; at += 3) storeColour(fillRow + at, fill);
  for (let y = 0; y < toHeight; y++, to += <usize>toWidth * 3) {
    const py = (round((y0 * y + shift) * 1024) + 16) >> 5;
    const upper = py >> 5;
    if (upper < -1 || upper >= height) {
      fillPixels(to, to + <usize>toWidth * 3, fill);
      continue;
    }
    const top = upper < 0 ? fillRow : from + <usize>upper * stride;
    const bottom = upper + 1 >= height ? fillRow : from + <usize>(upper + 1) * stride;
    const fy = py & 31;
    const a = i16x8.splat(<i16>(32 - fy));
    const b = i16x8.splat(<i16>fy);
    for (let at: usize = 0; at < stride; at += 16) {
      const u = v128.load(top + at);
      const l = v128.load(bottom + at);
      v128.store(pixels + (at << 1), i16x8.add(
        i16x8.mul(i16x8.extend_low_i8x16_u(u), a), i16x8.mul(i16x8.extend_low_i8x16_u(l), b)));
      v128.store(pixels + (at << 1) + 16, i16x8.add(
        i16x8.mul(i16x8.extend_high_i8x16_u(u), a), i16x8.mul(i16x8.extend_high_i8x16_u(l), b)));
    }
    for (let c: usize = 0; c < 3; c++) {
      const value = <u16>(((fill >> (<i32>c << 3)) & 255) << 5);
      store<u16>(pixels - 6 + (c << 1), value);
      store<u16>(pixels + (stride << 1) + (c << 1), value);
    }
    sampleColumns(pixels, to, toWidth, first, last, fill, places);
  }
}

/** Where the columns from `places` on have left neighbours below `limit`, at most `count` of them; steps grow. */
function countBelow(places: usize, count: i32, limit: i32): i32 {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<i32>(places + (<usize>middle << 3)) >> 5 < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function fillPixels(to: usize, end: usize, fill: i32): void {
  for (; to < end; to += 3) storeColour(to, fill);
}

/** One column mixed from two neighbours, in whole levels, i32. */
@inline
function mixTwo(pixels: usize, places: usize): v128 {
  const px = load<i32>(places);
  const two = v128.load(pixels + (px >> 5) * 6);
  const mixed = i16x8.shuffle(two, two, 0, 3, 1, 4, 2, 5, 6, 7);
  const sums = i32x4.dot_i16x8_s(mixed, v128.load32_splat(places, 4));
  return i32x4.shr_u(i32x4.add(sums, i32x4.splat(512)), 10);
}

/** From `first` to before `last` the columns touch the picture. */
function sampleColumns(
  pixels: usize, to: usize, toWidth: i32, first: i32, last: i32, fill: i32, places: usize,
): void {
  const begin = to + <usize>first * 3;
  const end = to + <usize>last * 3;
  fillPixels(to, begin, fill);
  places += <usize>first << 3;
  let out = begin;
  // Four pixels are 12 bytes of 16 that are stored; what is too much is overwritten by what follows.
  for (; out < end; out += 12, places += 32) {
    const low = i16x8.narrow_i32x4_s(mixTwo(pixels, places), mixTwo(pixels, places + 8));
    const high = i16x8.narrow_i32x4_s(mixTwo(pixels, places + 16), mixTwo(pixels, places + 24));
    const four = i8x16.narrow_i16x8_u(low, high);
    v128.store(out, i8x16.shuffle(four, four, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15, 15, 15, 15));
  }
  fillPixels(end, to + <usize>toWidth * 3, fill);
}

/** Stores beside each column's place the weights of its two neighbours, i16 each; places end at `limit`. */
function weighColumns(places: usize, count: i32, limit: i32): void {
  for (let x = 0; x < count; x++, places += 8) {
    const place = min(load<i32>(places), limit);
    const part = place & 31;
    store<i32>(places, place);
    store<i32>(places, (part << 16) | (32 - part), 4);
  }
}
