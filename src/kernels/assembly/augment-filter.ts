// Filters that look at neighbours. Beyond the border the picture is mirrored: dcb|abcd|cba.

@inline
function mirrored(at: i32, size: i32): i32 {
  if (<u32>at < <u32>size) return at;
  if (size == 1) return 0;
  const period = 2 * size - 2;
  let rest = at % period;
  if (rest < 0) rest += period;
  return rest < size ? rest : period - rest;
}

/**
 * Means of squares of `size` (odd) pixels, rounded. `sums`: scratch of 12 bytes for each column and for `size` − 1
 * columns more.
 */
export function boxBlur(from: usize, width: i32, height: i32, to: usize, size: i32, sums: usize): void {
  const radius = size >> 1;
  const stride = <usize>width * 3;
  const inner = sums + <usize>radius * 12;
  memory.fill(sums, 0, <usize>(width + 2 * radius) * 12);
  for (let row = -radius; row < radius; row++) addRow(from + <usize>mirrored(row, height) * stride, stride, inner);
  const share = <f32>1 / <f32>(size * size);
  for (let y = 0; y < height; y++) {
    addRow(from + <usize>mirrored(y + radius, height) * stride, stride, inner);
    for (let x = 1; x <= radius; x++) {
      copySum(inner - <usize>x * 12, inner + <usize>mirrored(-x, width) * 12);
      copySum(inner + <usize>(width - 1 + x) * 12, inner + <usize>mirrored(width - 1 + x, width) * 12);
    }
    to = meanRow(sums, width, size, share, to);
    takeRow(from + <usize>mirrored(y - radius, height) * stride, stride, inner);
  }
}

@inline
function copySum(to: usize, from: usize): void {
  store<u32>(to, load<u32>(from));
  store<u32>(to, load<u32>(from, 4), 4);
  store<u32>(to, load<u32>(from, 8), 8);
}

function addRow(row: usize, bytes: usize, sums: usize): void {
  for (let i: usize = 0; i < bytes; i++, sums += 4) store<u32>(sums, load<u32>(sums) + load<u8>(row + i));
}

function takeRow(row: usize, bytes: usize, sums: usize): void {
  for (let i: usize = 0; i < bytes; i++, sums += 4) store<u32>(sums, load<u32>(sums) - load<u8>(row + i));
}

function meanRow(sums: usize, width: i32, size: i32, share: f32, to: usize): usize {
  let r: u32 = 0, g: u32 = 0, b: u32 = 0;
  let right = sums;
  for (let x = 1; x < size; x++, right += 12) {
    r += load<u32>(right);
    g += load<u32>(right, 4);
    b += load<u32>(right, 8);
  }
  for (let x = 0; x < width; x++, sums += 12, right += 12, to += 3) {
    r += load<u32>(right);
    g += load<u32>(right, 4);
    b += load<u32>(right, 8);
    store<u8>(to, <u8>nearest(<f32>r * share));
    store<u8>(to, <u8>nearest(<f32>g * share), 1);
    store<u8>(to, <u8>nearest(<f32>b * share), 2);
    r -= load<u32>(sums);
    g -= load<u32>(sums, 4);
    b -= load<u32>(sums, 8);
  }
  return to;
}

/**
 * Contrast-limited adaptive histogram equalisation of the first channel, in place, on `tiles × tiles` tiles
 * (Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994), as OpenCV's `CLAHE`.
 * `tables`: scratch of 256 bytes for each tile; `counts`: 1024 bytes.
 */
export function equalise(
  at: usize, width: i32, height: i32, tiles: i32, clipLimit: f64, tables: usize, counts: usize,
): void {
  const isWhole = width % tiles == 0 && height % tiles == 0;
  const tileWidth = isWhole ? width / tiles : (width + tiles - width % tiles) / tiles;
  const tileHeight = isWhole ? height / tiles : (height + tiles - height % tiles) / tiles;
  const area = tileWidth * tileHeight;
  const limit = clipLimit > 0 ? max(1, <i32>(clipLimit * area / 256)) : 0;
  for (let row = 0; row < tiles; row++) {
    for (let column = 0; column < tiles; column++) {
      memory.fill(counts, 0, 1024);
      for (let y = row * tileHeight; y < (row + 1) * tileHeight; y++) {
        const line = at + <usize>mirrored(y, height) * width * 3;
        for (let x = column * tileWidth; x < (column + 1) * tileWidth; x++) {
          const count = counts + (<usize>load<u8>(line + <usize>mirrored(x, width) * 3) << 2);
          store<i32>(count, load<i32>(count) + 1);
        }
      }
      if (limit > 0) clipCounts(counts, limit);
      fillTable(tables + ((<usize>row * tiles + column) << 8), counts, <f32>255 / <f32>area);
    }
  }
  applyTables(at, width, height, tiles, tileWidth, tileHeight, tables);
}

/** What exceeds `limit` is spread over all levels. */
function clipCounts(counts: usize, limit: i32): void {
  let clipped = 0;
  for (let i = counts; i < counts + 1024; i += 4) {
    const excess = load<i32>(i) - limit;
    if (excess > 0) {
      clipped += excess;
      store<i32>(i, limit);
    }
  }
  const each = clipped >> 8;
  let rest = clipped & 255;
  for (let i = counts; i < counts + 1024; i += 4) store<i32>(i, load<i32>(i) + each);
  if (rest == 0) return;
  const step = max(256 / rest, 1);
  for (let i = 0; i < 256 && rest > 0; i += step, rest--) {
    const count = counts + (<usize>i << 2);
    store<i32>(count, load<i32>(count) + 1);
  }
}

function fillTable(table: usize, counts: usize, scale: f32): void {
  let total = 0;
  for (let level: usize = 0; level < 256; level++) {
    total += load<i32>(counts + (level << 2));
    store<u8>(table + level, <u8>min<f32>(255, nearest(<f32>total * scale)));
  }
}

function applyTables(
  at: usize, width: i32, height: i32, tiles: i32, tileWidth: i32, tileHeight: i32, tables: usize,
): void {
  for (let y = 0; y < height; y++) {
    const down = <f32>y / <f32>tileHeight - 0.5;
    const upper = <i32>floor(down);
    const fy = down - <f32>upper;
    const top = tables + ((<usize>max(upper, 0) * tiles) << 8);
    const bottom = tables + ((<usize>min(upper + 1, tiles - 1) * tiles) << 8);
    for (let x = 0; x < width; x++, at += 3) {
      const across = <f32>x / <f32>tileWidth - 0.5;
      const left = <i32>floor(across);
      const fx = across - <f32>left;
      const level = <usize>load<u8>(at);
      const l = (<usize>max(left, 0) << 8) + level;
      const r = (<usize>min(left + 1, tiles - 1) << 8) + level;
      const above = <f32>load<u8>(top + l) * (1 - fx) + <f32>load<u8>(top + r) * fx;
      const below = <f32>load<u8>(bottom + l) * (1 - fx) + <f32>load<u8>(bottom + r) * fx;
      store<u8>(at, <u8>nearest(above * (1 - fy) + below * fy));
    }
  }
}
