import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isKubernetesName } from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import { fileProblem } from '../../lib/file-problem.ts';
import { redact, redactObject } from '../../lib/redact.ts';
import { readAlerts } from '../alert-payload.ts';

/** What a new case is made of. */
export interface NewCase {
  readonly parent: string;
  readonly name: string;
  /** Text of the alert's file. */
  readonly alert: string;
  /** Words or phrases that the root cause has to say. */
  readonly cause: readonly string[];
  readonly truth: string;
  readonly object: string | null;
}

/** The folder of a case. */
export interface OpenCase {
  readonly directory: string;
  /** Writes the alert, redacted, and what is expected. */
  readonly finish: () => void;
  /** Where there is nothing to finish. */
  readonly remove: () => void;
}

/**
 * Makes the folder of a case, private like a dump. Throws InvalidInput for a name that is no name of a folder, a folder that
 * exists, and what is no alert.
 */
export async function openCase({ parent, name, alert, cause, truth, object }: NewCase): Promise<OpenCase> {
  if (!isKubernetesName(name))
    throw new AppError('InvalidInput', `${name} is no name of a case: small letters, digits, - and . only`, {
      field: '--case',
    });
  await readAlerts(alert);
  const notification = redactObject(JSON.parse(alert));
  const directory = join(parent, name);
  try {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    throw new AppError('InvalidInput', `the case ${directory} cannot be made (${fileProblem(error)})`, {
      cause: error,
    });
  }
  const expected = {
    object,
    cause: cause.map((text) => redact(text).replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)),
    forbidden: [],
    inconclusive: false,
    first_advice: null,
    max_confidence: null,
    kind: 'captured',
    truth: redact(truth),
  };
  const write = (file: string, value: unknown): void =>
    writeFileSync(join(directory, file), `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  return {
    directory,
    finish() {
      write('alert.json', notification);
      write('expected.json', expected);
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
