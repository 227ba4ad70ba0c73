const WIDTH = 100;

/**
 * A horizontal bar of a share on a track from 0 to 1; the track alone where there is none.
 *
 * @param kind colour in the style sheet
 */
export function bar(share: number | null, kind: string): string {
  const length = share === null || !Number.isFinite(share) ? 0 : Math.min(1, Math.max(0, share)) * WIDTH;
  const filled = length > 0 ? `<rect class="${kind}" width="${length.toFixed(1)}" height="8"/>` : '';
  return `<svg class="bar" viewBox="0 0 ${WIDTH} 8" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="${WIDTH}" height="8"/>${filled}</svg>`;
}
