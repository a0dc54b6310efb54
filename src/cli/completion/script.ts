import { AppError } from '../../core/errors.ts';
import type { Terminal } from '../output.ts';
import { completionScripts } from './scripts.ts';

/** `fist completion SHELL`: prints the script that the shell evaluates. */
export async function completion(terminal: Terminal, _flags: object, shell = ''): Promise<number> {
  const script = Object.hasOwn(completionScripts, shell) ? completionScripts[shell] : undefined;
  if (script === undefined) {
    const shells = Object.keys(completionScripts);
    throw new AppError('InvalidInput', `there is no completion for ${shell}: shells are ${shells.join(', ')}`, {
      next: 'fist completion --help',
    });
  }
  terminal.out(script);
  return 0;
}
