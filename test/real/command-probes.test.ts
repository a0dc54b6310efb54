import { setImmediate } from 'node:timers/promises';
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

/** The first values are tried in each place, some others by chance; in quotes only the very first. */
const valuesInQuotes = 3;
const valuesBare = 10;
const othersBare = 8;
const batchSize = 500;

interface Case {
  readonly template: string;
  readonly value: string;
}

/** The cases that ran their value. */
async function findRun(shell: string, cases: readonly Case[]): Promise<readonly Case[]> {
  const rendered = cases.flatMap(({ template, value }) => {
    const command = renderProbe(template, value);
    return command === undefined ? [] : [{ template, value, command }];
  });
  const ran: Case[] = [];
  for (let start = 0; start < rendered.length; start += batchSize) {
    const batch = rendered.slice(start, start + batchSize);
    // The test runner wants to hear of this process now and then.
    await setImmediate();
    const indexes = folder.run(
      shell,
      batch.map(({ command }) => command),
    );
    ran.push(...indexes.flatMap((index) => batch[index] ?? []).map(({ template, value }) => ({ template, value })));
  }
  return ran;
}

describe.each(probeShells)('in %s', (shell) => {
  it('no attempt that passes lint runs a hostile value', { timeout: 1_200_000 }, async () => {
    const random = createRandom(1);
    const passing = commandProbes().filter((template) => lintCommand(template).length === 0);
    const cases = passing.flatMap((template) => {
      const isQuoted = /["']\{\{/.test(template);
      const first = hostileValues.slice(0, isQuoted ? valuesInQuotes : valuesBare);
      const others = Array.from({ length: isQuoted ? 0 : othersBare }, () => random.pick(hostileValues));
      return [...first, ...others].map((value) => ({ template, value }));
    });
    expect(cases.length).toBeGreaterThan(8_000);
    expect(await findRun(shell, cases)).toEqual([]);
  });

  it('no random script that passes lint runs a hostile value', { timeout: 600_000 }, async () => {
    const random = createRandom(1);
    const scripts = Array.from({ length: 100_000 }, () => randomCommand(random));
    const passing = scripts.filter(isLintClean);
    expect(passing.length).toBeGreaterThan(200);
    const cases = passing.flatMap((template) =>
      ['$(touch pwned)', 'a[$(touch pwned)]', random.pick(hostileValues)].map((value) => ({ template, value })),
    );
    expect(await findRun(shell, cases)).toEqual([]);
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
