import { readVersion } from '../lib/version.ts';
import { outputFormat } from './output.ts';
import type { Terminal } from './output.ts';

/** `fist version`. */
export async function version(terminal: Terminal, flags: { output: string }): Promise<number> {
  const value = {
    version: readVersion(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
  };
  if (outputFormat(flags.output, ['text', 'json']) === 'json') terminal.out(`${JSON.stringify(value, null, 2)}\n`);
  else terminal.out(`fist ${value.version} (node ${value.node}, ${value.platform})\n`);
  return 0;
}
