import { Command, CommanderError } from 'commander';
import { ConfigError, TrainyardError, version } from '#core';
import { processTerminal, styled, type Terminal } from './terminal.ts';

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

type CreateCommand = (terminal: Terminal) => Command;

/** Each command with what it needs is loaded only when it is asked for: a server needs nothing that trains. */
const commands: Readonly<Record<string, () => Promise<CreateCommand>>> = {
  automl: async () => (await import('./automl-command.ts')).automlCommand,
  predict: async () => (await import('./predict-command.ts')).predictCommand,
  evaluate: async () => (await import('./evaluate-command.ts')).evaluateCommand,
  train: async () => (await import('./train-command.ts')).trainCommand,
  classify: async () => (await import('./classify/classify-command.ts')).classifyCommand,
  data: async () => (await import('./data-command.ts')).dataCommand,
  augment: async () => (await import('./augment-command.ts')).augmentCommand,
  audio: async () => (await import('./audio-command.ts')).audioCommand,
  sample: async () => (await import('./sample-command.ts')).sampleCommand,
  init: async () => (await import('./init-command.ts')).initCommand,
  experiment: async () => (await import('./experiment-command.ts')).experimentCommand,
  run: async () => (await import('./run-command.ts')).runCommand,
  dataset: async () => (await import('./dataset-command.ts')).datasetCommand,
  model: async () => (await import('./model-command.ts')).modelCommand,
  pipeline: async () => (await import('./pipeline-command.ts')).pipelineCommand,
  server: async () => (await import('./server-command.ts')).serverCommand,
  serve: async () => (await import('./serve-command.ts')).serveCommand,
  token: async () => (await import('./token-command.ts')).tokenCommand,
};

/** The program with the commands that `args` may mean: the one it names, or all of them. */
async function createProgram(args: readonly string[], terminal: Terminal): Promise<Command> {
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
  const [name] = args.filter((arg) => !arg.startsWith('-'));
  const wanted =
    name !== undefined && Object.hasOwn(commands, name) ? [commands[name]] : Object.values(commands);
  for (const create of await Promise.all(wanted.map((load) => load()))) {
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
  const program = await createProgram(args, terminal);
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
  const known = command !== undefined && Object.hasOwn(commands, command);
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
