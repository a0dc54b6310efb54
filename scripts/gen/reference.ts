import { errorCodes } from '../../src/core/errors.ts';
import { metricTable } from '../../src/core/metrics.ts';
import { factsOf } from '../../src/resources/explain.ts';
import { apiVersion } from '../../src/resources/fields.ts';
import { fieldTree } from '../../src/resources/field-tree.ts';
import type { FieldInfo } from '../../src/resources/field-tree.ts';
import type { ResourceKind } from '../../src/resources/object.ts';
import { branchFields } from '../../src/resources/step-spec.ts';
import { sinks } from '../../src/sinks/index.ts';
import { formats } from '../../src/sources/formats/index.ts';
import { sourceDefinitions } from '../../src/sources/index.ts';
import { stepDefinitions } from '../../src/workflows/steps/index.ts';
import { generated, table } from './markdown.ts';
import { rulesOf } from './rules.ts';

/** The pages under `docs/reference`, by file name. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    [
      'source.md',
      resourcePage(
        'Source',
        [
          typeTable(
            'Types',
            sourceDefinitions.map(({ type, description }) => ({ type, description, works: true })),
          ),
          formatTable(),
        ].join('\n\n'),
      ),
    ],
    [
      'workflow.md',
      resourcePage(
        'Workflow',
        typeTable(
          'Step types',
          stepDefinitions.map(({ type, description }) => ({ type, description, works: true })),
        ),
      ),
    ],
    [
      'sink.md',
      resourcePage(
        'Sink',
        typeTable(
          'Types',
          sinks.map(({ type, description }) => ({ type, description, works: true })),
        ),
      ),
    ],
    ['errors.md', errorsPage()],
    ['metrics.md', metricsPage()],
  ]);
}

interface TypeRow {
  readonly type: string;
  readonly description: string;
  readonly works: boolean;
}

function typeTable(title: string, rows: readonly TypeRow[]): string {
  const cells = rows.map(({ type, description, works }) => [
    `\`${type}\``,
    description,
    works ? 'yes' : 'checked only (`NotImplemented`)',
  ]);
  return `## ${title}\n\n${table(['Type', 'What it does', 'In this version'], cells)}`;
}

/** What `spec.config.format` may be. */
function formatTable(): string {
  const cells = formats.map(({ name, description, mediaTypes, subpaths }) => [
    `\`${name}\``,
    description,
    [...mediaTypes, ...subpaths.map((subpath) => `at \`<path>${subpath}\` too`)].join('<br>'),
  ]);
  const title = '## Formats of `webhook`\n\nTried in this order where `format` is absent.';
  return `${title}\n\n${table(['Format', 'What it is', 'Bodies'], cells)}`;
}

function resourcePage(kind: ResourceKind, types: string): string {
  const tree = fieldTree(kind);
  const spec = tree.fields.find(({ name }) => name === 'spec');
  const rows = (spec?.fields ?? []).flatMap((field) => fieldRows(field));
  return [
    generated,
    `# ${kind}`,
    tree.description,
    `\`apiVersion: ${apiVersion}\`, \`kind: ${kind}\`. The same page in a terminal: \`fist explain ${kind.toLowerCase()}.spec\`.`,
    types,
    '## Fields',
    table(['Field', 'Type', 'Meaning'], rows),
    '## Rules',
    'What the [CRD](crds.md) and `fist lint` say of several fields together, or of a value beyond its form and bounds. Empty type: of all.',
    table(
      ['Field', 'Type', 'Rule'],
      rulesOf(kind).map(({ field, type, message }) => [`\`${field}\``, type, message]),
    ),
    '',
  ].join('\n\n');
}

/** A row for the field and for each one under it. Steps under steps have the fields of steps. */
function fieldRows(field: FieldInfo): string[][] {
  const isBranch = field.path.startsWith('spec.steps[].') && branchFields.includes(field.name);
  const facts = factsOf(field).map(
    ([name, text]) => `${name.toLowerCase()}: ${name === 'REQUIRED' ? text : `\`${text}\``}`,
  );
  const meaning = [
    field.description.replaceAll('<', '&lt;'),
    ...facts,
    ...(isBranch ? ['It has the fields of a step.'] : []),
  ]
    .filter(Boolean)
    .join('<br>');
  const own = [`\`${field.path}\``, field.type, meaning];
  return isBranch ? [own] : [own, ...field.fields.flatMap((child) => fieldRows(child))];
}

function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(([code, { meaning, retryable, exitCode }]) => [
    `\`${code}\``,
    meaning,
    retryable ? 'yes' : 'no',
    String(exitCode),
  ]);
  return [
    generated,
    '# Errors',
    'Each error has a stable code. "May pass" says whether the same call may succeed later without anybody changing anything. The exit code is the one of `fist`.',
    table(['Code', 'Meaning', 'May pass', 'Exit code'], rows),
    '',
  ].join('\n\n');
}

function metricsPage(): string {
  const rows = Object.entries(metricTable).map(([name, { type, labels, help }]) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ]);
  return [
    generated,
    '# Metrics',
    '`GET /metrics` has these, and those of the process.',
    table(['Name', 'Type', 'Labels', 'Meaning'], rows),
    '',
  ].join('\n\n');
}
