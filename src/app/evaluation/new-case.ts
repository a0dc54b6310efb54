import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isKubernetesName } from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import { fileProblem } from '../../lib/file-problem.ts';
import { redact } from '../../lib/redact.ts';

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

/**
 * Makes the folder of a case, private like a dump; `finish` writes the alert, redacted, and what is expected. Throws
 * InvalidInput for a name that is no name of a folder, a folder that exists, and an alert that is not JSON.
 */
export function openCase({ parent, name, alert, cause, truth, object }: NewCase): {
  readonly directory: string;
  readonly finish: () => void;
} {
  if (!isKubernetesName(name))
    throw new AppError('InvalidInput', `${name} is no name of a case: small letters, digits, - and . only`, {
      field: '--case',
    });
  const notification = redactedJson(alert);
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
    cause: cause.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)),
    forbidden: [],
    inconclusive: false,
    first_advice: null,
    max_confidence: null,
    kind: 'captured',
    truth,
  };
  const write = (file: string, value: unknown): void =>
    writeFileSync(join(directory, file), `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  return {
    directory,
    finish() {
      write('alert.json', notification);
      write('expected.json', expected);
    },
  };
}

/** The alert with what looks like a secret in its texts hidden. */
function redactedJson(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown) => (typeof value === 'string' ? redact(value) : value));
  } catch (error) {
    throw new AppError('InvalidInput', `the alert is not JSON: ${(error as Error).message}`, {
      cause: error,
      field: '--alert',
    });
  }
}
