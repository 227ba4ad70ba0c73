import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { DataError, TrainyardError } from '#core';
import type { ByteSource } from './byte-source.ts';

const inflate = promisify<Buffer | Uint8Array, object, Buffer>(inflateRaw);
const maxEntries = 200_000;
/** PyTorch stores its entries; Deflate cannot exceed 1032, and honest numbers come nowhere near this. */
const maxRatio = 100;

/** yauzl throws from its callbacks at some damaged directories; caught here, such an error would end the process. */
class GuardedReader extends RandomAccessReader {
  /** Rejects when a callback has thrown; never resolves. */
  readonly crashed: Promise<never>;
  private readonly source: ByteSource;
  private reject: (error: unknown) => void = () => undefined;

  constructor(source: ByteSource) {
    super();
    this.source = source;
    this.crashed = new Promise((_, reject) => {
      this.reject = reject;
    });
    // A crash after the last call that waits for it concerns nobody.
    this.crashed.catch(() => undefined);
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.source
      .read(position, length)
      .then(
        (bytes) => {
          buffer.set(bytes, offset);
          return null;
        },
        (error: Error) => error,
      )
      .then(callback)
      .catch(this.reject);
  }
}

/** The entries of a zip file, judged before any of them is read. */
export class ZipArchive {
  readonly entries: ReadonlyMap<string, Entry>;
  private readonly zip: ZipFile;
  private readonly reader: GuardedReader;
  private readonly source: ByteSource;

  private constructor(
    zip: ZipFile,
    reader: GuardedReader,
    source: ByteSource,
    entries: ReadonlyMap<string, Entry>,
  ) {
    this.zip = zip;
    this.reader = reader;
    this.source = source;
    this.entries = entries;
  }

  /**
   * Opens the archive for the time of `use`.
   * @throws DataError for a damaged directory, more than 200,000 entries, names that repeat or lead out of the
   *   archive, encryption, entries larger than the file or 100 times their packed size
   */
  static async with<T>(source: ByteSource, use: (archive: ZipArchive) => Promise<T>): Promise<T> {
    const reader = new GuardedReader(source);
    const options = { lazyEntries: true, autoClose: false, strictFileNames: true };
    const opening = fromRandomAccessReaderPromise(reader, source.size, options);
    const zip = await guarded(source, reader, opening);
    try {
      const entries = await guarded(source, reader, readDirectory(zip, source));
      return await use(new ZipArchive(zip, reader, source, entries));
    } finally {
      zip.close();
    }
  }

  /**
   * The bytes of an entry, inflated if need be.
   * @throws DataError when they are damaged, more than declared, or do not match their checksum
   */
  async read(entry: Entry): Promise<Uint8Array> {
    const { fileName, compressedSize, compressionMethod, uncompressedSize } = entry;
    const { path, size } = this.source;
    const { fileDataStart } = await guarded(
      this.source,
      this.reader,
      this.zip.readLocalFileHeaderPromise(entry, { minimal: true }),
    );
    if (fileDataStart + compressedSize > size) {
      throw refused(path, `its entry ${quote(fileName)} reaches beyond the end`);
    }
    const packed = await this.source.read(fileDataStart, compressedSize);
    const bytes =
      compressionMethod === 0
        ? packed
        : await inflate(packed, { maxOutputLength: Math.max(1, uncompressedSize) }).catch((error: Error) => {
            throw refused(
              path,
              `its entry ${quote(fileName)} cannot be inflated to ${uncompressedSize} bytes`,
              {
                cause: error,
              },
            );
          });
    if (bytes.byteLength !== uncompressedSize) {
      throw refused(
        path,
        `its entry ${quote(fileName)} has ${bytes.byteLength} bytes and declares ${uncompressedSize}`,
      );
    }
    if (crc32(bytes) !== entry.crc32) {
      throw refused(path, `the checksum of its entry ${quote(fileName)} does not match`);
    }
    return bytes;
  }
}

/** The result of work by yauzl; its errors and crashes are faults of the file. */
function guarded<T>({ path }: ByteSource, { crashed }: GuardedReader, work: Promise<T>): Promise<T> {
  return Promise.race([work, crashed]).catch((error: unknown) => {
    if (error instanceof TrainyardError) throw error;
    throw refused(path, (error as Error).message.replace(/\.$/, ''), { cause: error });
  });
}

async function readDirectory(zip: ZipFile, source: ByteSource): Promise<Map<string, Entry>> {
  const { path, size } = source;
  if (zip.entryCount > maxEntries) throw refused(path, `it declares ${zip.entryCount} entries`);
  const entries = new Map<string, Entry>();
  let packed = 0;
  for await (const entry of zip.eachEntry()) {
    const { fileName, compressedSize, uncompressedSize, compressionMethod } = entry;
    const name = quote(fileName);
    // yauzl itself refuses absolute names, backslashes and "..".
    if (fileName.includes('\0')) throw refused(path, `the name of its entry ${name} holds a NUL`);
    if (entries.has(fileName)) throw refused(path, `its entry ${name} appears twice`);
    if (entry.isEncrypted()) throw refused(path, `its entry ${name} is encrypted`);
    if (compressionMethod !== 0 && compressionMethod !== 8) {
      throw refused(path, `its entry ${name} is packed by method ${compressionMethod}`);
    }
    if (compressionMethod === 0 && compressedSize !== uncompressedSize) {
      throw refused(
        path,
        `its entry ${name} is stored in ${compressedSize} bytes but declares ${uncompressedSize}`,
      );
    }
    packed += compressedSize;
    // Entries that share their bytes are how a small archive becomes a huge one.
    if (packed > size) throw refused(path, `its entries up to ${name} declare more bytes than the file has`);
    if (uncompressedSize > maxRatio * compressedSize + 1024) {
      throw refused(path, `its entry ${name} would grow from ${compressedSize} to ${uncompressedSize} bytes`);
    }
    entries.set(fileName, entry);
  }
  return entries;
}

function quote(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}

function refused(path: string, got: string, options?: ErrorOptions): DataError {
  return new DataError(
    `readPytorch: "${path}" must be a sound zip archive, but ${got}. Download or save it again.`,
    { file: path },
    options,
  );
}
