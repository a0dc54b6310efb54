import { withoutGuess } from './guess.ts';
import { endings } from './known-endings.ts';
import { own, vague } from './known-own.ts';
import { connections, remote } from './known-remote.ts';
import type { FailureKind, KnownFailure } from './known.ts';

/** The first that fits holds: what says more comes before what follows from it. */
const known: readonly KnownFailure[] = [...endings, ...remote, ...own, ...connections, ...vague];

/** A setting by its name, in capitals as variables are written: `DATABASE_URL is not set`, `KeyError: 'REGION'`. */
const namedVariable =
  /\b[A-Z][A-Z0-9]{0,40}_[A-Z0-9_]{1,60}\b["'`]?:? (?:is |was |must be |env\w* )?(?:not set|missing|required|undefined|unset|empty|not defined|not provided|set\b)|KeyError: (?:key not found: )?["']?[A-Z][A-Z0-9_]{1,60}["']?(?: |$)|(?:missing|required|set|define|provide|need|specify)\b.{0,40}\b[A-Z][A-Z0-9]{0,40}_[A-Z0-9_]{1,60}\b/;

/** What a text names as the reason of a failure, not what it guesses at; null where it names nothing known. */
export function failureKind(said: string): FailureKind | null {
  const text = withoutGuess(said);
  const found = known.find(({ pattern }) => pattern.test(text))?.kind ?? null;
  const isVague =
    found === null || ['missing-setting', 'missing-file', 'program-error', 'broken-config'].includes(found);
  return isVague && namedVariable.test(text) ? 'missing-variable' : found;
}

/** The sentence to stand behind a line of this kind; empty where the line says it all. */
export function kindSentence(kind: FailureKind | null): string {
  return known.find((one) => one.kind === kind)?.says ?? '';
}

/** Kinds at which the fault may lie with what stands at the other end of a connection. */
export const remoteKinds: ReadonlySet<FailureKind> = new Set([
  'unresolved',
  'refused',
  'timeout',
  'unreachable',
  'too-many-connections',
  'login-refused',
  'missing-database',
  'read-only',
]);
