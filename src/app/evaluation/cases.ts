import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import { fileProblem } from '../../lib/file-problem.ts';
import type { ExpectedCause } from './judge.ts';

/** A folder with `alert.json`, a captured cluster (`dump/`, or a file `dump.*`) and `expected.json`. */
export interface Case {
  readonly name: string;
  /** The text of `alert.json`. */
  readonly alert: string;
  readonly dump: string;
  readonly expected: ExpectedCause;
}

const patterns = z
  .array(
    z.string().refine(
      (text) => {
        try {
          return new RegExp(text, 'i') instanceof RegExp;
        } catch {
          return false;
        }
      },
      { message: 'no regular expression' },
    ),
  )
  .default([]);

const expectedSchema = z.object({
  object: z.string().nullable().default(null),
  cause: patterns,
  forbidden: patterns,
  inconclusive: z.boolean().default(false),
  or_inconclusive: z.boolean().default(false),
  first_advice: z.object({ must: patterns, must_not: patterns }).nullable().default(null),
  max_confidence: z.number().min(0).max(1).nullable().default(null),
  min_confidence: z.number().min(0).max(1).nullable().default(null),
  kind: z.string().default('other'),
  truth: z.string().default(''),
});

/** The cases of a folder in the order of their names: every folder in it with an `expected.json`. Throws InvalidInput. */
export async function readCases(directory: string): Promise<readonly Case[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    throw new AppError('InvalidInput', `${directory} cannot be read (${fileProblem(error)})`, { cause: error });
  });
  const cases: Case[] = [];
  for (const name of entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()) {
    const text = await readFile(join(directory, name, 'expected.json'), 'utf8').catch(() => null);
    if (text === null) continue;
    const alert = await readFile(join(directory, name, 'alert.json'), 'utf8').catch((error: unknown) => {
      throw new AppError(
        'InvalidInput',
        `${join(directory, name, 'alert.json')} cannot be read (${fileProblem(error)})`,
      );
    });
    const files = await readdir(join(directory, name));
    const dump = files.includes('dump') ? 'dump' : files.sort().find((file) => file.startsWith('dump.'));
    cases.push({
      name,
      alert,
      dump: join(directory, name, dump ?? 'dump'),
      expected: parseExpected(text, join(directory, name, 'expected.json')),
    });
  }
  if (cases.length > 0) return cases;
  throw new AppError('InvalidInput', `${directory} holds no cases: no folder in it has an expected.json`, {
    next: 'fist capture --case NAME --alert FILE --cause TEXT makes one from a live cluster',
  });
}

function parseExpected(text: string, path: string): ExpectedCause {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError('InvalidInput', `${path} is not JSON (${(error as Error).message})`, { cause: error });
  }
  const parsed = expectedSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError('InvalidInput', `${path}: ${issue?.path.join('.')}: ${issue?.message}`);
}
