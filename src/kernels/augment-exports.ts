/** Functions of `augment.kernel.ts`; addresses and sizes in bytes, places and sides in pixels. */
export interface AugmentExports {
  resample(
    from: number,
    width: number,
    to: number,
    toWidth: number,
    toHeight: number,
    columnTable: number,
    columnTaps: number,
    rowTable: number,
    rowTaps: number,
    sums: number,
  ): void;
  warp(
    from: number,
    width: number,
    height: number,
    to: number,
    toWidth: number,
    toHeight: number,
    matrix: number,
    taps: number,
    weights: number,
    border: number,
    fill: number,
    places: number,
  ): void;
  lookUp(at: number, bytes: number, table: number): void;
  sum(at: number, bytes: number): number;
  mirrorColumns(at: number, width: number, height: number): void;
  flipRows(at: number, width: number, height: number, row: number): void;
  fillRectangle(
    at: number,
    pictureWidth: number,
    x: number,
    y: number,
    width: number,
    height: number,
    colour: number,
  ): void;
  copyRectangle(
    from: number,
    fromStride: number,
    to: number,
    toStride: number,
    bytes: number,
    rows: number,
  ): void;
  mix(at: number, other: number, bytes: number, weight: number): void;
  addNoise(at: number, bytes: number, seed: number, table: number, isShared: number): void;
  blendGrey(at: number, bytes: number, share: number): void;
  greySum(at: number, bytes: number): number;
  shiftHsv(at: number, bytes: number, tables: number, shares: number): void;
  toLab(at: number, bytes: number, linear: number, roots: number): void;
  fromLab(at: number, bytes: number, encoded: number): void;
  boxBlur(from: number, width: number, height: number, to: number, size: number, sums: number): void;
  equalise(
    at: number,
    width: number,
    height: number,
    tiles: number,
    clipLimit: number,
    tables: number,
    counts: number,
  ): void;
  toPlanes(from: number, pixels: number, to: number, tables: number): void;
}
