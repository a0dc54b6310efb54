import type { KubernetesObject, OwnerReference } from '../../core/cluster.ts';
import { durationText, toEpochMs, toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';

/** The value at a path of own properties, or undefined. Objects come from outside and may lack or twist anything. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let current = value;
  for (const key of path) {
    if (current === null || typeof current !== 'object' || !Object.hasOwn(current, key)) return undefined;
    current = (current as Record<string | number, unknown>)[key];
  }
  return current;
}

/** Empty where there is no text. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
}

export function numberAt(value: unknown, ...path: readonly (string | number)[]): number | null {
  const found = at(value, ...path);
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}

/** Empty where there is no list. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** Text values only; empty where there is no map. */
export function mapAt(value: unknown, ...path: readonly (string | number)[]): Readonly<Record<string, string>> {
  const found = at(value, ...path);
  if (found === null || typeof found !== 'object' || Array.isArray(found)) return {};
  return Object.fromEntries(
    Object.entries(found).flatMap(([key, item]) =>
      typeof item === 'string' || typeof item === 'number' ? [[key, String(item)]] : [],
    ),
  );
}

/** A Kubernetes time in the project's form; null where there is none. */
export function timeAt(value: unknown, ...path: readonly (string | number)[]): Timestamp | null {
  const epochMs = Date.parse(textAt(value, ...path));
  return Number.isNaN(epochMs) ? null : toTimestamp(epochMs);
}

/** A condition of a status by its type. */
export function conditionOf(
  object: unknown,
  type: string,
): {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly since: Timestamp | null;
} | null {
  const found = listAt(object, 'status', 'conditions').find((condition) => textAt(condition, 'type') === type);
  if (found === undefined) return null;
  return {
    status: textAt(found, 'status'),
    reason: textAt(found, 'reason'),
    message: textAt(found, 'message'),
    since: timeAt(found, 'lastTransitionTime'),
  };
}

/** A condition as a line of evidence: `condition Ready=False since 2026-01-01T12:00:00Z (KubeletNotReady: ...)`. */
export function conditionLine(condition: unknown): string {
  const why = [textAt(condition, 'reason'), textAt(condition, 'message')].filter(Boolean).join(': ');
  return `condition ${textAt(condition, 'type')}=${textAt(condition, 'status')} since ${textAt(condition, 'lastTransitionTime') || 'unknown'}${why === '' ? '' : ` (${why})`}`;
}

/** The owner that manages the object. */
export function controllerOf(object: KubernetesObject): OwnerReference | null {
  const owners = object.metadata.ownerReferences ?? [];
  return owners.find((owner) => owner.controller === true) ?? null;
}

/** Whether `owner` manages `object`; by UID, so that a namesake of an earlier life does not count. */
export function isOwnedBy(object: KubernetesObject, owner: KubernetesObject): boolean {
  const reference = controllerOf(object);
  if (reference === null) return false;
  return owner.metadata.uid === undefined
    ? reference.kind === owner.kind && reference.name === owner.metadata.name
    : reference.uid === owner.metadata.uid;
}

/** Time from one moment to another, as text; null where one is missing. */
export function between(from: Timestamp | null, to: Timestamp | null): string | null {
  return from === null || to === null ? null : durationText(toEpochMs(to) - toEpochMs(from));
}
