import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { DataError, TrainyardError } from '#core';
import type { ByteSource } from './byte-source.ts';

const maxEntries = 200_000;
/** PyTorch stores its entries; Deflate cannot exceed 1032, and honest numbers come nowhere near this. */
const maxRatio = 100;

/** The entries of a zip file, judged before any of them is read. */
export class ZipArchive {
  readonly entries: ReadonlyMap<string, Entry>;
  private readonly zip: ZipFile;
  private readonly source: ByteSource;

  private constructor(zip: ZipFile, source: ByteSource, entries: ReadonlyMap<string, Entry>) {
    this.zip = zip;
    this.source = source;
    this.entries = entries;
  }

  /**
   * Opens the archive for the time of `use`.
   * @throws DataError for a damaged directory, more than 200,000 entries, names that repeat or lead out of the
   *   archive, encryption, entries larger than the file or 100 times their packed size
   */
  static async with<T>(source: ByteSource, use: (archive: ZipArchive) => Promise<T>): Promise<T> {
    const { path } = source;
    let zip: ZipFile | undefined;
    try {
      zip = await openPromise(path, { lazyEntries: true, autoClose: false });
      return await use(new ZipArchive(zip, source, await readDirectory(zip, source)));
    } catch (error) {
      if (error instanceof TrainyardError || error instanceof RangeError) throw error;
      throw refused(path, (error as Error).message.replace(/\.$/, ''), { cause: error });
    } finally {
      zip?.close();
    }
  }

  /**
   * The bytes of an entry, inflated if need be.
   * @throws DataError when they do not match their checksum
   */
  async read(entry: Entry): Promise<Uint8Array> {
    const bytes =
      entry.compressionMethod === 0 ? await this.readStored(entry) : await this.readInflated(entry);
    if (crc32(bytes) !== entry.crc32) {
      throw refused(this.source.path, `the checksum of its entry ${quote(entry.fileName)} does not match`);
    }
    return bytes;
  }

  private async readStored(entry: Entry): Promise<Uint8Array> {
    const { fileDataStart } = await this.zip.readLocalFileHeaderPromise(entry, { minimal: true });
    if (fileDataStart + entry.uncompressedSize > this.source.size) {
      throw refused(this.source.path, `its entry ${quote(entry.fileName)} reaches beyond the end`);
    }
    return this.source.read(fileDataStart, entry.uncompressedSize);
  }

  private async readInflated(entry: Entry): Promise<Uint8Array> {
    // yauzl ends the stream with an error at the first byte over the declared size.
    const chunks: Uint8Array[] = [];
    for await (const chunk of await this.zip.openReadStreamPromise(entry)) chunks.push(chunk as Uint8Array);
    return new Uint8Array(Buffer.concat(chunks));
  }
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
