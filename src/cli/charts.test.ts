import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import type { Measurement } from '../core/finding.ts';
import { renderReport } from '../report/markdown.ts';
import { readReport } from '../report/read.ts';
import { renderText } from '../report/text.ts';
import { tellCharts, writeCharts } from './charts.ts';
import { showsUtf8 } from './output.ts';
import type { Terminal } from './output.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const memory: Measurement = {
  title: 'memory of container app of pod/shop/web-1',
  object: 'pod/shop/web-1',
  kind: 'memory',
  unit: 'bytes',
  expression: 'x',
  sentence: 'Memory of container app of pod/shop/web-1 rose from 60Mi to 252Mi.',
  is_saturated: true,
  is_flat: false,
  began: null,
  sparkline: '▁▂▄ █',
  chart: '<svg/>',
  threshold: null,
  holds_now: null,
  from: '2026-01-01T11:00:00.000Z',
  to: '2026-01-01T12:00:00.000Z',
  step_seconds: 60,
  points: [],
  series: 1,
  evidence_id: 'e7',
};
const report = readReport({ measurements: [memory, { ...memory, chart: null, evidence_id: 'e8' }] } as never);
const terminalOf = (told: string[]): Terminal => ({
  out: () => undefined,
  err: (text) => void told.push(text),
  colour: false,
  env: {},
});

describe('charts of a report', () => {
  it('are files in a folder that is made, and pictures of the Markdown', () => {
    const folder = join(cleanup.temporaryFolder('charts'), 'a', 'b');
    const charts = writeCharts(report, folder);
    const path = join(folder, 'e7-memory.svg');
    expect([...charts]).toEqual([['e7', path]]);
    expect(readFileSync(path, 'utf8')).toBe('<svg/>\n');
    expect(existsSync(join(folder, 'e8-memory.svg'))).toBe(false);
    const markdown = renderReport(report, charts);
    expect(markdown).toContain(
      `(e7).\n\n  ![Memory of container app of pod/shop/web-1 rose from 60Mi to 252Mi (e7).](<${path}>)`,
    );
    expect(renderReport(report)).toContain('`▁▂▄ █`');
    const told: string[] = [];
    tellCharts(terminalOf(told), charts);
    tellCharts(terminalOf(told), new Map());
    expect(told[0]).toBe(`chart: ${path}\n`);
    expect(told[1]).toMatch(/^no charts: .*--prometheus URL/);
  });

  it('of a report of an earlier version are none, and a folder that is a file is said', () => {
    const { chart: _, ...old } = memory;
    const folder = cleanup.temporaryFolder('charts');
    expect(writeCharts(readReport({ measurements: [old] } as never), folder).size).toBe(0);
    writeFileSync(join(folder, 'file'), '');
    expect(() => writeCharts(report, join(folder, 'file'))).toThrow(/charts cannot be written to .*file/);
  });
});

it('shapes are ASCII where the locale of the terminal is not UTF-8', () => {
  expect(showsUtf8({})).toBe(true);
  expect(showsUtf8({ LANG: 'de_DE.UTF-8' })).toBe(true);
  expect(showsUtf8({ LANG: 'en_US.utf8', LC_ALL: '' })).toBe(true);
  expect(showsUtf8({ LANG: 'de_DE.UTF-8', LC_ALL: 'C' })).toBe(false);
  expect(showsUtf8({ LC_CTYPE: 'en_US.ISO-8859-1', LANG: 'en_US.UTF-8' })).toBe(false);
  const view = { now: '2026-01-01T12:00:00.000Z' };
  expect(renderText(report, view)).toContain('\n  ▁▂▄ █\n');
  expect(renderText(report, { ...view, ascii: true })).toContain('\n  _.- #\n');
});
