// @ts-check
/** Pictures like spectrograms, as a table that `trainyard classify train` reads. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Rng } from '../../dist/core/index.js';
import { encodePng } from '../../dist/data/index.js';

/**
 * Grey bands with noise, whose place tells the class.
 * @param {string} folder @param {{ classes: number, each: number, height: number, width: number }} sizes
 * @returns {string} the table
 */
export function writePictures(folder, { classes, each, height, width }) {
  mkdirSync(folder, { recursive: true });
  const rng = new Rng(1);
  const lines = ['image_path,label,label_name,group,fold'];
  for (let k = 0; k < classes; k++) {
    for (let i = 0; i < each; i++) {
      const pixels = new Uint8Array(height * width * 3);
      for (let at = 0; at < height * width; at++) {
        const y = Math.floor(at / width);
        const level = 60 + 80 * Number(Math.abs(y - (k / classes) * height) < 6) + 25 * rng.uniform();
        pixels.fill(level, 3 * at, 3 * at + 3);
      }
      const name = `${k}_${i}.png`;
      writeFileSync(join(folder, name), encodePng(width, height, pixels));
      lines.push(`${name},${k},class-${String(k).padStart(3, '0')},${k}-${i},${i}`);
    }
  }
  const csv = join(folder, 'pictures.csv');
  writeFileSync(csv, `${lines.join('\n')}\n`);
  return csv;
}
