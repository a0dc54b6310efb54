import type { BeyondKind } from '../lib/rule.ts';

/** Something wrong with a resource, before it has a place in a file. */
export interface Issue {
  /** Path of the field within the object, `['spec', 'steps', 0, 'command']`. */
  readonly path: readonly (string | number)[];
  /** Offset within the text of the field, for templates and the like; absent = the field as a whole. */
  readonly offset?: number;
  /** The field's name is wrong, not its value. */
  readonly atKey?: boolean;
  readonly severity: 'error' | 'warning';
  /** An error that lint reports and that does not keep the resource from being used. */
  readonly tolerated?: boolean;
  /** The API server takes an object with it; absent: it refuses it, or it is a warning. */
  readonly beyond?: BeyondKind;
  readonly message: string;
  /** What to do about it. */
  readonly next?: string;
}

/** Whether a resource cannot be used because of this. */
export function isBlocking(issue: Issue): boolean {
  return issue.severity === 'error' && issue.tolerated !== true;
}

/** Something wrong in a file. Lines and columns count from 1; columns count UTF-16 units. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** `spec.steps[0].command`; empty for the document or the file as a whole. */
  readonly field: string;
  /** What to do about it; absent where the message says it. */
  readonly next?: string;
  /** Of an error: an API server takes an object with it. */
  readonly beyond?: BeyondKind;
}

/** `['spec', 'steps', 0, 'command']` as `spec.steps[0].command`. */
export function fieldName(path: readonly (string | number)[]): string {
  let name = '';
  for (const part of path) {
    if (typeof part === 'number') name += `[${part}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part)) name += name === '' ? part : `.${part}`;
    else name += `[${JSON.stringify(part)}]`;
  }
  return name;
}
