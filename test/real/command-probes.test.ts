import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lintCommand } from '../../src/lib/shell.ts';
import { commandProbes } from '../support/command-probes.ts';
import { createProbeFolder, hostileValues, probeShells, renderProbe } from '../support/probe-runner.ts';
import type { ProbeFolder } from '../support/probe-runner.ts';

let folder: ProbeFolder;
beforeAll(() => {
  folder = createProbeFolder();
});
afterAll(() => folder.remove());

/** Tried in each quoting; the others stand bare only. */
const valuesInQuotes = 6;
const batchSize = 2_000;

describe.each(probeShells)('in %s', (shell) => {
  it('no attempt that passes lint runs a hostile value', { timeout: 900_000 }, () => {
    const passing = commandProbes().filter((template) => lintCommand(template).length === 0);
    const cases = passing.flatMap((template) => {
      const isQuoted = /["']\{\{/.test(template);
      return (isQuoted ? hostileValues.slice(0, valuesInQuotes) : hostileValues).flatMap((value) => {
        const command = renderProbe(template, value);
        return command === undefined ? [] : [{ template, value, command }];
      });
    });
    expect(cases.length).toBeGreaterThan(5_000);
    const ran: unknown[] = [];
    for (let start = 0; start < cases.length; start += batchSize) {
      const batch = cases.slice(start, start + batchSize);
      const commands = batch.map(({ command }) => command);
      for (const index of folder.run(shell, commands)) ran.push([batch[index]?.template, batch[index]?.value]);
    }
    expect(ran).toEqual([]);
  });
});
