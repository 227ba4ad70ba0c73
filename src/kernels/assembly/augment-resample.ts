/**
 * Resizes by weighted sums: first the rows that make an output row, in float32, then its columns.
 *
 * A table of an axis holds for every output place the first input place (i32 each), then `taps` weights (f32) each.
 */
export function resample(
  from: usize,
  width: i32,
  to: usize,
  toWidth: i32,
  toHeight: i32,
  columnTable: usize,
  columnTaps: i32,
  rowTable: usize,
  rowTaps: i32,
  sums: usize,
): void {
  const bytes = <usize>width * 3;
  const rowWeights = rowTable + (<usize>toHeight << 2);
  const columnWeights = columnTable + (<usize>toWidth << 2);
  for (let y = 0; y < toHeight; y++) {
    const first = from + <usize>load<i32>(rowTable + (<usize>y << 2)) * bytes;
    sumRows(first, bytes, rowWeights + ((<usize>y * rowTaps) << 2), rowTaps, sums);
    const row = to + <usize>y * toWidth * 3;
    if (columnTaps == 2) sumTwoColumns(sums, row, toWidth, columnTable, columnWeights);
    else sumColumns(sums, row, toWidth, columnTable, columnWeights, columnTaps);
  }
}

function sumRows(first: usize, bytes: usize, weights: usize, taps: i32, sums: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    let row = first + at;
    for (let t = 0; t < taps; t++) {
      const weight = v128.load32_splat(weights + (<usize>t << 2));
      const x = v128.load(row);
      const low = i16x8.extend_low_i8x16_u(x);
      const high = i16x8.extend_high_i8x16_u(x);
      s0 = f32x4.add(s0, f32x4.mul(weight, f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(low))));
      s1 = f32x4.add(s1, f32x4.mul(weight, f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(low))));
      s2 = f32x4.add(s2, f32x4.mul(weight, f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(high))));
      s3 = f32x4.add(s3, f32x4.mul(weight, f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(high))));
      row += bytes;
    }
    const out = sums + (at << 2);
    v128.store(out, s0);
    v128.store(out, s1, 16);
    v128.store(out, s2, 32);
    v128.store(out, s3, 48);
  }
}

/** Lanes 0 to 2 rounded to bytes. */
@inline
function storePixel(to: usize, value: v128): void {
  const whole = i32x4.trunc_sat_f32x4_s(f32x4.nearest(value));
  const words = i16x8.narrow_i32x4_s(whole, whole);
  const packed = i32x4.extract_lane(i8x16.narrow_i16x8_u(words, words), 0);
  store<u16>(to, <u16>packed);
  store<u8>(to, <u8>(packed >>> 16), 2);
}

function sumColumns(
  sums: usize,
  to: usize,
  width: i32,
  starts: usize,
  weights: usize,
  taps: i32,
): void {
  for (let x = 0; x < width; x++) {
    let pixel = sums + <usize>load<i32>(starts) * 12;
    let total = f32x4.splat(0);
    for (let t = 0; t < taps; t++) {
      total = f32x4.add(total, f32x4.mul(v128.load32_splat(weights), v128.load(pixel)));
      weights += 4;
      pixel += 12;
    }
    storePixel(to, total);
    starts += 4;
    to += 3;
  }
}

function sumTwoColumns(sums: usize, to: usize, width: i32, starts: usize, weights: usize): void {
  for (let x = 0; x < width; x++) {
    const pixel = sums + <usize>load<i32>(starts) * 12;
    const total = f32x4.add(
      f32x4.mul(v128.load32_splat(weights), v128.load(pixel)),
      f32x4.mul(v128.load32_splat(weights, 4), v128.load(pixel, 12)),
    );
    storePixel(to, total);
    starts += 4;
    weights += 8;
    to += 3;
  }
}
