import { randomBytes } from 'node:crypto';
import { AppError } from '../core/errors.ts';
import { writeSecret, writeStarter } from '../resources/starters.ts';
import type { ResourceKind } from '../resources/object.ts';
import type { Terminal } from './output.ts';

const kinds: Readonly<Record<string, ResourceKind>> = { source: 'Source', workflow: 'Workflow', sink: 'Sink' };

/** `fist init NOUN`: a document to begin with, on stdout. */
export async function init(terminal: Terminal, flags: { type?: string }, noun = ''): Promise<number> {
  const kind = Object.hasOwn(kinds, noun) ? kinds[noun] : undefined;
  if (kind === undefined && noun !== 'secret')
    throw new AppError('InvalidInput', `${noun} is not one of ${[...Object.keys(kinds), 'secret'].join(', ')}`, {
      next: 'fist init source',
    });
  if (kind === undefined && flags.type !== undefined)
    throw new AppError('InvalidInput', 'a Secret has no types', { field: '--type', next: 'fist init secret' });
  terminal.out(kind === undefined ? writeSecret(randomBytes(16).toString('hex')) : writeStarter(kind, flags.type));
  return 0;
}
