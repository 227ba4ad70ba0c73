import { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { evaluateCommand } from './evaluate-command.ts';
import { inspectCommand } from './inspect-command.ts';
import { modelsCommand } from './models-command.ts';
import { predictCommand } from './predict-command.ts';
import { trainCommand } from './train-command.ts';

/** `trainyard classify` */
export function classifyCommand(terminal: Terminal): Command {
  return new Command('classify')
    .description('Classifiers of pictures and sounds.')
    .addCommand(trainCommand(terminal))
    .addCommand(predictCommand(terminal))
    .addCommand(evaluateCommand(terminal))
    .addCommand(inspectCommand(terminal))
    .addCommand(modelsCommand(terminal));
}
