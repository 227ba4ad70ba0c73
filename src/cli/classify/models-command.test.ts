import { describe, expect, it } from 'vitest';
import type { ModelFacts } from '#vision';
import { modelsCommand } from './models-command.ts';

async function run(...args: string[]): Promise<string> {
  const lines: string[] = [];
  const terminal = {
    out: (text: string) => void lines.push(text),
    note: () => {},
    interactive: false,
    width: 100,
    color: false,
  };
  await modelsCommand(terminal).parseAsync(args, { from: 'user' });
  return lines.join('\n');
}

describe('trainyard classify models', () => {
  it('lists every architecture with size, cost, pixels and sources of weights', async () => {
    const line = (await run()).split('\n').find((text) => text.includes('vit_b_16')) ?? '';
    expect(line.trim().split(/\s{2,}|\s*[|│]\s*/)).toEqual(
      expect.arrayContaining(['vit_b_16', '86.6', '17.56', '224', '0.875', 'torchvision, timm']),
    );
  });

  it('prints the same facts as one JSON array, with aliases, mean and standard deviation', async () => {
    const models = JSON.parse(await run('--json')) as ModelFacts[];
    const found = models.find(({ name }) => name === 'tf_efficientnet_b0');
    expect(found).toMatchObject({
      parameters: 5_288_548,
      inputSize: 224,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
      weightSources: ['timm'],
    });
    expect(found?.aliases).toContain('tf_efficientnet_b0.ns_jft_in1k');
  });
});
