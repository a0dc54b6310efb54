import { dirname, isAbsolute, relative, sep } from 'node:path';

/** What the process knows of how it was started. */
interface Start {
  /** The script as node was given it: a link stays a link. */
  readonly script: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
}

/**
 * The words with which a person started this program, for commands to copy: `fist` (from PATH), `npx punching-fist`,
 * `bin/fist.js`, `node src/main.ts`.
 */
export function calledAs({ script, env, folder }: Start): string {
  const parts = script.split(sep);
  if (env['npm_command'] === 'exec' && parts.includes('node_modules'))
    return parts.includes('_npx') ? 'npx punching-fist' : 'npx fist';
  // As a plug-in kubectl calls it by its path.
  if (/^kubectl-fist(\.\w+)?$/.test(parts.at(-1) ?? '')) return 'kubectl fist';
  const isOnPath = (env['PATH'] ?? '').split(sep === '/' ? ':' : ';').includes(dirname(script));
  if (isOnPath && /^fist(\.\w+)?$/.test(parts.at(-1) ?? '')) return 'fist';
  const path = relative(folder, script);
  const shown = path.startsWith('..') || isAbsolute(path) ? script : path.includes(sep) ? path : `.${sep}${path}`;
  const quoted = /^[\w./@+:\\-]+$/.test(shown) ? shown : `'${shown}'`;
  return sep === '\\' || shown.endsWith('.ts') ? `node ${quoted}` : quoted;
}

/** A text with commands, `fist get runs`, in the words with which this program was called; a namespace `fist` is left alone. */
export function inWordsOf(called: string | undefined, text: string): string {
  if (called === undefined || called === 'fist') return text;
  return text.replace(/(?<![\w./-]|-n |--\S+ )fist(?= [a-z[-])/g, () => called);
}

/** The same of a help: its command lines are in these words, in its prose the name of the program stays. */
export function helpInWordsOf(called: string | undefined, help: string): string {
  const [prose = '', examples = ''] = help.split(/^(?=Examples:$)/m);
  const inWords = (line: string) => inWordsOf(called, line);
  return prose.replace(/^Usage: .*$/m, inWords) + examples.replace(/^ {2}(?!#).*$/gm, inWords);
}
