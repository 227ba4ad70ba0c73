// What happens to each pixel or value by itself.

/** `table`: 256 bytes, in place. */
export function lookUp(at: usize, bytes: usize, table: usize): void {
  const end = at + bytes;
  for (; at + 4 <= end; at += 4) {
    const x = load<u32>(at);
    store<u32>(
      at,
      <u32>load<u8>(table + (x & 255)) |
        (<u32>load<u8>(table + ((x >>> 8) & 255)) << 8) |
        (<u32>load<u8>(table + ((x >>> 16) & 255)) << 16) |
        (<u32>load<u8>(table + (x >>> 24)) << 24),
    );
  }
  for (; at < end; at++) store<u8>(at, load<u8>(table + load<u8>(at)));
}

/** Sum of all bytes. */
export function sum(at: usize, bytes: usize): f64 {
  let total: u64 = 0;
  for (let i: usize = 0; i < bytes; i++) total += load<u8>(at + i);
  return <f64>total;
}

export function mirrorColumns(at: usize, width: i32, height: i32): void {
  const stride = <usize>width * 3;
  for (let y = 0; y < height; y++, at += stride) {
    let left = at;
    let right = at + stride - 3;
    while (left < right) {
      const a0 = load<u16>(left), a1 = load<u8>(left, 2);
      const b0 = load<u16>(right), b1 = load<u8>(right, 2);
      store<u16>(left, b0);
      store<u8>(left, b1, 2);
      store<u16>(right, a0);
      store<u8>(right, a1, 2);
      left += 3;
      right -= 3;
    }
  }
}

/** `row`: scratch of one row. */
export function flipRows(at: usize, width: i32, height: i32, row: usize): void {
  const stride = <usize>width * 3;
  let top = at;
  let bottom = at + <usize>(height - 1) * stride;
  for (; top < bottom; top += stride, bottom -= stride) {
    memory.copy(row, top, stride);
    memory.copy(top, bottom, stride);
    memory.copy(bottom, row, stride);
  }
}

/** Colours `width × height` pixels from (x, y), which lie inside a picture of `pictureWidth`. */
export function fillRectangle(
  at: usize, pictureWidth: i32, x: i32, y: i32, width: i32, height: i32, colour: i32,
): void {
  for (let row = y; row < y + height; row++) {
    let pixel = at + (<usize>row * pictureWidth + x) * 3;
    const end = pixel + <usize>width * 3;
    for (; pixel < end; pixel += 3) {
      store<u16>(pixel, <u16>colour);
      store<u8>(pixel, <u8>(colour >>> 16), 2);
    }
  }
}

/** Copies rows of `bytes` bytes between pictures whose rows lie `fromStride` and `toStride` bytes apart. */
export function copyRectangle(
  from: usize, fromStride: usize, to: usize, toStride: usize, bytes: usize, rows: i32,
): void {
  for (let row = 0; row < rows; row++) {
    memory.copy(to, from, bytes);
    from += fromStride;
    to += toStride;
  }
}

/** at = trunc(at · weight + other · (1 − weight)) in float64. */
export function mix(at: usize, other: usize, bytes: usize, weight: f64): void {
  const a = f64x2.splat(weight);
  const b = f64x2.splat(1 - weight);
  for (let i: usize = 0; i < bytes; i += 8) {
    const x = i16x8.extend_low_i8x16_u(v128.load64_zero(at + i));
    const y = i16x8.extend_low_i8x16_u(v128.load64_zero(other + i));
    const low = mixFour(i32x4.extend_low_i16x8_u(x), i32x4.extend_low_i16x8_u(y), a, b);
    const high = mixFour(i32x4.extend_high_i16x8_u(x), i32x4.extend_high_i16x8_u(y), a, b);
    const words = i16x8.narrow_i32x4_s(low, high);
    v128.store64_lane(at + i, i8x16.narrow_i16x8_u(words, words), 0);
  }
}

@inline
function mixFour(x: v128, y: v128, a: v128, b: v128): v128 {
  const low = mixTwo(x, y, a, b);
  const high = mixTwo(
    i32x4.shuffle(x, x, 2, 3, 2, 3), i32x4.shuffle(y, y, 2, 3, 2, 3), a, b);
  return i32x4.shuffle(low, high, 0, 2, 4, 6);
}

/** Whole levels in the low halves of both f64: added to 2^52, a whole number is its own bit pattern. */
@inline
function mixTwo(x: v128, y: v128, a: v128, b: v128): v128 {
  const sums = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_s(x), a), f64x2.mul(f64x2.convert_low_i32x4_s(y), b));
  return f64x2.add(f64x2.trunc(sums), f64x2.splat(4503599627370496));
}

/** Finaliser of MurmurHash3 on four lanes. */
@inline
function hash(h: v128): v128 {
  h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 16)), i32x4.splat(0x85ebca6b));
  h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 13)), i32x4.splat(0xc2b2ae35));
  return v128.xor(h, i32x4.shr_u(h, 16));
}

/**
 * Adds noise that depends on `seed` and the place alone. `table`: 4096 equally likely values, i16, in 1/64 grey
 * levels. With `isShared` the three channels of a pixel get the same value. Sums are cut to whole levels.
 */
export function addNoise(at: usize, bytes: usize, seed: u32, table: usize, isShared: i32): void {
  let counter = i32x4.add(
    i32x4.splat(seed), i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(0x9e3779b9)));
  const step = i32x4.splat(0x78dde6e4);
  const end = at + bytes;
  for (; at < end; at += isShared ? 24 : 8) {
    const h = hash(counter);
    counter = i32x4.add(counter, step);
    let noise = i16x8.splat(0);
    const a = <u32>i32x4.extract_lane(h, 0), b = <u32>i32x4.extract_lane(h, 1);
    const c = <u32>i32x4.extract_lane(h, 2), d = <u32>i32x4.extract_lane(h, 3);
    noise = v128.load16_lane(table + ((a & 4095) << 1), noise, 0);
    noise = v128.load16_lane(table + (a >>> 20 << 1), noise, 1);
    noise = v128.load16_lane(table + ((b & 4095) << 1), noise, 2);
    noise = v128.load16_lane(table + (b >>> 20 << 1), noise, 3);
    noise = v128.load16_lane(table + ((c & 4095) << 1), noise, 4);
    noise = v128.load16_lane(table + (c >>> 20 << 1), noise, 5);
    noise = v128.load16_lane(table + ((d & 4095) << 1), noise, 6);
    noise = v128.load16_lane(table + (d >>> 20 << 1), noise, 7);
    if (isShared) {
      addEight(at, i16x8.shuffle(noise, noise, 0, 0, 0, 1, 1, 1, 2, 2));
      addEight(at + 8, i16x8.shuffle(noise, noise, 2, 3, 3, 3, 4, 4, 4, 5));
      addEight(at + 16, i16x8.shuffle(noise, noise, 5, 5, 6, 6, 6, 7, 7, 7));
    } else {
      addEight(at, noise);
    }
  }
}

@inline
function addEight(at: usize, noise: v128): void {
  const levels = i16x8.shl(i16x8.extend_low_i8x16_u(v128.load64_zero(at)), 6);
  const sums = i16x8.shr_s(i16x8.add_sat_s(levels, noise), 6);
  v128.store64_lane(at, i8x16.narrow_i16x8_u(sums, sums), 0);
}

/** `to`: three f32 planes; `tables`: what each of the 256 values becomes, f32, for each of the three channels. */
export function toPlanes(from: usize, pixels: i32, to: usize, tables: usize): void {
  const plane = <usize>pixels << 2;
  const end = from + <usize>pixels * 3;
  for (let pixel = from; pixel < end; pixel += 3, to += 4) {
    store<f32>(to, load<f32>(tables + (<usize>load<u8>(pixel) << 2)));
    store<f32>(to + plane, load<f32>(tables + (<usize>load<u8>(pixel, 1) << 2), 1024));
    store<f32>(to + 2 * plane, load<f32>(tables + (<usize>load<u8>(pixel, 2) << 2), 2048));
  }
}
