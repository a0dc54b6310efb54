import { AppError } from '../core/errors.ts';
import { sinks } from '../sinks/index.ts';
import { sourceDefinitions } from '../sources/index.ts';
import { stepDefinitions } from '../workflows/steps/index.ts';
import { apiVersion } from './fields.ts';
import { fieldTree } from './field-tree.ts';
import type { FieldInfo } from './field-tree.ts';
import type { ResourceKind } from './object.ts';

type Values = Readonly<Record<string, unknown>>;

/** What a document of a kind and type begins with: whatever it cannot do without, and what most people want. */
interface Starter {
  readonly kind: ResourceKind;
  readonly type: string;
  readonly name: string;
  readonly spec: Values;
}

const width = 80;

const authentication = { type: 'bearer', secretRef: 'alertmanager-token' };

/** They name each other: a Source starts the Workflow `triage`, which tells the Sink `report`. The first of a kind is its default. */
const starters: readonly Starter[] = [
  {
    kind: 'Source',
    type: 'webhook',
    name: 'alertmanager',
    spec: {
      type: 'webhook',
      config: { path: '/webhook/alertmanager', matchers: 'alertname!~"Watchdog|InfoInhibitor"', authentication },
      triggerWorkflow: 'triage',
      cooldown: '30m',
      flapCapPerHour: 6,
    },
  },
  {
    kind: 'Source',
    type: 'api',
    name: 'api',
    spec: { type: 'api', config: { endpoint: '/alerts' }, triggerWorkflow: 'triage' },
  },
  {
    kind: 'Source',
    type: 'schedule',
    name: 'morning',
    spec: {
      type: 'schedule',
      config: { cron: '0 6 * * MON-FRI', timezone: 'Europe/Berlin' },
      triggerWorkflow: 'triage',
    },
  },
  {
    kind: 'Source',
    type: 'kubernetes',
    name: 'cluster',
    spec: {
      type: 'kubernetes',
      config: { resource: 'events', event: 'Warning' },
      triggerWorkflow: 'triage',
      cooldown: '1h',
    },
  },
  {
    kind: 'Source',
    type: 'chat',
    name: 'slack',
    spec: {
      type: 'chat',
      config: {
        platform: 'slack',
        trigger: 'mention',
        channel: 'C0123456789',
        appToken: 'slack-app-token',
        botToken: 'slack-bot-token',
      },
      triggerWorkflow: 'triage',
    },
  },
  workflow('agent', [{ name: 'investigate', type: 'agent', goal: 'Find out why {{ .alert.alertname }} fires.' }]),
  workflow('cli', [
    { name: 'look', type: 'cli', command: 'kubectl get pods -n {{ .alert.labels.namespace }}', timeout: '30s' },
  ]),
  workflow('conditional', [
    {
      name: 'is-critical',
      type: 'conditional',
      condition: '{{ .alert.severity }} == critical',
      agent: { name: 'investigate', type: 'agent', goal: 'Find out why {{ .alert.alertname }} fires.' },
    },
  ]),
  ...sinks.map(({ type, example }): Starter => {
    return { kind: 'Sink', type, name: 'report', spec: { type, config: example, sendResolved: true } };
  }),
];

function workflow(type: string, steps: readonly Values[]): Starter {
  return { kind: 'Workflow', type, name: 'triage', spec: { steps, sinks: ['report'] } };
}

/** What `type` names in each kind, with those that this version can run. */
const runnable: Readonly<Record<ResourceKind, readonly string[]>> = {
  Source: sourceDefinitions.map(({ type }) => type),
  Workflow: stepDefinitions.map(({ type }) => type),
  Sink: sinks.map(({ type }) => type),
};

/** The types that {@link writeStarter} takes: of a Workflow those of its step. */
export function starterTypes(kind: ResourceKind): readonly string[] {
  return runnable[kind];
}

/**
 * A document to begin with, as YAML: set is what it needs, every other field stands there as a comment with its description
 * and what it is by default. Absent: the kind's usual type. Throws InvalidInput for a type that there is not.
 */
export function writeStarter(kind: ResourceKind, type?: string): string {
  const starter = starters.find((one) => one.kind === kind && (type === undefined || one.type === type));
  if (starter === undefined)
    throw new AppError('InvalidInput', `there is no ${kind} of type ${type ?? ''} that this version can run`, {
      field: '--type',
      next: `one of ${runnable[kind].join(', ')}`,
    });
  const tree = fieldTree(kind);
  const spec = tree.fields.find(({ name }) => name === 'spec');
  const noun = kind.toLowerCase();
  const about = [tree.description, `Every field: fist explain ${noun}.spec. Check it: fist lint FILE.`];
  return [
    ...about.flatMap((text) => comment(text, '')),
    `apiVersion: ${apiVersion}`,
    `kind: ${kind}`,
    `metadata:`,
    `  name: ${starter.name}`,
    `spec:`,
    ...fieldLines(spec?.fields ?? [], starter.spec, starter.type, '  '),
    '',
  ].join('\n');
}

/** A Secret with a token of its own, as YAML. */
export function writeSecret(token: string): string {
  return [
    ...comment(
      'The token that the Source alertmanager asks its senders for. Keep this file out of version control.',
      '',
    ),
    ...comment('Or in place of it, with --secrets-dir: the file DIR/alertmanager-token/token, mode 0600.', ''),
    'apiVersion: v1',
    'kind: Secret',
    'metadata:',
    '  name: alertmanager-token',
    'stringData:',
    `  token: ${token}`,
    '',
  ].join('\n');
}

function fieldLines(fields: readonly FieldInfo[], values: Values, type: string, indent: string): readonly string[] {
  return fields
    .filter(({ name, usedBy }) => name in values || usedBy.length === 0 || usedBy.includes(type))
    .flatMap((field) => {
      const value = values[field.name];
      if (value !== undefined)
        return [...comment(aboutField(field, true), indent), ...valueLines(field, value, type, indent)];
      return isBranch(field)
        ? []
        : [...comment(aboutField(field, false), indent), ...exampleLines(field, `${indent}# `)];
    });
}

/** Fields that hold a whole step are shown where the step has one only. */
function isBranch({ fields }: FieldInfo): boolean {
  return fields.some(({ name }) => name === 'goal');
}

function valueLines(field: FieldInfo, value: unknown, type: string, indent: string): readonly string[] {
  const head = `${indent}${field.name}:`;
  if (Array.isArray(value) && field.fields.length > 0)
    return [head, ...(value as Values[]).flatMap((item) => itemLines(field.fields, item, indent))];
  if (typeof value === 'object' && value !== null && field.fields.length > 0) {
    const inner = typeOf(value as Values) ?? type;
    const lines = fieldLines(field.fields, value as Values, inner, `${indent}  `);
    return [head, ...lines];
  }
  return [`${head} ${scalar(value)}`];
}

/** A step of a list: its dash stands before its name, which comes first. */
function itemLines(fields: readonly FieldInfo[], item: Values, indent: string): readonly string[] {
  const lines = fieldLines(fields, item, typeOf(item) ?? '', `${indent}    `);
  const first = lines.findIndex((line) => !line.trimStart().startsWith('#'));
  return lines.map((line, index) => (index === first ? `${indent}  - ${line.trimStart()}` : line));
}

function typeOf(value: Values): string | undefined {
  return typeof value['type'] === 'string' ? value['type'] : undefined;
}

/** A field that is not set shows its default itself; types are chosen with `--type`. */
function aboutField({ name, description, values, default: usual }: FieldInfo, isSet: boolean): string {
  const one = values.length > 1 && name !== 'type' ? ` One of ${values.join(', ')}.` : '';
  const known = isSet && (typeof usual === 'string' || typeof usual === 'number') ? ` Default: ${scalar(usual)}.` : '';
  return `${description}${one}${known}`;
}

function exampleLines(field: FieldInfo, indent: string): readonly string[] {
  const line = `${indent}${field.name}: ${example(field)}`;
  if (line.length <= width) return [line];
  if (isMap(field.default))
    return [
      `${indent}${field.name}:`,
      ...Object.entries(field.default).map(([name, value]) => `${indent}  ${name}: ${scalar(value)}`),
    ];
  if (field.fields.length === 0) return [line];
  return [`${indent}${field.name}:`, ...field.fields.flatMap((inner) => exampleLines(inner, `${indent}  `))];
}

function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a field may look like: its default, a value that it takes, or one of its type. */
function example(field: FieldInfo): string {
  if (field.default !== undefined) return scalar(field.default);
  if (field.values[0] !== undefined) return field.values[0];
  if (field.fields.length > 0 && !field.type.startsWith('[]'))
    return `{ ${field.fields.map((inner) => `${inner.name}: ${example(inner)}`).join(', ')} }`;
  if (field.type.startsWith('[]')) return '[]';
  if (field.type.startsWith('map')) return '{}';
  return field.type === 'integer' ? '1' : field.type === 'boolean' ? 'false' : "''";
}

/** On one line; JSON is YAML, and plain where that reads the same. */
function scalar(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(scalar).join(', ')}]`;
  if (typeof value !== 'string') return JSON.stringify(value);
  if (/^[a-zA-Z/][a-zA-Z0-9/._-]*$/.test(value) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(value))
    return value;
  return value.includes("'") ? JSON.stringify(value) : `'${value}'`;
}

function comment(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${indent}# ${word}`);
  }
  return lines;
}
