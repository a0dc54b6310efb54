import { toTimestamp } from '../core/time.ts';
import { checkSink } from './check-sink.ts';
import { checkSource } from './check-source.ts';
import { compileWorkflow } from './compile.ts';
import { withGrantsOf } from './grants.ts';
import { objectKey } from './object.ts';
import type { ResourceObject } from './object.ts';
import { isBlocking } from './problem.ts';
import type { Issue, Problem } from './problem.ts';
import type { LocatedObject, ReadResources, SecretDocument } from './read.ts';

/** What is wrong with an object by itself, without the others. */
export function objectIssues(object: ResourceObject): readonly Issue[] {
  const { kind, namespace, name, spec } = object;
  if (kind === 'Source') return checkSource(spec).issues;
  if (kind === 'Sink') return checkSink(spec).issues;
  return compileWorkflow(namespace, name, spec).issues;
}

function isUsable(object: ResourceObject): boolean {
  return !objectIssues(object).some(isBlocking);
}

/**
 * What is in force once there is `newer`: where that cannot be used and the one before could, the one before, with what the newer one
 * grants. `told` says to people what is wrong with it.
 */
export function lastGood<Version extends ResourceObject>(
  before: Version | undefined,
  newer: Version,
  told: (issue: Issue) => string,
): Version {
  const issue = objectIssues(newer).find(isBlocking);
  if (issue === undefined || before === undefined || !isUsable(before)) return newer;
  // A Source grants nothing: its good spec would be one with a field that no Source has.
  const spec = before.kind === 'Source' ? before.spec : withGrantsOf(before.spec, newer.spec);
  return { ...before, spec, brokenEdit: told(issue) };
}

/** An editor that empties a file before it writes it, a volume that is swapped, a file removed by mistake: so long. */
const holdMs = 60_000;

/** What is in use after a reload. */
export interface Kept {
  readonly objects: readonly LocatedObject[];
  readonly secrets: readonly SecretDocument[];
  /** By key, when what vanished from the resources was missed first; monotonic milliseconds. */
  readonly missedSince: ReadonlyMap<string, number>;
}

export const nothingKept: Kept = { objects: [], secrets: [], missedSince: new Map() };

/**
 * What to use after a reload: an object whose new version cannot be used keeps its last good one, and so does all of a file
 * whose YAML is broken. What vanished is held for a minute, however it vanished, and is then gone.
 */
export function keepLastGood(before: Kept, read: ReadResources, nowMs: number): Kept {
  const missedSince = new Map<string, number>();
  function isHeld(key: string): boolean {
    const sinceMs = before.missedSince.get(key) ?? nowMs;
    if (nowMs - sinceMs >= holdMs) return false;
    missedSince.set(key, sinceMs);
    return true;
  }
  const broken = new Map(
    read.problems
      .filter(({ severity }) => severity === 'error')
      .reverse()
      .map((problem) => [problem.file, problem]),
  );
  return {
    objects: [...newOrGood(before.objects, read.objects), ...missing(before.objects, read.objects, broken, isHeld)],
    secrets: [...read.secrets, ...missingSecrets(before.secrets, read.secrets, broken, isHeld)],
    missedSince,
  };
}

/** What was read, or its last good version. */
function newOrGood(before: readonly LocatedObject[], read: readonly LocatedObject[]): readonly LocatedObject[] {
  const earlier = new Map(before.map((object) => [objectKey(object), object]));
  return read.map((object) =>
    lastGood(earlier.get(objectKey(object)), object, (issue) => problemText(object.document.locate(issue))),
  );
}

function problemText({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}

/** What was not read and is used all the same. */
function missing(
  before: readonly LocatedObject[],
  read: readonly LocatedObject[],
  broken: ReadonlyMap<string, Problem>,
  isHeld: (key: string) => boolean,
): readonly LocatedObject[] {
  const seen = new Set(read.map(objectKey));
  return before.flatMap((object) => {
    if (seen.has(objectKey(object)) || !isUsable(object)) return [];
    const problem = broken.get(object.document.file);
    if (problem !== undefined) return [{ ...object, brokenEdit: problemText(problem) }];
    return isHeld(objectKey(object)) ? [object] : [];
  });
}

function missingSecrets(
  before: readonly SecretDocument[],
  read: readonly SecretDocument[],
  broken: ReadonlyMap<string, Problem>,
  isHeld: (key: string) => boolean,
): readonly SecretDocument[] {
  const seen = new Set(read.map(secretKey));
  return before.filter(
    (secret) => !seen.has(secretKey(secret)) && (broken.has(secret.file) || isHeld(secretKey(secret))),
  );
}

/** The key of a Secret document among all objects. */
export function secretKey({ namespace, name }: SecretDocument): string {
  return `Secret/${namespace}/${name}`;
}

/** The objects for the catalog; what is held says until when. */
export function objectsInUse(kept: Kept, nowMs: number, wallMs: number): readonly LocatedObject[] {
  return kept.objects.map((object) => {
    const sinceMs = kept.missedSince.get(objectKey(object));
    return sinceMs === undefined ? object : { ...object, leavesAt: toTimestamp(wallMs + sinceMs + holdMs - nowMs) };
  });
}

/** Whether something that is held has to go. */
export function isOverdue({ missedSince }: Kept, nowMs: number): boolean {
  return [...missedSince.values()].some((sinceMs) => nowMs - sinceMs >= holdMs);
}
