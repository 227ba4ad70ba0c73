import { withFile } from './byte-source.ts';
import { type PytorchOptions, readPytorchLegacy, readPytorchZip } from './pytorch.ts';
import { readSafetensorsFrom } from './safetensors.ts';
import type { WeightFile } from './state-dict.ts';

/**
 * Reads a file of weights of any known format, told by its content and not by its name: safetensors, PyTorch's
 * zip format and the one before. See `readSafetensors` and `readPytorch` for what is read and refused.
 *
 * @throws DataError when the file is missing, of another format, damaged or hostile
 */
export function readWeights(path: string, options: PytorchOptions = {}): Promise<WeightFile> {
  return withFile('readWeights', path, async (source) => {
    const start = await source.read(0, Math.min(9, source.size));
    // The brace after the length of a safetensors header decides: that length may spell any other beginning, and
    // there a zip archive has its packing (0 or 8), PyTorch's legacy format a byte of its magic number.
    if (start[8] === 0x7b) return readSafetensorsFrom(source, options);
    if (start[0] === 0x50 && start[1] === 0x4b) return readPytorchZip(source, options);
    // A pickle begins with PROTO.
    if (start[0] === 0x80) return readPytorchLegacy(source, options);
    return readSafetensorsFrom(source, options);
  });
}
