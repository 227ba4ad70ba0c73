import { packageRoot } from '#core';

/** A line of the user's program, resolved when it is asked for: most are never looked at. */
export class CallSite {
  private readonly holder: { stack?: string };
  private resolved: string | undefined;

  private constructor(holder: { stack?: string }) {
    this.holder = holder;
  }

  /** The place that called into the library. */
  static capture(): CallSite {
    const holder: { stack?: string } = {};
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 24;
    Error.captureStackTrace(holder, CallSite.capture);
    Error.stackTraceLimit = limit;
    return new CallSite(holder);
  }

  /** `file:line` of the first frame outside the library, '' when there is none. */
  toString(): string {
    this.resolved ??= firstForeignFrame(this.holder.stack ?? '');
    return this.resolved;
  }
}

/** The line of the user's program that called into the library, in brackets for the end of a message; '' without one. */
export function atUserLine(): string {
  const line = CallSite.capture().toString();
  return line === '' ? '' : ` (${line})`;
}

const root = packageRoot.replaceAll('\\', '/');

/** Frames of the library; its command line brings models of its own, which are user code to the engine. */
function isLibrary(file: string): boolean {
  if (file.startsWith('node:') || file.startsWith(`${root}/node_modules/`)) return true;
  const inside = file.startsWith(`${root}/`) ? file.slice(root.length + 1) : '';
  return /^(src|dist)\/(?!cli\/)/.test(inside) && !/\.test\.[jt]s$/.test(inside);
}

function firstForeignFrame(stack: string): string {
  for (const line of stack.split('\n').slice(1)) {
    const found = /(?:\(|at )(?:async )?(?:file:\/\/)?([^()\s]+?):(\d+):\d+\)?$/.exec(line.trim());
    if (found === null) continue;
    const file = found[1].replaceAll('\\', '/');
    if (isLibrary(file)) continue;
    return `${file.startsWith(`${root}/`) ? file.slice(root.length + 1) : file}:${found[2]}`;
  }
  return '';
}
