import { DataError } from '#core';

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Walks over the bytes of a pickle; every length is compared with what is left before it is used. */
export class PickleCursor {
  position = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly path: string;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @throws DataError when fewer than `length` bytes are left */
  take(length: number): Uint8Array {
    const start = this.advance(length);
    return this.bytes.subarray(start, start + length);
  }

  uint8(): number {
    return this.view.getUint8(this.advance(1));
  }

  uint16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  int32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  uint32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  /** A length of 8 bytes; one beyond 2^53 is only good for being refused. */
  uint64(): number {
    return Number(this.view.getBigUint64(this.advance(8), true));
  }

  float64BigEndian(): number {
    return this.view.getFloat64(this.advance(8), false);
  }

  /** Up to the next line feed, without it. */
  line(): string {
    const end = this.bytes.indexOf(10, this.position);
    if (end < 0) throw this.damaged('a line of text does not end');
    const start = this.position;
    this.position = end + 1;
    return Buffer.from(this.bytes.subarray(start, end)).toString('latin1');
  }

  text(length: number): string {
    return utf8.decode(this.take(length));
  }

  /** A string of Python 2: UTF-8 where it is, else one character a byte. */
  oldText(length: number): string {
    const bytes = this.take(length);
    try {
      return strictUtf8.decode(bytes);
    } catch {
      return Buffer.from(bytes).toString('latin1');
    }
  }

  /** A two's-complement integer of any length, little-endian. */
  long(length: number): number | bigint {
    if (length > 1024) throw this.damaged(`an integer of ${length} bytes is longer than 1024`);
    const hex = Buffer.from(this.take(length)).reverse().toString('hex');
    if (hex === '') return 0;
    return smallest(BigInt.asIntN(8 * length, BigInt(`0x${hex}`)));
  }

  /** An integer in decimal digits. */
  decimal(text: string): number | bigint {
    if (!/^[+-]?\d{1,1000}$/.test(text)) throw this.damaged(`"${text.slice(0, 40)}" is no integer`);
    return smallest(BigInt(text.replace('+', '')));
  }

  damaged(got: string): DataError {
    return new DataError(
      `readPytorch: the pickle in "${this.path}" must be well-formed, but at byte ${this.position} ${got}. Save the file again.`,
      { file: this.path, offset: this.position },
    );
  }

  private advance(length: number): number {
    const start = this.position;
    if (!(length >= 0 && length <= this.bytes.byteLength - start)) {
      throw this.damaged(`${length} bytes are needed and ${this.bytes.byteLength - start} are left`);
    }
    this.position += length;
    return start;
  }
}

function smallest(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
