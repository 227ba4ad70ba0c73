// Colour spaces with the 8-bit ranges of OpenCV: hue 0 to 179, everything else 0 to 255.

@inline
function greyOf(pixel: usize): i32 {
  return (<i32>load<u8>(pixel) * 4899 + <i32>load<u8>(pixel, 1) * 9617 + <i32>load<u8>(pixel, 2) * 1868 + 8192) >> 14;
}

@inline
function toByte(value: f32): u8 {
  return <u8>max<f32>(0, min<f32>(255, nearest(value)));
}

/** Sum of the grey levels 0.299 R + 0.587 G + 0.114 B, each rounded. */
export function greySum(at: usize, bytes: usize): f64 {
  let total: u64 = 0;
  for (let pixel = at; pixel < at + bytes; pixel += 3) total += greyOf(pixel);
  return <f64>total;
}

/** Every value becomes value · share + grey · (1 − share). */
export function blendGrey(at: usize, bytes: usize, share: f32): void {
  for (let pixel = at; pixel < at + bytes; pixel += 3) {
    const grey = <f32>greyOf(pixel) * (1 - share);
    store<u8>(pixel, toByte(<f32>load<u8>(pixel) * share + grey));
    store<u8>(pixel, toByte(<f32>load<u8>(pixel, 1) * share + grey), 1);
    store<u8>(pixel, toByte(<f32>load<u8>(pixel, 2) * share + grey), 2);
  }
}

/**
 * `tables`: what each hue, saturation and value becomes, 256 bytes each. `shares`: 4096 · 30 / span and
 * 4096 · 255 / value, rounded, 256 i32 each.
 */
export function shiftHsv(at: usize, bytes: usize, tables: usize, shares: usize): void {
  for (let pixel = at; pixel < at + bytes; pixel += 3) {
    const r = <i32>load<u8>(pixel), g = <i32>load<u8>(pixel, 1), b = <i32>load<u8>(pixel, 2);
    const v = max(r, max(g, b));
    const span = v - min(r, min(g, b));
    const turn = v == r ? g - b : v == g ? b - r + 2 * span : r - g + 4 * span;
    let hue = (turn * load<i32>(shares + (<usize>span << 2)) + 2048) >> 12;
    if (hue < 0) hue += 180;
    const saturation = (span * load<i32>(shares + (<usize>v << 2), 1024) + 2048) >> 12;
    const h = <f32>load<u8>(tables + hue) * <f32>(1.0 / 30.0);
    const s = <f32>load<u8>(tables + saturation, 256) * <f32>(1.0 / 255.0);
    storeHsv(pixel, h, s, <f32>load<u8>(tables + v, 512));
  }
}

/** `h` in sixths of the circle, `s` from 0 to 1, `v` from 0 to 255. */
@inline
function storeHsv(pixel: usize, h: f32, s: f32, v: f32): void {
  storeChannel(pixel, v - v * s * wave(h, 5));
  storeChannel(pixel + 1, v - v * s * wave(h, 3));
  storeChannel(pixel + 2, v - v * s * wave(h, 1));
}

/** 0 where a channel is full, 1 where it is lowest, straight lines between. */
@inline
function wave(h: f32, offset: f32): f32 {
  let k = h + offset;
  k = k >= 6 ? k - 6 : k;
  return max<f32>(0, min<f32>(1, min<f32>(k, 4 - k)));
}

/** Values are in range but for rounding. */
@inline
function storeChannel(at: usize, value: f32): void {
  store<u8>(at, <u8>(value + 0.5));
}

@inline
function labCube(t: f32): f32 {
  return t > <f32>(6.0 / 29.0) ? t * t * t : (t - <f32>(16.0 / 116.0)) / 7.787;
}

/**
 * CIE L*a*b* of D65, in place, in whole numbers of the precision of OpenCV, because CLAHE makes much of one level.
 * `linear`: light of each of the 256 sRGB values in 1/2040, i32; `roots`: 32768 · f of 3072 such steps, i32, where f
 * is the cube root with its straight beginning.
 */
export function toLab(at: usize, bytes: usize, linear: usize, roots: usize): void {
  for (let pixel = at; pixel < at + bytes; pixel += 3) {
    const r = load<i32>(linear + (<usize>load<u8>(pixel) << 2));
    const g = load<i32>(linear + (<usize>load<u8>(pixel, 1) << 2));
    const b = load<i32>(linear + (<usize>load<u8>(pixel, 2) << 2));
    // 4096 times the rows of sRGB to XYZ, each by the white point.
    const x = load<i32>(roots + (<usize>((1777 * r + 1541 * g + 778 * b + 2048) >> 12) << 2));
    const y = load<i32>(roots + (<usize>((871 * r + 2929 * g + 296 * b + 2048) >> 12) << 2));
    const z = load<i32>(roots + (<usize>((73 * r + 448 * g + 3575 * b + 2048) >> 12) << 2));
    store<u8>(pixel, clampByte((296 * y - 1336934 + 16384) >> 15));
    store<u8>(pixel, clampByte((500 * (x - y) + 4194304 + 16384) >> 15), 1);
    store<u8>(pixel, clampByte((200 * (y - z) + 4194304 + 16384) >> 15), 2);
  }
}

@inline
function clampByte(value: i32): u8 {
  return <u8>max(0, min(255, value));
}

/** The way back; `encoded`: sRGB values of 16384 steps of light, bytes. */
export function fromLab(at: usize, bytes: usize, encoded: usize): void {
  for (let pixel = at; pixel < at + bytes; pixel += 3) {
    const fy = (<f32>load<u8>(pixel) / 2.55 + 16) / 116;
    const x = labCube(fy + <f32>(<i32>load<u8>(pixel, 1) - 128) / 500) * 0.950456;
    const y = labCube(fy);
    const z = labCube(fy - <f32>(<i32>load<u8>(pixel, 2) - 128) / 200) * 1.088754;
    storeLight(pixel, encoded, 3.240479 * x - 1.53715 * y - 0.498535 * z);
    storeLight(pixel + 1, encoded, -0.969256 * x + 1.875991 * y + 0.041556 * z);
    storeLight(pixel + 2, encoded, 0.055648 * x - 0.204043 * y + 1.057311 * z);
  }
}

@inline
function storeLight(at: usize, encoded: usize, light: f32): void {
  store<u8>(at, load<u8>(encoded + <i32>max<f32>(0, min<f32>(16383, nearest(light * 16383)))));
}
