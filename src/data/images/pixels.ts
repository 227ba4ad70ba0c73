/** A decoded picture: RGB, 8 bits a channel, upright, without alpha. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]`, row by row. */
  readonly data: Uint8Array;
}
