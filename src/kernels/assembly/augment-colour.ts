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

/** `tables`: what each hue, saturation and value becomes, 256 bytes each. */
export function shiftHsv(at: usize, bytes: usize, tables: usize): void {
  for (let pixel = at; pixel < at + bytes; pixel += 3) {
    const r = <i32>load<u8>(pixel), g = <i32>load<u8>(pixel, 1), b = <i32>load<u8>(pixel, 2);
    const v = max(r, max(g, b));
    const span = v - min(r, min(g, b));
    let hue: f32 = 0;
    let saturation: f32 = 0;
    if (span > 0) {
      const unit = <f32>30 / <f32>span;
      if (v == r) hue = <f32>(g - b) * unit;
      else if (v == g) hue = <f32>(b - r) * unit + 60;
      else hue = <f32>(r - g) * unit + 120;
      saturation = <f32>(span * 255) / <f32>v;
    }
    let step = <i32>nearest(hue);
    if (step < 0) step += 180;
    const h = <f32>load<u8>(tables + step) / 30;
    const s = <f32>load<u8>(tables + <i32>nearest(saturation), 256) / 255;
    const top = <f32>load<u8>(tables + v, 512);
    storeHsv(pixel, h, s, top);
  }
}

/** `h` in sixths of the circle, `s` from 0 to 1, `v` from 0 to 255. */
@inline
function storeHsv(pixel: usize, h: f32, s: f32, v: f32): void {
  const sector = <i32>h;
  const part = h - <f32>sector;
  const low = v * (1 - s);
  const falling = v * (1 - s * part);
  const rising = v * (1 - s * (1 - part));
  let r = v, g = rising, b = low;
  if (sector == 1) { r = falling; g = v; }
  else if (sector == 2) { r = low; g = v; b = rising; }
  else if (sector == 3) { r = low; g = falling; b = v; }
  else if (sector == 4) { r = rising; g = low; b = v; }
  else if (sector == 5) { g = low; b = falling; }
  store<u8>(pixel, toByte(r));
  store<u8>(pixel, toByte(g), 1);
  store<u8>(pixel, toByte(b), 2);
}

@inline
function labRoot(t: f32): f32 {
  return t > 0.008856 ? Mathf.cbrt(t) : 7.787 * t + <f32>(16.0 / 116.0);
}

@inline
function labCube(t: f32): f32 {
  return t > <f32>(6.0 / 29.0) ? t * t * t : (t - <f32>(16.0 / 116.0)) / 7.787;
}

/** CIE L*a*b* of D65, in place; `linear`: light of each of the 256 sRGB values, f32. */
export function toLab(at: usize, bytes: usize, linear: usize): void {
  for (let pixel = at; pixel < at + bytes; pixel += 3) {
    const r = load<f32>(linear + (<usize>load<u8>(pixel) << 2));
    const g = load<f32>(linear + (<usize>load<u8>(pixel, 1) << 2));
    const b = load<f32>(linear + (<usize>load<u8>(pixel, 2) << 2));
    const x = labRoot((0.412453 * r + 0.35758 * g + 0.180423 * b) / 0.950456);
    const y = labRoot(0.212671 * r + 0.71516 * g + 0.072169 * b);
    const z = labRoot((0.019334 * r + 0.119193 * g + 0.950227 * b) / 1.088754);
    store<u8>(pixel, toByte((116 * y - 16) * 2.55));
    store<u8>(pixel, toByte(500 * (x - y) + 128), 1);
    store<u8>(pixel, toByte(200 * (y - z) + 128), 2);
  }
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
