import { listAt } from './fields.ts';

/** The words that a container is started with: its command and its arguments. */
export function commandLineOf(spec: unknown): readonly string[] {
  return [...listAt(spec, 'command'), ...listAt(spec, 'args')].filter((word) => typeof word === 'string');
}
