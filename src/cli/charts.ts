import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { AgentResult, Measurement } from '../core/finding.ts';
import { fileProblem } from '../lib/file-problem.ts';
import type { Charts } from '../report/markdown.ts';
import { tell } from './output.ts';
import type { Terminal } from './output.ts';

/**
 * Writes the charts of a report into a folder, which is made where there is none: `e7-memory.svg`. Returns their paths by the id of
 * the evidence. Reports of earlier versions have none. Throws InvalidInput where a file cannot be written.
 */
export function writeCharts({ measurements }: Pick<AgentResult, 'measurements'>, directory: string): Charts {
  const kept: readonly (Pick<Measurement, 'evidence_id' | 'kind'> & Partial<Pick<Measurement, 'chart'>>)[] =
    measurements;
  const charts = kept.flatMap(({ chart = null, evidence_id: id, kind }) =>
    chart === null ? [] : [{ chart, id, path: join(directory, `${id}-${kind}.svg`) }],
  );
  try {
    mkdirSync(directory, { recursive: true });
    for (const { chart, path } of charts) writeFileSync(path, `${chart}\n`);
  } catch (error) {
    throw new AppError('InvalidInput', `charts cannot be written to ${directory} (${fileProblem(error)})`, {
      cause: error,
      field: '--charts',
    });
  }
  return new Map(charts.map(({ id, path }) => [id, path]));
}

/** Says where they are, or that there are none. */
export function tellCharts(terminal: Terminal, charts: Charts): void {
  if (charts.size === 0)
    tell(terminal, 'no charts: the report has no measurements to show (--prometheus URL, or spec.prometheus)');
  for (const path of charts.values()) tell(terminal, `chart: ${path}`);
}
