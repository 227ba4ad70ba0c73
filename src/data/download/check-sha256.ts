import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { DataError } from '#core';

/**
 * The SHA-256 of a file, in hexadecimal.
 *
 * @param expected how it must start; upper or lower case
 * @param from names the file in errors; its path by default
 * @throws DataError when it starts otherwise or cannot be read
 */
export async function checkSha256(
  where: string,
  path: string,
  expected = '',
  from: string = path,
): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    throw new DataError(
      `${where}: the file must be readable, but reading "${path}" failed: ${(error as Error).message}. Check the path.`,
      { file: path },
      { cause: error },
    );
  }
  const sha256 = hash.digest('hex');
  if (sha256.startsWith(expected.toLowerCase())) return sha256;
  throw new DataError(
    `${where}: the file must have the SHA-256 ${expected}, but ${from} has ${sha256}. Check the address, or pass the checksum of the file you mean.`,
    { file: from, expected, sha256 },
  );
}
