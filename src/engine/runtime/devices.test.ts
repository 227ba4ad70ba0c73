import { describe, expect, it } from 'vitest';
import * as build from '../ir/build.ts';
import { availableDevices, parseDevice } from './devices.ts';
import { Plan } from './plan.ts';

describe('devices', () => {
  it('the CPU is always there', async () => {
    expect(await availableDevices()).toContain('cpu');
  });

  it.each(['cuda', 'coreml', 'dml'] as const)(
    '%s, where it is missing, is an error that names those present',
    async (device) => {
      const present = await availableDevices();
      if (present.includes(device)) return;
      const x = build.input('x', 'float32', [2]);
      await expect(Plan.create([build.add(x, 1)], new Map(), { device })).rejects.toThrow(
        new RegExp(`^device: ${device} must be present, but ONNX Runtime answered: .*Present: cpu`),
      );
    },
  );

  it('a name that is no device is refused with the names that are', () => {
    expect(parseDevice('webgpu')).toBe('webgpu');
    expect(() => parseDevice('gpu')).toThrow(
      'device: must be one of cpu, webgpu, cuda, coreml, dml, but got "gpu". Pass one of them.',
    );
  });
});
