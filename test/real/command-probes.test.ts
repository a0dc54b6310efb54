import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lintCommand } from '../../src/lib/shell.ts';
import { randomCommand } from '../support/command-fuzz.ts';
import { commandProbes } from '../support/command-probes.ts';
import { createProbeFolder, hostileValues, probeShells, renderProbe } from '../support/probe-runner.ts';
import type { ProbeFolder } from '../support/probe-runner.ts';
import { createRandom } from '../support/random.ts';

let folder: ProbeFolder;
beforeAll(() => {
  folder = createProbeFolder();
});
afterAll(() => folder.remove());

/** Tried in each quoting; the others stand bare only. */
const valuesInQuotes = 3;
const batchSize = 2_000;

interface Case {
  readonly template: string;
  readonly value: string;
}

/** The cases that ran their value. */
function findRun(shell: string, cases: readonly Case[]): readonly Case[] {
  const rendered = cases.flatMap(({ template, value }) => {
    const command = renderProbe(template, value);
    return command === undefined ? [] : [{ template, value, command }];
  });
  const ran: Case[] = [];
  for (let start = 0; start < rendered.length; start += batchSize) {
    const batch = rendered.slice(start, start + batchSize);
    const indexes = folder.run(
      shell,
      batch.map(({ command }) => command),
    );
    ran.push(...indexes.flatMap((index) => batch[index] ?? []).map(({ template, value }) => ({ template, value })));
  }
  return ran;
}

describe.each(probeShells)('in %s', (shell) => {
  it('no attempt that passes lint runs a hostile value', { timeout: 1_200_000 }, () => {
    const passing = commandProbes().filter((template) => lintCommand(template).length === 0);
    const cases = passing.flatMap((template) => {
      const isQuoted = /["']\{\{/.test(template);
      const values = isQuoted ? hostileValues.slice(0, valuesInQuotes) : hostileValues;
      return values.map((value) => ({ template, value }));
    });
    expect(cases.length).toBeGreaterThan(10_000);
    expect(findRun(shell, cases)).toEqual([]);
  });

  it('no random script that passes lint runs a hostile value', { timeout: 600_000 }, () => {
    const random = createRandom(1);
    const scripts = Array.from({ length: 100_000 }, () => randomCommand(random));
    const passing = scripts.filter(isLintClean);
    expect(passing.length).toBeGreaterThan(200);
    const cases = passing.flatMap((template) =>
      ['$(touch pwned)', 'a[$(touch pwned)]', random.pick(hostileValues)].map((value) => ({ template, value })),
    );
    expect(findRun(shell, cases)).toEqual([]);
  });
});

function isLintClean(template: string): boolean {
  try {
    return lintCommand(template).length === 0;
  } catch {
    // Not even a template.
    return false;
  }
}
