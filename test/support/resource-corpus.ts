import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { StructuralNode } from '../../scripts/gen/structural.ts';
import { crdObjects } from '../../scripts/gen/crds.ts';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { sinks } from '../../src/sinks/index.ts';
import { largestResources } from './largest-resources.ts';
import { wrongValues } from './wrong-values.ts';

/** A Source, Workflow or Sink, good or bad. */
export interface CorpusObject {
  /** What it is: `Sink whole-email: spec.config.port is text`. */
  readonly title: string;
  readonly kind: string;
  readonly spec: JsonValue;
  /** It is an example: nothing is wrong with it. */
  readonly isGood?: true;
}

type Path = readonly (string | number)[];

interface Seed {
  readonly title: string;
  readonly kind: string;
  readonly spec: JsonObject;
}

const root = join(import.meta.dirname, '../..');
const whole = ['test/fixtures/resources/whole/*.yaml'];
const others = ['test/fixtures/resources/{contract,earlier}/*.yaml', 'examples/**/*.yaml'];

/** The schema of `spec` of each kind, as the CRDs have it. */
export const specSchemas: ReadonlyMap<string, StructuralNode> = new Map(
  crdObjects().map(({ spec }) => [
    spec.names.kind,
    spec.versions[0]?.schema.openAPIV3Schema.properties?.['spec'] ?? {},
  ]),
);

/**
 * Objects of every type: the examples, those of the contract, some with most of their fields, and those with one thing changed: a
 * field that is missing, of another type, out of bounds, unknown, or one that belongs to something else. The same at each call.
 */
export function resourceCorpus(): readonly CorpusObject[] {
  const wholes = seedsOf(whole);
  const good = [...wholes, ...seedsOf(others), ...sinkExamples()];
  const samples = collectSamples(good);
  const seen = new Set<string>();
  return [
    ...[...good, ...largest].map((seed) => ({ ...seed, isGood: true as const })),
    ...wholes.flatMap((seed) => mutants(seed, samples, seen)),
    ...changes.map(([name, path, value]) => changed(wholes, name, path, value)),
  ];
}

/** What no value of another object, and none that is wrong everywhere, comes to. */
const changes: readonly (readonly [name: string, path: Path, value: JsonValue])[] = [
  ['whole-webhook', ['spec', 'groupWait'], '11m'],
  ['whole-webhook', ['spec', 'groupInterval'], '1s'],
  ['whole-webhook', ['spec', 'groupBy', 0], '...'],
  ['whole-webhook', ['spec', 'cooldown'], '999y'],
  ['whole-webhook', ['spec', 'maintenance', 0, 'from'], '2026-02-30T00:00:00Z'],
  ['whole-webhook', ['spec', 'maintenance', 0, 'from'], '0001-01-01T00:00:00Z'],
  ['whole-webhook', ['spec', 'maintenance', 0, 'until'], '2025-12-31T23:59:59Z'],
  ['whole-webhook', ['spec', 'maintenance', 0, 'endTime'], '00:30'],
  ['whole-webhook', ['spec', 'config', 'mapping', 'name'], '{{ .item'],
  ['whole-webhook', ['spec', 'config', 'matchers', 0], 'team=='],
  ['whole-kubernetes', ['spec', 'config', 'resource'], 'secrets'],
  ['whole-kubernetes', ['spec', 'config', 'quietFor'], '59s'],
  ['whole-kubernetes', ['spec', 'config', 'event'], 'Warning'],
  ['whole-events', ['spec', 'config', 'event'], 'added'],
  ['whole-mattermost', ['spec', 'config', 'channel'], 'town-square'],
  ['whole-schedule', ['spec', 'config', 'cron'], '99 * * * *'],
  ['whole-schedule', ['spec', 'config', 'cron'], '0 0 31 2 *'],
  ['whole-schedule', ['spec', 'config', 'cron'], 'every day'],
  ['whole-api', ['spec', 'config', 'schema'], { type: 'nothing' }],
  ['whole-polling', ['spec', 'config', 'interval'], '9s'],
  ['whole-polling', ['spec', 'config', 'endpoint'], 'https://user:word@example.com/'],
  ['whole-polling', ['spec', 'config', 'endpoint'], 'https://[::1'],
  ['whole-webhook', ['spec', 'triggerWorkflow'], `${'a'.repeat(63)}/${'b'.repeat(253)}`],
  ['whole-webhook', ['spec', 'triggerWorkflow'], `${'a'.repeat(64)}/triage`],
  ['whole-webhook', ['spec', 'triggerWorkflow'], 'Platform/triage'],
  ['whole-webhook', ['spec', 'triggerWorkflow'], 'a/b/c'],
  ['whole-webhook', ['spec', 'triggerWorkflow'], 'platform/'],
  ['whole-webhook', ['spec', 'triggerWorkflow'], '/triage'],
  ['whole', ['spec', 'sinks'], ['out', 'oncall/out', 'default/out']],
  ['whole', ['spec', 'sinks'], ['oncall/out', 'oncall/out']],
  ['whole', ['spec', 'accessFrom'], {}],
  ['whole', ['spec', 'accessFrom', 'namespaces'], []],
  ['whole', ['spec', 'accessFrom', 'namespaces'], ['**']],
  ['whole', ['spec', 'accessFrom', 'namespaces'], ['shop', 'shop']],
  ['whole', ['spec', 'accessFrom', 'namespaces'], ['shop.example']],
  ['whole-stdout', ['spec', 'accessFrom', 'namespaces'], ['a'.repeat(64)]],
  ['whole', ['spec', 'steps', 0, 'timeout'], '0s'],
  ['whole', ['spec', 'steps', 0, 'command'], 'sh -c "{{ .source.data.x }}"'],
  ['whole', ['spec', 'steps', 2, 'then', 'name'], 'pods'],
  ['whole', ['spec', 'steps', 1, 'name'], 'pods'],
  ['whole', ['spec', 'steps', 2, 'then', 'agent'], { type: 'cli' }],
  ['whole', ['spec', 'runtime', 'mcpServers', 0, 'timeout'], '6m'],
  ['whole', ['spec', 'runtime', 'mcpServers'], ['a', 'b'].map(manyTools)],
  ['whole', ['spec', 'capabilities'], { shop: { metrics: true, logs: false } }],
  ['whole', ['spec', 'capabilities'], { Shop: { metrics: true } }],
  ['whole', ['spec', 'capabilities'], { ['a'.repeat(64)]: { logs: true } }],
  ['whole', ['spec', 'clusterAccess'], { level: 'none' }],
  ['whole', ['spec', 'clusterAccess', 'level'], 'read'],
  ['whole', ['spec', 'clusterAccess', 'level'], 'act'],
  ['whole', ['spec', 'clusterAccess', 'serviceAccount'], 'bank/investigator'],
  ['whole', ['spec', 'clusterAccess', 'serviceAccount'], 'system:serviceaccount:bank:investigator'],
  ['whole-stdout', ['spec', 'delivery', 'retryFor'], '59s999ms'],
  ['whole-stdout', ['spec', 'delivery', 'retryFor'], '1w1ms'],
  ['whole-stdout', ['spec', 'delivery', 'retryFor'], '6d23h60m'],
  ['whole-email', ['spec', 'config', 'credentialsSecret'], 'mail/key'],
  ['whole-file', ['spec', 'config', 'file'], 'reports.jsonl.1'],
  ['whole-prometheus', ['spec', 'config', 'grouping'], { run: '{{ .run.id }}' }],
];

function manyTools(name: string): JsonObject {
  const tools = Array.from({ length: 8 }, (_, index) => ({ name: `t${index}`, pin: '0'.repeat(64) }));
  return { name, url: 'https://mcp.example.com', tools };
}

function changed(seeds: readonly Seed[], name: string, path: Path, value: JsonValue): CorpusObject {
  const seed = seeds.find(({ title }) => title.split(' ')[1] === name);
  if (seed === undefined) throw new Error(`there is no object ${name}`);
  const { kind, spec, title } = seed;
  const object = replaced({ spec }, path, value) as { readonly spec: JsonValue };
  return { title: `${title}: ${path.join('.')} is ${JSON.stringify(value)}`, kind, spec: object.spec };
}

const largest: readonly Seed[] = largestResources.map((each) => ({ ...each, title: `the largest ${each.kind}` }));

function seedsOf(patterns: readonly string[]): readonly Seed[] {
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: root }).sort());
  return files.flatMap((file) =>
    parseAllDocuments(readFileSync(join(root, file), 'utf8')).flatMap((document) => {
      const { kind, metadata, spec } = document.toJS() as {
        kind: string;
        metadata: { name: string };
        spec: JsonObject;
      };
      return specSchemas.has(kind) ? [{ title: `${kind} ${metadata.name} of ${file}`, kind, spec }] : [];
    }),
  );
}

function sinkExamples(): readonly Seed[] {
  return sinks.map(({ type, example }) => ({
    title: `Sink: the example of ${type}`,
    kind: 'Sink',
    spec: { type, config: example },
  }));
}

/** Values by kind and place in the schema, `Sink spec.config.tags[]`. */
type Samples = ReadonlyMap<string, JsonValue>;

function collectSamples(seeds: readonly Seed[]): Samples {
  const samples = new Map<string, JsonValue>();
  for (const { kind, spec } of seeds)
    walk(specSchemas.get(kind) ?? {}, spec, ['spec'], (_node, value, path) => {
      const place = placeOf(kind, path);
      if (value !== undefined && !samples.has(place)) samples.set(place, value);
    });
  return samples;
}

function placeOf(kind: string, path: Path): string {
  return `${kind} ${path.map((part) => (typeof part === 'number' ? '[]' : part)).join('.')}`;
}

type Visit = (node: StructuralNode, value: JsonValue | undefined, path: Path) => void;

/** Each field of the schema within what is there: also those that are absent, but nothing below them. */
function walk(node: StructuralNode, value: JsonValue | undefined, path: Path, visit: Visit): void {
  visit(node, value, path);
  if (Array.isArray(value))
    for (const [index, item] of value.entries()) walk(node.items ?? {}, item, [...path, index], visit);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, child] of Object.entries(node.properties ?? {})) walk(child, value[name], [...path, name], visit);
    if (node.additionalProperties !== undefined)
      for (const [name, item] of Object.entries(value)) walk(node.additionalProperties, item, [...path, name], visit);
  }
}

/** A step within a step has the same fields. */
const branches = /(?<=steps\.\[\])(?:\.(?:then|else|agent))+(?=\.)/;

/** `seen` has the wrong values of each place in a schema, which one seed is enough for. */
function mutants({ kind, spec, title }: Seed, samples: Samples, seen: Set<string>): readonly CorpusObject[] {
  const made: CorpusObject[] = [];
  const add = (path: Path, what: string, value: JsonValue | undefined): void => {
    const changed = replaced({ spec }, path, value) as { readonly spec: JsonValue };
    made.push({ title: `${title}: ${path.join('.')} ${what}`, kind, spec: changed.spec });
  };
  walk(specSchemas.get(kind) ?? {}, spec, ['spec'], (node, value, path) => {
    const place = placeOf(kind, path);
    const sample = samples.get(place);
    if (value !== undefined && path.length > 1) add(path, 'is missing', undefined);
    if (value === undefined && sample !== undefined) add(path, 'is there', sample);
    for (const other of node.enum ?? []) if (other !== value) add(path, `is ${String(other)}`, other as string);
    if (typeof value === 'boolean') add(path, `is ${String(!value)}`, !value);
    for (const [what, wrong] of wrongValues(node, value ?? sample)) {
      const key = `${place.replace(branches, '')} ${what}`;
      if (seen.has(key)) continue;
      seen.add(key);
      add(path, what, wrong);
    }
  });
  return made;
}

function replaced(object: JsonValue, path: Path, value: JsonValue | undefined): JsonValue {
  const [first, ...rest] = path;
  if (first === undefined) return value as JsonValue;
  if (Array.isArray(object)) {
    const items = object.map((item, index) => (index === first ? replaced(item, rest, value) : item));
    return items.filter((item) => item !== undefined);
  }
  const member = (object as JsonObject)[first] as JsonValue;
  const changed = { ...(object as JsonObject), [first]: replaced(member, rest, value) };
  return JSON.parse(JSON.stringify(changed)) as JsonObject;
}
