import { Command, InvalidArgumentError } from 'commander';
import type { TokenScope } from '#tracking';
import { jsonText } from './json-text.ts';
import { parseList } from './parse-options.ts';
import type { Terminal } from './terminal.ts';
import { withWorkspace } from './with-workspace.ts';

interface CreateFlags {
  readonly name: string;
  readonly scope: string[];
  readonly expires?: number;
  readonly json?: boolean;
}

/** `trainyard token` */
export function tokenCommand(terminal: Terminal): Command {
  const group = new Command('token')
    .description('Make, list and revoke the tokens that servers ask for.')
    .addHelpText(
      'after',
      `
Examples:
  $ trainyard token create --scope read --scope submit --expires 30d
  $ trainyard token list
  $ trainyard token revoke ID`,
    );
  group
    .command('create')
    .description('Make a token. Its text is shown once and kept nowhere.')
    .requiredOption('--scope <scope>', 'read, submit, score or admin; several add up', parseList)
    .option('--expires <time>', 'after e.g. 12h or 30d; without it the token does not expire', parseExpiry)
    .option('--name <text>', 'what it is for', 'token')
    .option('--json', 'print one JSON document')
    .action(({ name, scope, expires, json }: CreateFlags) =>
      withWorkspace(async ({ store }) => {
        const { createToken } = await import('#serve');
        const { text, record } = await createToken(store, {
          name,
          scopes: scope as TokenScope[],
          ...(expires === undefined ? {} : { expiresInSeconds: expires }),
        });
        if (json) terminal.out(jsonText({ token: text, ...record }));
        else {
          terminal.out(text);
          terminal.note(
            `Token ${record.id}: ${record.scopes.join(', ')}, expires ${record.expiresAt ?? 'never'}.`,
          );
        }
      }),
    );
  group
    .command('list')
    .description('Show all tokens, not their texts.')
    .option('--json', 'print one JSON document')
    .action(({ json }: { json?: boolean }) =>
      withWorkspace(async ({ store }) => {
        const tokens = await store.listTokens();
        if (json) return terminal.out(jsonText(tokens));
        for (const { id, name, scopes, expiresAt, revokedAt } of tokens) {
          const state = revokedAt === null ? `expires ${expiresAt ?? 'never'}` : `revoked ${revokedAt}`;
          terminal.out(`${id}  ${scopes.join(',')}  ${state}  ${name}`);
        }
      }),
    );
  group
    .command('revoke')
    .description('Refuse a token from now on.')
    .argument('<id>', 'as trainyard token list shows it')
    .option('--json', 'print one JSON document')
    .action((id: string, { json }: { json?: boolean }) =>
      withWorkspace(async ({ store }) => {
        await store.revokeToken(id);
        terminal.out(json ? jsonText({ id, revoked: true }) : `Revoked ${id}.`);
      }),
    );
  return group;
}

/** Seconds of `90s`, `5m`, `12h`, `30d`. */
function parseExpiry(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text.trim());
  if (match === null || Number(match[1]) <= 0)
    throw new InvalidArgumentError('Give a time such as 12h or 30d.');
  return Number(match[1]) * { s: 1, m: 60, h: 3600, d: 86_400 }[match[2] as 's' | 'm' | 'h' | 'd'];
}
