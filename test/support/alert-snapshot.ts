import type { AlertSnapshot } from '../../src/core/run.ts';

/** An alert that fires, of which nothing is known but its labels. */
export function alertOf(labels: Readonly<Record<string, string>>, extra: Partial<AlertSnapshot> = {}): AlertSnapshot {
  return {
    id: 'a1',
    name: 'KubePodCrashLooping',
    fingerprint: 'f',
    severity: 'warning',
    status: 'firing',
    episode: 1,
    labels,
    annotations: {},
    summary: null,
    description: null,
    generatorUrl: null,
    startsAt: '2026-01-01T11:40:00.000Z',
    endsAt: null,
    ...extra,
  };
}
