import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { generateBirdSongs, writeWav } from '#data';
import { callTrainyard, expectError, expectErrorAtOnce, temporaryFolder } from './run-trainyard.ts';

const folder = temporaryFolder();
const cheap = '--sample-rate 16000 --n-fft 512 --hop-length 256 --n-mels 32'.split(' ');
const audio = (...args: string[]) => callTrainyard(folder, ['audio', ...args]);
const rowsOf = (file: string) =>
  readFileSync(join(folder, file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(','));

beforeAll(async () => {
  for (const { samples, sampleRate, label, group } of generateBirdSongs({
    species: 2,
    recordings: 3,
    seed: 1,
    seconds: 2,
    sampleRate: 16_000,
  })) {
    mkdirSync(join(folder, `in/bird${label}`), { recursive: true });
    await writeWav(join(folder, `in/bird${label}/${group}.wav`), { sampleRate, channels: [samples] });
  }
});

describe('audio spectrogram', () => {
  it('writes a picture of each window and a table with classes, recordings and folds', async () => {
    const args = ['--window', '1.5', '--overlap', '0.5', '--folds', '3', '--out', 'out'];
    const done = await audio('spectrogram', 'in', ...args, ...cheap);
    expect(done).toMatchObject({ code: 0 });
    expect(done.stdout).toContain('12 spectrograms of 6 sounds in 2 classes');
    const [header, ...rows] = rowsOf('out/spectrograms.csv');
    expect(header).toEqual(['image_path', 'label', 'label_name', 'group', 'fold']);
    expect(rows).toHaveLength(12);
    for (const [path, label, name, group] of rows) {
      expect(existsSync(join(folder, 'out', path))).toBe(true);
      expect(path).toMatch(new RegExp(`^${group}_[01]\\.png$`));
      expect(name).toBe(`bird${label}`);
    }
    // Each fold has one recording of each class, with both of its windows.
    for (const fold of ['0', '1', '2']) {
      const own = rows.filter((row) => row[4] === fold);
      expect(new Set(own.map((row) => row[3])).size).toBe(2);
      expect(own.map((row) => row[1]).sort()).toEqual(['0', '0', '1', '1']);
    }
  });

  it('takes single files, without classes, as one JSON document', async () => {
    const args = ['--pcen', '--colors', 'heat', '--size', '64x48', '--out', 'one', '--json', ...cheap];
    const done = await audio('spectrogram', 'in/bird0/R000001.wav', ...args);
    expect(JSON.parse(done.stdout)).toMatchObject({ sounds: 1, spectrograms: 1, classes: [], broken: [] });
    expect(rowsOf('one/spectrograms.csv')).toEqual([
      ['image_path', 'group'],
      ['R000001_0.png', 'R000001'],
    ]);
  });

  it('stops at a broken sound by its name, or leaves it out and says why', async () => {
    mkdirSync(join(folder, 'mixed/a'), { recursive: true });
    writeFileSync(join(folder, 'mixed/a/notes.wav'), 'Heard a wren at seven.');
    writeFileSync(join(folder, 'mixed/a/empty.wav'), '');
    writeFileSync(join(folder, 'mixed/a/song.wav'), readFileSync(join(folder, 'in/bird0/R000001.wav')));
    expectError(await audio('spectrogram', 'mixed', '--out', 'mixed-out', ...cheap), 'empty.wav');
    const done = await audio('spectrogram', 'mixed', '--out', 'mixed-out', '--skip-broken', ...cheap);
    expect(done).toMatchObject({ code: 0 });
    expect(done.stdout).toContain('1 spectrograms of 1 sounds in 1 classes, 2 skipped');
    expect(done.stderr).toMatch(/skipped mixed\/a\/empty\.wav: .*is empty/);
    expect(done.stderr).toMatch(/skipped mixed\/a\/notes\.wav: .*must be a WAV, FLAC/);
    expect(readdirSync(join(folder, 'mixed-out/a'))).toEqual(['song_0.png']);
  });

  it('refuses what cannot be done', async () => {
    mkdirSync(join(folder, 'nothing'), { recursive: true });
    expectErrorAtOnce(await audio('spectrogram', 'nothing', '--out', 'o'), 'must hold sounds', 'nothing');
    expectErrorAtOnce(await audio('spectrogram', 'absent', '--out', 'o'), 'absent');
    expectErrorAtOnce(await audio('spectrogram', 'in', '--out', 'in/bird0/R000001.wav'), 'R000001.wav');
    expectErrorAtOnce(await audio('spectrogram', 'in', '--out', 'o', '--overlap', '5'), 'overlapSeconds');
    expectErrorAtOnce(await audio('spectrogram', 'in', '--out', 'o', '--f-max', '20000'), 'fMax 20000');
    expectErrorAtOnce(await audio('spectrogram', 'in', '--out', 'o', '--mel', '--pcen'), '--pcen');
    expectErrorAtOnce(await audio('spectrogram', 'in', '--out', 'o', '--size', '64'), '128x128');
    expectErrorAtOnce(
      await audio('spectrogram', 'in', '--out', 'o', '--folds', '9', ...cheap),
      'got 9 for 6',
    );
    const dropped = await audio('spectrogram', 'in', '--out', 'o', '--padding', 'drop', ...cheap);
    expectErrorAtOnce(dropped, '6 whole and 0 broken ones gave none');
    expectErrorAtOnce(
      await audio('spectrogram', 'in/bird0/R000001.wav', 'in/bird0/R000001.wav', '--out', 'o'),
      'different names',
    );
  });

  it('shows examples', async () => {
    const { stdout } = await audio('spectrogram', '--help');
    expect(stdout).toContain('$ trainyard audio spectrogram recordings --out spectrograms --folds 5');
  });
});

describe('audio generate', () => {
  it('tells how far it is at each tenth of longer work, beside the result', async () => {
    const args = '--species 10 --recordings 3 --seconds 1 --sample-rate 16000 --out many'.split(' ');
    const { stdout, stderr } = await audio('generate', ...args);
    expect(stderr.match(/^\d+\/30 recordings$/gm)).toEqual(
      [3, 6, 9, 12, 15, 18, 21, 24, 27, 30].map((done) => `${done}/30 recordings`),
    );
    expect(stdout).toContain('30 recordings of 10 species');
  });

  it('writes sounds and, if asked, pictures, each with its table', async () => {
    const args =
      '--species 3 --recordings 2 --seconds 1 --window 1 --spectrograms --folds 2 --out birds'.split(' ');
    const done = await audio('generate', ...args, '--json', ...cheap);
    expect(JSON.parse(done.stdout)).toMatchObject({ recordings: 6, spectrograms: 6 });
    for (const table of ['sounds.csv', 'spectrograms.csv']) {
      const [header, ...rows] = rowsOf(`birds/${table}`);
      expect(header).toEqual(['image_path', 'label', 'label_name', 'group', 'fold']);
      expect(rows).toHaveLength(6);
      for (const [path] of rows) expect(existsSync(join(folder, 'birds', path))).toBe(true);
    }
    // What it writes is what the other command reads.
    const read = await audio('spectrogram', 'birds/sounds', '--window', '1', '--out', 'again', ...cheap);
    expect(read.stdout).toContain('6 spectrograms of 6 sounds in 3 classes');
    const [[first]] = rowsOf('again/spectrograms.csv').slice(1);
    // But for the 16 bits of the file, which the pictures of `generate` have not been through.
    const [one, other] = await Promise.all(
      ['again', 'birds/spectrograms'].map((place) =>
        sharp(join(folder, place, first))
          .raw()
          .toBuffer(),
      ),
    );
    expect(one).toHaveLength(other.length);
    expect(one.findIndex((value, i) => Math.abs(value - other[i]) > 4)).toBe(-1);
  });

  it('refuses what cannot be done', async () => {
    expectErrorAtOnce(await audio('generate', '--species', '265', '--out', 'o'), 'from 1 to 264');
    expectErrorAtOnce(await audio('generate', '--noise', '-1', '--out', 'o'), 'noise -1');
    expectErrorAtOnce(await audio('generate', '--species', '0', '--out', 'o'), 'at least 1');
    expectErrorAtOnce(await audio('generate'), '--out');
  });
});
