import { Command, CommanderError } from 'commander';
import { ConfigError, TrainyardError, version } from '#core';
import { automlCommand } from './automl-command.ts';
import { dataCommand } from './data-command.ts';
import { datasetCommand } from './dataset-command.ts';
import { evaluateCommand } from './evaluate-command.ts';
import { experimentCommand } from './experiment-command.ts';
import { initCommand } from './init-command.ts';
import { modelCommand } from './model-command.ts';
import { pipelineCommand } from './pipeline-command.ts';
import { predictCommand } from './predict-command.ts';
import { runCommand } from './run-command.ts';
import { sampleCommand } from './sample-command.ts';
import { serveCommand } from './serve-command.ts';
import { serverCommand } from './server-command.ts';
import { processTerminal, styled, type Terminal } from './terminal.ts';
import { tokenCommand } from './token-command.ts';
import { trainCommand } from './train-command.ts';

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

function createProgram(terminal: Terminal): Command {
  const program = new Command('trainyard')
    .description('Train, tune, judge and ship models. Every model leaves as one self-contained ONNX file.')
    .version(version)
    .option('--verbose', 'show stacks of errors')
    .addHelpText(
      'after',
      `
Examples:
  $ trainyard sample bank --rows 5000 --out bank.csv
  $ trainyard automl bank.csv --label y --out model.onnx
  $ trainyard evaluate model.onnx bank.csv --label y
  $ trainyard predict model.onnx new.csv --out predictions.csv
  $ trainyard train mnist --epochs 3 --out mnist.onnx
  $ trainyard init && trainyard server`,
    );
  const commands = [
    automlCommand,
    predictCommand,
    evaluateCommand,
    trainCommand,
    dataCommand,
    sampleCommand,
    initCommand,
    experimentCommand,
    runCommand,
    datasetCommand,
    modelCommand,
    pipelineCommand,
    serverCommand,
    serveCommand,
    tokenCommand,
  ];
  for (const create of commands) {
    program.addCommand(create(terminal));
  }
  eachCommand(program, (command) => {
    command.exitOverride().showHelpAfterError(false);
    command.configureOutput({ writeOut: (text) => terminal.out(text), writeErr: () => {} });
  });
  return program;
}

function eachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command);
  for (const child of command.commands) eachCommand(child, visit);
}

/**
 * Runs the command line.
 * @param args arguments after `trainyard`
 * @returns exit status: 0 done, 1 failed, 2 wrong usage
 */
export async function main(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  const program = createProgram(terminal);
  if (args.length === 0) {
    program.outputHelp();
    return EXIT_USAGE;
  }
  listenOnce(process.stdout, endOnClosedPipe);
  listenOnce(process.stderr, goOnUnseen);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (error instanceof CommanderError && error.code === 'commander.help') {
      const [group] = args.filter((arg) => !arg.startsWith('-'));
      program.commands.find((command) => command.name() === group)?.outputHelp();
      return EXIT_USAGE;
    }
    return report(error, args, terminal);
  }
}

/** `main` may run more than once in a process. */
function listenOnce(stream: NodeJS.WriteStream, onError: (error: NodeJS.ErrnoException) => void): void {
  if (!stream.listeners('error').includes(onError)) stream.on('error', onError);
}

/** `trainyard … | head` closes our output early; that is no failure. */
function endOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
}

/** Nobody reads the progress any more; the work goes on. */
function goOnUnseen(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

function report(error: unknown, args: readonly string[], terminal: Terminal): number {
  const usage = error instanceof CommanderError || error instanceof ConfigError;
  const message = error instanceof Error ? error.message : String(error);
  const line = message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  terminal.note(`${styled(terminal, 'red', 'error:')} ${line}`);
  const command = args.filter((arg) => !arg.startsWith('-'))[0];
  const known = createProgram(terminal).commands.some((candidate) => candidate.name() === command);
  terminal.note(`See: trainyard ${known ? `${command} ` : ''}--help`);
  const unexpected = !usage && !(error instanceof TrainyardError);
  if (args.includes('--verbose') && error instanceof Error) terminal.note(fullStack(error));
  else if (unexpected)
    terminal.note('This looks like a fault in Trainyard; --verbose shows where it happened.');
  return usage ? EXIT_USAGE : EXIT_FAILURE;
}

function fullStack(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${fullStack(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
