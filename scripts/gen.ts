/**
 * Writes what follows from the schemas and tables: `deploy/crds`, files of the chart, `docs/reference`, the recorded answers of stories, and
 * `docs/performance.md` from the last committed run of the benchmarks. With `--check` it writes nothing and
 * fails where a file differs.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { performancePage } from '../bench/page.ts';
import type { BenchmarkReport } from '../bench/page.ts';
import type { Evaluation } from '../src/app/evaluation/evaluate.ts';
import { storyAnswers } from './gen/answers.ts';
import { accuracyPage } from './gen/accuracy.ts';
import type { FirstAnswers } from './gen/accuracy.ts';
import { apiPage } from './gen/api.ts';
import { cliReference } from './gen/cli.ts';
import { chartFiles } from './gen/chart.ts';
import { crdsPage } from './gen/crds-page.ts';
import { crdFile } from './gen/crds.ts';
import { findingsPage } from './gen/findings.ts';
import { referencePages } from './gen/reference.ts';
import { reportPage, reportSchemaFile } from './gen/report.ts';
import { securityPage, securityTests } from './gen/security.ts';
import { templatesPage } from './gen/templates.ts';
import { toolsPage } from './gen/tools.ts';

const root = join(import.meta.dirname, '..');

/** All generated files, by path from the root of the repository. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>(await storyAnswers(root));
  files.set('deploy/crds/phase1-crds.yaml', crdFile());
  for (const [path, content] of chartFiles()) files.set(path, content);
  for (const [name, content] of referencePages()) files.set(`docs/reference/${name}`, content);
  files.set('docs/reference/api.md', apiPage());
  files.set('docs/reference/cli.md', cliReference());
  files.set('docs/reference/crds.md', crdsPage());
  files.set('docs/reference/findings.md', findingsPage());
  files.set('docs/reference/report.md', reportPage());
  files.set('docs/reference/report.schema.json', reportSchemaFile());
  files.set('docs/reference/security.md', securityPage(securityTests(root)));
  files.set('docs/reference/templates.md', templatesPage());
  files.set('docs/reference/tools.md', toolsPage());
  const results = JSON.parse(readFileSync(join(root, 'bench/results.json'), 'utf8')) as BenchmarkReport;
  files.set('docs/performance.md', performancePage(results));
  const evaluation = JSON.parse(readFileSync(join(root, 'examples/eval/results.json'), 'utf8')) as Evaluation;
  const first = JSON.parse(readFileSync(join(root, 'examples/eval/first-answers.json'), 'utf8')) as FirstAnswers;
  files.set('docs/accuracy.md', accuracyPage(evaluation, first, modelEvaluations()));
  return files;
}

/** Runs with models, in the order of their names; none is no table. */
function modelEvaluations(): readonly Evaluation[] {
  const folder = join(root, 'examples/eval/models');
  return readdirSync(folder)
    .sort()
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Evaluation);
}

function differs(path: string, content: string): boolean {
  try {
    return readFileSync(join(root, path), 'utf8') !== content;
  } catch {
    return true;
  }
}

async function main(check: boolean): Promise<number> {
  const stale = [...(await generatedFiles())].filter(([path, content]) => differs(path, content));
  if (check) {
    for (const [path] of stale) console.error(`${path} is not up to date; next: npm run gen`);
    return stale.length === 0 ? 0 : 1;
  }
  for (const [path, content] of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    console.log(`wrote ${path}`);
  }
  return 0;
}

if (import.meta.main) process.exitCode = await main(process.argv.includes('--check'));
