/**
 * The distinct strings of a column as UTF-8 bytes with offsets, so that threads share it without copying.
 * Strings are decoded on first use.
 */
export class Dictionary {
  readonly bytes: Uint8Array;
  /** Start of each entry in `bytes`, plus the end: length `size + 1`. */
  readonly offsets: Uint32Array;
  private decoded: string[] | undefined;
  private codes: Map<string, number> | undefined;

  constructor(bytes: Uint8Array, offsets: Uint32Array) {
    this.bytes = bytes;
    this.offsets = offsets;
  }

  static from(values: readonly string[]): Dictionary {
    const encoder = new TextEncoder();
    const encoded = values.map((value) => encoder.encode(value));
    const offsets = new Uint32Array(new SharedArrayBuffer(4 * (values.length + 1)));
    for (let i = 0; i < encoded.length; i++) offsets[i + 1] = offsets[i] + encoded[i].length;
    const bytes = new Uint8Array(new SharedArrayBuffer(offsets[encoded.length]));
    for (let i = 0; i < encoded.length; i++) bytes.set(encoded[i], offsets[i]);
    const dictionary = new Dictionary(bytes, offsets);
    dictionary.decoded = [...values];
    return dictionary;
  }

  get size(): number {
    return this.offsets.length - 1;
  }

  /** All entries in code order. */
  get values(): readonly string[] {
    if (this.decoded === undefined) {
      // TextDecoder refuses views of shared memory, hence the copy.
      const decoder = new TextDecoder();
      const own = new Uint8Array(this.bytes);
      this.decoded = Array.from({ length: this.size }, (_, i) =>
        decoder.decode(own.subarray(this.offsets[i], this.offsets[i + 1])),
      );
    }
    return this.decoded;
  }

  get(code: number): string {
    return this.values[code];
  }

  /** Code of `value`, or −1 when it is not an entry. */
  indexOf(value: string): number {
    this.codes ??= new Map(this.values.map((entry, i) => [entry, i]));
    return this.codes.get(value) ?? -1;
  }
}
