import { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { modelsCommand } from './models-command.ts';

/** `trainyard classify` */
export function classifyCommand(terminal: Terminal): Command {
  return new Command('classify').description('Image classifiers.').addCommand(modelsCommand(terminal));
}
