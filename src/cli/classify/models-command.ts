import { Command } from 'commander';
import { formatTable } from '#data';
import { jsonText } from '../json-text.ts';
import type { Terminal } from '../terminal.ts';

/** `trainyard classify models` */
export function modelsCommand(terminal: Terminal): Command {
  return new Command('models')
    .description('List the architectures of image classifiers.')
    .option('--json', 'print one JSON array')
    .addHelpText('after', '\nExample:\n  $ trainyard classify models')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const { listModels } = await import('#vision');
      const models = listModels();
      if (json) return terminal.out(jsonText(models));
      const rows = models.map(({ name, parameters, multiplyAdds, inputSize, cropShare, weightSources }) => [
        name,
        (parameters / 1e6).toFixed(1),
        (multiplyAdds / 1e9).toFixed(2),
        String(inputSize),
        cropShare.toFixed(3),
        weightSources.join(', '),
      ]);
      const header = ['model', 'parameters (M)', 'multiply-adds (G)', 'pixels', 'crop', 'reads weights of'];
      terminal.out(
        formatTable([header, ...rows], { align: ['left', 'right', 'right', 'right', 'right', 'left'] }),
      );
      terminal.note('At 1,000 classes and the pixels shown. Other names of the same models: --json.');
    });
}
