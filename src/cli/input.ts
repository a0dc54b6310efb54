import { readFileSync } from 'node:fs';
import { AppError } from '../core/errors.ts';
import { fileProblem } from '../lib/file-problem.ts';

/** The text of a file, or of standard input for `-`. Throws InvalidInput where it cannot be read. */
export function readInput(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (cause) {
    throw new AppError('InvalidInput', `cannot read ${path}: ${fileProblem(cause)}`, { cause });
  }
}

/** JSON of a file. Throws InvalidInput that names the file. */
export function readJson(path: string): unknown {
  const text = readInput(path);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new AppError('InvalidInput', `${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** `name=value` words to a map. Throws InvalidInput. */
export function readLabels(words: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at < 1) throw new AppError('InvalidInput', `${word} is not name=value`);
      return [word.slice(0, at), word.slice(at + 1)] as const;
    }),
  );
}
