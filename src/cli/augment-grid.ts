import type { Pixels } from '#data';
import { PixelCanvas } from '#kernels';
import { characterWidth, drawText, lineHeight, wrapWords } from './pixel-text.ts';

export interface GridCell {
  readonly pixels: Pixels;
  /** Words below the picture. */
  readonly label: readonly string[];
}

const cellWidth = 192;
const cellHeight = 192;
const gap = 8;

/** Pictures in rows with their labels below them, each fitted into a cell. */
export function drawGrid(rows: readonly (readonly GridCell[])[]): Pixels {
  const canvas = new PixelCanvas();
  const fitted = rows.map((row) =>
    row.map(({ pixels, label }) => ({
      picture: fit(canvas, pixels),
      lines: wrapWords(label, Math.floor(cellWidth / characterWidth)),
    })),
  );
  const heights = fitted.map((row) =>
    row.reduce(
      (most, { picture, lines }) => Math.max(most, picture.height + 4 + lines.length * lineHeight),
      0,
    ),
  );
  const columns = fitted.reduce((most, row) => Math.max(most, row.length), 0);
  const width = gap + columns * (cellWidth + gap);
  const height = gap + heights.reduce((sum, each) => sum + each + gap, 0);
  const grid = { width, height, data: new Uint8Array(width * height * 3).fill(245) };
  let y = gap;
  fitted.forEach((row, r) => {
    row.forEach(({ picture, lines }, c) => {
      const x = gap + c * (cellWidth + gap);
      place(grid, picture, x, y);
      lines.forEach((line, k) => {
        drawText(grid, x, y + picture.height + 4 + k * lineHeight, line);
      });
    });
    y += heights[r] + gap;
  });
  return grid;
}

/** As large as the cell allows; whole pixels where it is enlarged. */
function fit(canvas: PixelCanvas, { width, height, data }: Pixels): Pixels {
  const scale = Math.min(cellWidth / width, cellHeight / height);
  const factor = scale >= 1 ? Math.floor(scale) : scale;
  const columns = Math.max(1, Math.round(width * factor));
  const rows = Math.max(1, Math.round(height * factor));
  canvas.load(data, width, height);
  canvas.resize(columns, rows, scale >= 1 ? 'nearest' : 'area');
  return { width: columns, height: rows, data: canvas.read() };
}

function place(grid: Pixels, { width, height, data }: Pixels, x: number, y: number): void {
  for (let row = 0; row < height; row++) {
    const line = data.subarray(row * width * 3, (row + 1) * width * 3);
    grid.data.set(line, ((y + row) * grid.width + x) * 3);
  }
}
