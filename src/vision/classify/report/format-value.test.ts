import { expect, test } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatFixed,
  formatLarge,
  formatPercent,
  formatTime,
  shorten,
} from './format-value.ts';

test('shares round to whole percent but never to a false 0 or 100', () => {
  expect([0, 0.001, 0.974, 0.9999, 1].map(formatPercent)).toEqual([
    '0 %',
    '< 1 %',
    '97 %',
    '> 99 %',
    '100 %',
  ]);
});

test('counts, sizes and times', () => {
  expect(formatCount(1234567.4)).toBe('1,234,567');
  expect(formatCount(1234.56, 1)).toBe('1,234.6');
  expect([512, 16_873_221, 999_600].map(formatBytes)).toEqual(['512 B', '16.9 MB', '1 MB']);
  expect([850, 4_345_732].map(formatLarge)).toEqual(['850', '4.35 M']);
  expect([0.85, 4.25, 42, 59.7, 724, 12_000].map(formatDuration)).toEqual([
    '850 ms',
    '4.3 s',
    '42 s',
    '1 min 0 s',
    '12 min 4 s',
    '3 h 20 min',
  ]);
  expect(formatTime('2026-03-01T14:05:31.120Z')).toBe('2026-03-01 14:05 UTC');
  expect(formatTime('yesterday')).toBe('yesterday');
});

test('what is no number is a dash', () => {
  expect([formatFixed(null), formatFixed(Number.NaN), formatPercent(Number.NaN), formatCount(1 / 0)]).toEqual(
    ['–', '–', '–', '–'],
  );
});

test('texts are cut between characters as readers count them', () => {
  expect(shorten('Troglodytes', 6)).toBe('Trogl…');
  expect(shorten('👩‍🔬👩‍🔬👩‍🔬', 3)).toBe('👩‍🔬👩‍🔬👩‍🔬');
  expect(shorten('👩‍🔬👩‍🔬👩‍🔬', 2)).toBe('👩‍🔬…');
});
