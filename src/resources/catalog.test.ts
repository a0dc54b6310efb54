import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { catalogOptions } from '../../test/support/resources.ts';
import { noModelDefaults } from '../agent/models/choose.ts';
import { builtInPrices } from '../agent/models/prices.ts';
import type { Catalog } from '../core/catalog.ts';
import { buildCatalog } from './catalog.ts';
import type { CatalogOptions } from './catalog.ts';
import type { ResourceKind, ResourceObject } from './object.ts';
import { readResources } from './read.ts';

const fixtures = join(import.meta.dirname, '../../test/fixtures/resources');
const options = catalogOptions({ secrets: { get: () => 'value' } });

function object(kind: ResourceKind, name: string, spec: string, changes: Partial<ResourceObject> = {}): ResourceObject {
  return { kind, namespace: 'default', name, spec: parse(spec), origin: 'a.yaml:1', createdAt: null, ...changes };
}

const workflow = object('Workflow', 'triage', 'steps: [{name: look, type: agent, goal: why}]');
const source = (name: string, more = '', changes: Partial<ResourceObject> = {}) =>
  object('Source', name, `{type: webhook, triggerWorkflow: triage, config: {path: alerts${more}}}`, changes);

/** Conditions of an object as `type=status reason`. */
function conditions(
  found: { conditions: readonly { type: string; status: string; reason: string }[] } | undefined,
): string[] {
  return (found?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`);
}

describe('contract', () => {
  const { objects, secrets, problems } = readResources(join(fixtures, 'contract'));
  const catalog: Catalog = buildCatalog(objects, options);

  test('every example of the first version loads and compiles', () => {
    expect(problems).toEqual([]);
    expect(secrets).toMatchObject([
      { namespace: 'default', name: 'pipeline-token', values: { token: 'fixture-value' } },
    ]);
    expect(catalog.workflows.map(({ name, ready }) => [name, ready])).toEqual([
      ['pipeline', true],
      ['triage', true],
    ]);
    expect(catalog.sources.map(({ name, ready, path }) => [name, ready, path])).toEqual([
      ['pipeline', true, 'test-alerts'],
      ['alertmanager', true, 'alerts'],
    ]);
    expect(catalog.sourceByPath('alerts')?.name).toBe('alertmanager');
    expect(catalog.sinks.map(({ name, ready }) => [name, ready])).toEqual([
      ['out', true],
      ['close-alert', true],
      ['console', true],
      ['slack-alerts', true],
    ]);
  });

  test('the plan has steps, branches, times and the environment', () => {
    const plan = catalog.workflow('monitoring', 'triage')?.plan;
    expect(plan).toMatchObject({
      version: 1,
      runtime: {
        environment: { PROMETHEUS_URL: 'http://prometheus:9090' },
        llmConfig: { provider: 'none', endpoint: null },
      },
      sinks: ['slack-alerts', 'close-alert', 'console'],
      deadlineMs: 86_400_000,
      maxConcurrent: null,
      onResolve: 'continue',
    });
    expect(plan?.steps.map(({ name, timeoutMs }) => [name, timeoutMs])).toEqual([
      ['get-pod-status', 120_000],
      ['investigate-alert', 600_000],
      ['auto-fix', 60_000],
    ]);
    expect(plan?.steps[1]?.config).toMatchObject({
      maxIterations: 15,
      tools: ['kubectl', { name: 'promql' }, { ref: 'curl' }],
    });
    expect(plan?.steps[2]?.branches['then']).toMatchObject({
      name: 'auto-fix-then',
      type: 'agent',
      config: { maxIterations: 5, approvalRequired: true },
    });
    const other = catalog.workflow('default', 'pipeline')?.plan;
    const branches = Object.entries(other?.steps[1]?.branches ?? {});
    expect(branches.map(([branch, { name, type }]) => [branch, name, type])).toEqual([
      ['then', 'look-closer', 'agent'],
      ['else', 'note', 'cli'],
    ]);
    expect(other?.steps[2]).toMatchObject({
      retry: { limit: 2, backoffMs: 1000, maxBackoffMs: 10_000 },
      timeoutMs: 90_000,
      continueOnError: true,
      interrupted: 'fail',
    });
    expect(other).toMatchObject({ deadlineMs: 3_600_000, maxConcurrent: 4, onResolve: 'cancel' });
  });

  test.each([
    ['', undefined],
    [', budget: {}', { run: null, day: null }],
    [', budget: {run: {tokens: 1000}}', { run: { tokens: 1000, costMicros: null }, day: null }],
    [
      ', budget: {run: {}, day: {tokens: 5, dollars: 0.5}}',
      { run: { tokens: null, costMicros: null }, day: { tokens: 5, costMicros: 500_000 } },
    ],
  ])('the budget of its models is in tokens and millionths of a dollar: %s', (budget, expected) => {
    const workflow = object('Workflow', 'w', `{steps: [{name: a, type: cli, command: echo}]${budget}}`);
    expect(buildCatalog([workflow], options).workflow('default', 'w')?.plan?.budget).toEqual(expected);
  });

  test('the hash follows the content, not the order of keys', () => {
    const hash = (spec: string) =>
      buildCatalog([object('Workflow', 'w', spec)], options).workflow('default', 'w')?.planHash;
    const one = hash('{steps: [{name: a, type: cli, command: echo}], sinks: []}');
    expect(one).toMatch(/^[0-9a-f]{64}$/);
    expect(hash('{sinks: [], steps: [{command: echo, type: cli, name: a}]}')).toBe(one);
    expect(hash('{steps: [{name: a, type: cli, command: echo 2}], sinks: []}')).not.toBe(one);
  });

  test('the source keeps its settings', () => {
    const compiled = buildCatalog(
      [
        workflow,
        object(
          'Source',
          's',
          '{type: webhook, triggerWorkflow: triage, config: {path: /webhook/x/y}, context: {a: b}, suspend: true, expireAfter: 2h, cooldown: 5m, flapCapPerHour: 3, stormCapPerMinute: 60, rateLimit: {requestsPerMinute: 90}, groupBy: [severity, namespace], groupWait: 20s}',
        ),
      ],
      options,
    ).source('default', 's');
    expect(compiled).toMatchObject({
      path: 'x/y',
      context: { a: 'b' },
      suspend: true,
      expireAfterMs: 7_200_000,
      cooldownMs: 300_000,
      flapCapPerHour: 3,
      stormCapPerMinute: 60,
      rateLimit: { requestsPerMinute: 90, burst: 90 },
      grouping: { labels: ['namespace', 'severity'], waitMs: 20_000, intervalMs: 300_000 },
      authentication: null,
    });
    expect(buildCatalog([source('s')], options).source('default', 's')).toMatchObject({
      expireAfterMs: 86_400_000,
      cooldownMs: 0,
      rateLimit: null,
      grouping: null,
    });
  });
});

describe('conditions', () => {
  const build = (objects: readonly ResourceObject[], changes: Partial<CatalogOptions> = {}) =>
    buildCatalog(objects, { ...options, ...changes });

  test('two Sources with one path: the first by name has it, an older one goes before', () => {
    const both = build([workflow, source('b'), source('a')]);
    expect(both.sourceByPath('alerts')?.name).toBe('a');
    expect(conditions(both.source('default', 'b'))).toEqual([
      'Ready=False PathConflict',
      'PathConflict=True PathConflict',
    ]);
    expect(both.source('default', 'b')?.path).toBeNull();
    const aged = build([
      workflow,
      source('a', '', { createdAt: '2026-01-02T00:00:00Z' }),
      source('b', '', { createdAt: '2026-01-01T00:00:00Z' }),
    ]);
    expect(aged.sourceByPath('alerts')?.name).toBe('b');
  });

  describe('webhook paths of several namespaces', () => {
    const at = (namespace: string, day: number) => ({ namespace, createdAt: `2026-01-0${day}T00:00:00Z` });
    const old = source('old', '', at('blue', 1));
    const young = source('young', '', at('green', 2));
    const messages = (catalog: Catalog, namespace: string, name: string) =>
      catalog
        .source(namespace, name)
        ?.conditions.filter(({ type }) => type === 'PathConflict')
        .map(({ status, reason, message }) => `${status} ${reason}: ${message}`);

    test('each has the one of its namespace, the older one the short one; both say so', () => {
      const both = build([workflow, young, old]);
      expect(both.source('blue', 'old')).toMatchObject({
        path: 'alerts',
        addresses: ['/webhook/@blue/alerts', '/webhook/alerts'],
      });
      expect(both.source('green', 'young')).toMatchObject({ path: 'alerts', addresses: ['/webhook/@green/alerts'] });
      expect(
        ['alerts', '@blue/alerts', '@green/alerts', '@red/alerts'].map((path) => both.sourceByPath(path)?.name),
      ).toEqual(['old', 'old', 'young', undefined]);
      expect(messages(both, 'green', 'young')).toEqual([
        'True PathConflict: /webhook/alerts belongs to Source blue/old; this one takes what comes to /webhook/@green/alerts alone',
      ]);
      expect(messages(both, 'blue', 'old')).toEqual([
        'False PathKept: Source green/young wants /webhook/alerts as well; this one keeps it',
      ]);
    });

    test('it is ready with the one of its namespace, and names the conflict where nothing else is wrong', () => {
      const triage = { ...workflow, namespace: 'green' };
      const ready = build([triage, old, young]).source('green', 'young');
      expect(conditions(ready)).toEqual(['Ready=True PathConflict', 'PathConflict=True PathConflict']);
      expect(ready?.ready).toBe(true);
      const open = build([triage, old, young], { loopback: false }).source('green', 'young');
      expect(conditions(open)).toEqual(['Ready=False AuthenticationRequired', 'PathConflict=True PathConflict']);
    });

    test('where one is served already no older one takes its path', () => {
      const served = (paths: Readonly<Record<string, readonly string[]>>) =>
        build([workflow, old, young], { servedAt: ({ name }) => paths[name] ?? [] });
      const kept = served({ young: ['/webhook/@green/alerts', '/webhook/alerts'] });
      expect(kept.sourceByPath('alerts')?.name).toBe('young');
      expect(messages(kept, 'green', 'young')).toEqual([
        'False PathKept: Source blue/old wants /webhook/alerts as well; this one keeps it',
      ]);
      expect(messages(kept, 'blue', 'old')?.[0]).toMatch(
        /^True PathConflict: .webhook.alerts belongs to Source green\/young/,
      );
      // What it was served at before its path changed is no claim.
      expect(served({ young: ['/webhook/@green/before', '/webhook/before'] }).sourceByPath('alerts')?.name).toBe('old');
      const both = { old: ['/webhook/alerts'], young: ['/webhook/alerts'] };
      expect(served(both).sourceByPath('alerts')?.name).toBe('old');
    });

    test('within a namespace the loser takes nothing, and whoever has the path of the namespace wants the short one', () => {
      const third = source('third', '', at('green', 3));
      const all = build([workflow, old, young, third]);
      expect(all.source('green', 'third')).toMatchObject({ path: null, addresses: [], ready: false });
      expect(messages(all, 'green', 'third')).toEqual([
        'True PathConflict: path alerts belongs to Source green/young; choose another one',
      ]);
      const kept = build([workflow, young, third], {
        servedAt: ({ name }) => (name === 'third' ? ['/webhook/@green/alerts'] : []),
      });
      expect(kept.sourceByPath('alerts')?.name).toBe('third');
      expect(kept.source('green', 'young')?.addresses).toEqual([]);
    });

    test('a path with a slash is never that of a namespace', () => {
      const nested = object(
        'Source',
        'nested',
        '{type: webhook, triggerWorkflow: triage, config: {path: green/alerts}}',
        {
          namespace: 'blue',
        },
      );
      const catalog = build([workflow, nested, young]);
      expect(catalog.sourceByPath('green/alerts')?.name).toBe('nested');
      expect(catalog.sourceByPath('@green/alerts')?.name).toBe('young');
      const invalid = object(
        'Source',
        'x',
        "{type: webhook, triggerWorkflow: triage, config: {path: '@green/alerts'}}",
      );
      expect(build([workflow, invalid]).source('default', 'x')?.ready).toBe(false);
    });

    test('of many that want a path three are named', () => {
      const many = Array.from({ length: 9 }, (_, index) => source('am', '', at(`team-${index}`, index + 1)));
      expect(messages(build(many), 'team-0', 'am')?.[0]).toBe(
        'False PathKept: Source team-1/am, Source team-2/am, Source team-3/am and 5 more want /webhook/alerts as well; this one keeps it',
      );
    });
  });

  test('no authentication: fine on loopback, a condition where it was allowed, else not ready with the lines to add', () => {
    const condition = (changes: Partial<CatalogOptions>) =>
      build([workflow, source('a')], changes).source('default', 'a');
    expect(conditions(condition({}))).toEqual(['Ready=True Accepted']);
    expect(conditions(condition({ loopback: false, allowInsecureSources: true }))).toEqual([
      'Ready=True Accepted',
      'Insecure=True NoAuthentication',
    ]);
    const refused = condition({ loopback: false });
    expect(conditions(refused)).toEqual(['Ready=False AuthenticationRequired']);
    expect(refused?.conditions[0]?.message).toContain('authentication:\n      type: bearer\n      secretRef: a-token');
  });

  test('a Secret that is missing is a condition; the Source stays ready for when it comes', () => {
    const secured = source('a', ', authentication: {type: bearer, secretRef: hook/key}');
    const missing = build([workflow, secured], { secrets: { get: () => null } }).source('default', 'a');
    expect(conditions(missing)).toEqual(['Ready=True Accepted', 'SecretsResolved=False SecretMissing']);
    expect(missing?.authentication).toMatchObject({ type: 'bearer', secrets: [{ name: 'hook', key: 'key' }] });
  });

  test('fields that are ignored because of another one are told by a condition, and keep nothing from being used', () => {
    const api = (config: string) =>
      build([workflow, object('Source', 'a', `{type: api, triggerWorkflow: triage, config: ${config}}`)]).source(
        'default',
        'a',
      );
    expect(conditions(api('{endpoint: /alerts, schema: {type: object}}'))).toEqual(['Ready=True Accepted']);
    const doubtful = api('{interval: 5m, format: alertmanager}');
    expect(conditions(doubtful)).toEqual(['Ready=True Accepted', 'Doubtful=True LintWarning']);
    expect(doubtful?.conditions[1]?.message).toBe(
      'interval is not used by a Source that asks no endpoint; remove it, or let endpoint be a URL (and 1 more; see fist lint)',
    );
  });

  test('a Workflow that is absent or invalid', () => {
    expect(conditions(build([source('a')]).source('default', 'a'))).toEqual(['Ready=False WorkflowNotFound']);
    const broken = object('Workflow', 'triage', 'steps: [{name: look, type: agent}]');
    const catalog = build([source('a'), broken]);
    expect(conditions(catalog.source('default', 'a'))).toEqual(['Ready=False WorkflowNotReady']);
    expect(catalog.workflow('default', 'triage')).toMatchObject({ ready: false, plan: null, planHash: null });
    expect(conditions(catalog.workflow('default', 'triage'))).toEqual(['Ready=False InvalidSpec']);
    expect(catalog.workflow('default', 'triage')?.conditions[0]?.message).toContain('spec.steps[0].goal is required');
    expect(conditions(build([source('a'), { ...workflow, namespace: 'other' }]).source('default', 'a'))).toEqual([
      'Ready=False WorkflowNotFound',
    ]);
  });

  test('a Sink that is absent does not keep the Workflow from running', () => {
    const catalog = build([object('Workflow', 'w', '{steps: [{name: a, type: cli, command: echo}], sinks: [gone]}')]);
    expect(conditions(catalog.workflow('default', 'w'))).toEqual([
      'Ready=True Accepted',
      'SinksResolved=False SinkNotFound',
    ]);
    expect(catalog.workflow('default', 'w')?.ready).toBe(true);
  });

  test('an invalid Source takes nothing', () => {
    const invalid = build([
      workflow,
      object('Source', 'a', '{type: webhook, triggerWorkflow: triage, config: {}}'),
    ]).source('default', 'a');
    expect(invalid).toMatchObject({ ready: false, path: null, suspend: true });
    expect(invalid?.accepts({})).not.toBeNull();
  });

  test.each([
    ['a template error', 'steps: [{name: a, type: agent, goal: "{{ .x"}]'],
    ['an unknown type', 'steps: [{name: a, type: magic}]'],
    ['no steps', 'steps: []'],
    ['nothing', 'null'],
    ['a branch without a type', 'steps: [{name: a, type: conditional, condition: "1", then: {command: echo}}]'],
    ['two steps of one name', 'steps: [{name: a, type: cli, command: b}, {name: a, type: cli, command: b}]'],
    ['a time-out of nothing', 'steps: [{name: a, type: cli, command: b, timeout: "0"}]'],
  ])('%s makes a Workflow invalid', (_name, spec) => {
    expect(build([object('Workflow', 'w', spec)]).workflow('default', 'w')?.plan).toBeNull();
  });

  test('a reference to a step that is not there is told by lint and tolerated here', () => {
    const catalog = build([
      object('Workflow', 'w', 'steps: [{name: a, type: agent, goal: "{{ .steps.gone.result }}"}]'),
    ]);
    expect(catalog.workflow('default', 'w')?.ready).toBe(true);
  });
});

describe('limits of a Sink', () => {
  const sink = (more: string) => object('Sink', 'out', `{type: stdout, config: {}${more}}`);

  test.each([
    ['', { maxConcurrent: 4, ratePerMinute: null }],
    [', delivery: {}', { maxConcurrent: 4, ratePerMinute: null }],
    [', delivery: {ratePerMinute: 30}', { maxConcurrent: 4, ratePerMinute: 30 }],
    [', delivery: {maxConcurrent: 1}', { maxConcurrent: 1, ratePerMinute: null }],
  ])('%j', (more, limits) => {
    expect(buildCatalog([sink(more)], options).sink('default', 'out')).toMatchObject({ ready: true, limits });
  });

  test.each([
    ['', 30],
    [', delivery: {maxConcurrent: 1}', 30],
    [', delivery: {ratePerMinute: 120}', 120],
  ])('a chat is told as often as it takes it: %j', (more, ratePerMinute) => {
    const chat = object('Sink', 'out', `{type: slack, config: {channel: C0123456789, botToken: slack}${more}}`);
    expect(buildCatalog([chat], options).sink('default', 'out')).toMatchObject({
      ready: true,
      limits: { ratePerMinute },
    });
  });

  test.each([
    ['', 24 * 3_600_000],
    [', delivery: {maxConcurrent: 1}', 24 * 3_600_000],
    [', delivery: {retryFor: 90m}', 90 * 60_000],
  ])('%j is tried for %i ms', (more, retryForMs) => {
    expect(buildCatalog([sink(more)], options).sink('default', 'out')).toMatchObject({ ready: true, retryForMs });
  });

  test.each([
    'retryFor: 59s',
    'retryFor: 8d',
    'retryFor: soon',
    'maxConcurrent: 0',
    'maxConcurrent: 17',
    'ratePerMinute: 0',
    'ratePerMinute: 1.5',
    'rate: 1',
  ])('%s is refused', (field) => {
    const found = buildCatalog([sink(`, delivery: {${field}}`)], options).sink('default', 'out');
    expect(conditions(found)).toEqual(['Ready=False InvalidSpec']);
  });
});

describe('models', () => {
  const models = { defaults: noModelDefaults, prices: builtInPrices() };
  const triage = (llmConfig: string, step = 'type: agent, goal: why') =>
    object('Workflow', 'triage', `{runtime: {llmConfig: ${llmConfig}}, steps: [{name: look, ${step}}]}`);
  const built = (it: ResourceObject, changes: Partial<CatalogOptions> = {}) =>
    buildCatalog([it], { ...options, models, ...changes }).workflow('default', 'triage');

  test('one that cannot be asked is a condition, and the Workflow runs all the same', () => {
    const none = { get: () => null };
    const wrong: readonly (readonly [string, string])[] = [
      ['{provider: mock}', 'ModelUnknown'],
      ['{provider: local, model: m}', 'ModelMisconfigured'],
      ['{provider: openai, apiKeySecret: absent}', 'SecretMissing'],
      ['{provider: openai}', 'ModelMisconfigured'],
    ];
    for (const [config, reason] of wrong)
      expect(conditions(built(triage(config), { secrets: none }))).toEqual([
        'Ready=True Accepted',
        `ModelsResolved=False ${reason}`,
        ...(reason === 'ModelUnknown' || config.includes('local') ? ['Doubtful=True LintWarning'] : []),
      ]);
  });

  test('it says what is wrong, what to do, and how much else there is', () => {
    const config = '{provider: opnai, fallbacks: [{provider: local, model: m}]}';
    expect(built(triage(config))?.conditions[1]?.message).toMatch(
      /^llmConfig.provider "opnai" is no model provider .*; did you mean openai\? \(and 1 more\)$/,
    );
  });

  test('none where all is there, no model is wanted, or no step asks one', () => {
    const fine = ['{provider: openai, apiKeySecret: there}', '{provider: none}'];
    for (const config of fine) expect(conditions(built(triage(config)))).toEqual(['Ready=True Accepted']);
    const silent = triage('{provider: mock}', 'type: cli, command: echo');
    // Nobody asks it; that there is no such provider is a warning all the same.
    expect(conditions(built(silent))).toEqual(['Ready=True Accepted', 'Doubtful=True LintWarning']);
    expect(conditions(built(workflow))).toEqual(['Ready=True Accepted']);
  });

  test('metrics and logs whose Secret is missing are a condition, and the Workflow runs all the same', () => {
    const reading = (spec: string, step = 'type: agent, goal: why') =>
      object('Workflow', 'triage', `{${spec}, steps: [{name: look, ${step}}]}`);
    const prometheus = "prometheus: {url: 'http://p', tokenSecret: p/key}";
    const loki = "loki: {url: 'http://l', tokenSecret: l}";
    const none = { secrets: { get: () => null } };
    const found = built(reading(`${prometheus}, ${loki}`), none);
    expect(conditions(found)).toEqual(['Ready=True Accepted', 'ReadersResolved=False SecretMissing']);
    expect(found?.conditions[1]?.message).toBe(
      'spec.prometheus.tokenSecret names key key of Secret p, which is not there; its metrics are not read, and reports say so; a file p/key below --secrets-dir (and 1 more)',
    );
    expect(built(reading(loki), none)?.conditions[1]?.message).toContain(
      'spec.loki.tokenSecret names key token of Secret l',
    );
    expect(conditions(built(reading(`${prometheus}, ${loki}`)))).toEqual(['Ready=True Accepted']);
    expect(conditions(built(reading("loki: {url: 'http://l'}"), none))).toEqual(['Ready=True Accepted']);
    expect(conditions(built(reading(loki, 'type: cli, command: echo'), none))).toEqual(['Ready=True Accepted']);
  });

  test("the server's own counts for a Workflow that says nothing, and for a step in a branch", () => {
    const defaults = { ...noModelDefaults, provider: 'anthropic' };
    const condition = ['Ready=True Accepted', 'ModelsResolved=False ModelMisconfigured'];
    const keyless = { models: { ...models, defaults } };
    expect(conditions(built(workflow, keyless))).toEqual(condition);
    const inBranch = object(
      'Workflow',
      'triage',
      "{steps: [{name: look, type: conditional, condition: 'true', agent: {goal: why}}]}",
    );
    expect(conditions(built(inBranch, keyless))).toEqual(condition);
    const keyed = { models: { ...models, defaults: { ...defaults, apiKey: 'k' } } };
    expect(conditions(built(workflow, keyed))).toEqual(['Ready=True Accepted']);
  });

  test('what an llmConfig says is in the plan, and nothing that it does not say', () => {
    const config =
      '{provider: local, model: m, endpoint: "http://x", contextTokens: 8192, maxOutputTokens: 1024, price: {input: 1, output: 2}, fallbacks: [{provider: claude}]}';
    const target = { model: null, endpoint: null, apiKeySecret: null };
    expect(built(triage(config))?.plan?.runtime.llmConfig).toEqual({
      ...target,
      provider: 'local',
      model: 'm',
      endpoint: 'http://x',
      contextTokens: 8192,
      maxOutputTokens: 1024,
      price: { input: 1, cacheRead: 1, cacheWrite: 1, output: 2 },
      fallbacks: [{ ...target, provider: 'claude' }],
    });
    expect(built(triage('{provider: none}'))?.plan?.runtime.llmConfig).toEqual({ ...target, provider: 'none' });
  });
});
