import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { metricTable } from '../src/core/metrics.ts';

const source = new URL('../src/', import.meta.url);

/** Metric names in calls of `increment`, `observe` and `set`, with the files they stand in. */
function usedNames(): ReadonlyMap<string, string> {
  const used = new Map<string, string>();
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts') || file === 'core/metrics.ts') continue;
    const text = readFileSync(new URL(file, source), 'utf8');
    for (const [, name] of text.matchAll(/['"](fist_[a-z_]+)['"]/g)) used.set(name ?? '', file);
  }
  return used;
}

describe('metrics', () => {
  const declared = new Set<string>(Object.keys(metricTable));
  const used = usedNames();

  it('of the table are used somewhere', () => {
    const setByItself = new Set(['fist_build_info']);
    expect([...declared].filter((name) => !used.has(name) && !setByItself.has(name))).toEqual([]);
  });
});
