import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import type { StrictVendor } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startVendor } from '../../test/support/vendor.ts';
import type { VendorAnswer } from '../../test/support/vendor.ts';
import { nothingKnown } from './known.ts';
import { opsgenie } from './opsgenie.ts';

const key = '00000000-1111-2222-3333-444444444444';
const secrets = { 'og/token': key };

interface Alert {
  readonly message: string;
  readonly alias?: string;
  readonly description?: string;
  readonly responders?: readonly { readonly type: string }[];
  readonly tags?: readonly string[];
  readonly details?: Readonly<Record<string, unknown>>;
  readonly entity?: string;
  readonly source?: string;
  readonly priority?: string;
}

interface FakeOpsgenie extends StrictVendor {
  /** By alias. */
  readonly open: ReadonlyMap<string, Alert>;
}

/** Alert API (docs.opsgenie.com/docs/alert-api): what is well-formed is taken with 202, and done later. */
async function startOpsgenie(): Promise<FakeOpsgenie> {
  const open = new Map<string, Alert>();
  let created = 0;
  const shown: string[] = [];
  const vendor = await startVendor(({ method, path, query, headers, json }): VendorAnswer => {
    if (headers.authorization !== `GenieKey ${key}`) return { status: 403 };
    if (headers['content-type'] !== 'application/json') return { status: 415 };
    const taken = { status: 202, body: { result: 'Request will be processed', took: 0.1, requestId: 'q' } };
    if (method === 'POST' && path === '/v2/alerts') {
      const alert = json as Alert;
      const problems = problemsOf(alert);
      if (problems.length > 0) return { status: 422, body: { message: problems.join(), took: 0 } };
      const alias = alert.alias ?? String(created);
      if (!open.has(alias)) {
        open.set(alias, alert);
        created += 1;
      }
      shown.push(
        alert.message,
        alert.description ?? '',
        alert.entity ?? '',
        ...Object.values(alert.details ?? {}).map(String),
      );
      return taken;
    }
    const [, alias = '', what = ''] = /^\/v2\/alerts\/([^/]+)\/(close|message|description|priority)$/.exec(path) ?? [];
    if (what === '' || query.get('identifierType') !== 'alias') return { status: 404 };
    if (method !== (what === 'close' ? 'POST' : 'PUT')) return { status: 405 };
    const { note = '', [what as 'message']: text = '' } = json as { note?: string; message?: string };
    if (note.length > 25_000) return { status: 422 };
    if (what === 'priority' && !/^P[1-5]$/.test(text)) return { status: 422 };
    if (what !== 'close' && (text === '' || text.length > (what === 'message' ? 130 : 15_000))) return { status: 422 };
    const alert = open.get(alias);
    if (what === 'close') open.delete(alias);
    else if (alert !== undefined) open.set(alias, { ...alert, [what]: text });
    return taken;
  });
  return { vendor, effects: () => created, shown: () => shown, open };
}

function problemsOf(alert: Alert): readonly string[] {
  const { message, alias = '', description = '', responders = [], tags = [], details = {}, priority = 'P3' } = alert;
  const problems: string[] = [];
  if (typeof message !== 'string' || message.trim() === '' || message.length > 130) problems.push('message');
  if (alias.length > 512) problems.push('alias');
  if (description.length > 15_000) problems.push('description');
  if (responders.some(({ type }) => !['team', 'user', 'escalation', 'schedule'].includes(type))) problems.push('who');
  if (tags.length > 20 || tags.some((tag) => tag === '' || tag.length > 50)) problems.push('tags');
  if (Object.values(details).some((value) => typeof value !== 'string')) problems.push('details are no texts');
  if (Object.entries(details).flat().join('').length > 8000) problems.push('details');
  if ((alert.entity ?? '').length > 512 || (alert.source ?? '').length > 100) problems.push('entity or source');
  if (!/^P[1-5]$/.test(priority)) problems.push('priority');
  return problems;
}

const config = (url: string) => ({ endpoint: url, apiKey: 'og' });
testSink({ backend: opsgenie, config, secrets, start: startOpsgenie, isIdempotent: true, forbidden: [/<[a-z/!?]/i] });

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function start(more: object = {}) {
  const og = await startOpsgenie();
  const world = sinkWorld({ secrets });
  cleanup.defer(() => world.close());
  cleanup.defer(() => og.vendor.stop());
  const deliver = (changes: Parameters<typeof sinkDelivery>[0] = {}) =>
    attemptOf(opsgenie, world.io, { ...config(og.vendor.url), ...more }, sinkDelivery(changes));
  return { ...og, deliver };
}

const alias = 'fist-01990000-0000-7000-8000-000000000001';

test('an alert says what, why, how urgent and for whom', async () => {
  const { open, deliver } = await start({
    tags: ['fist', '{{ .alert.labels.namespace }}', '{{ .alert.labels.absent }}', 'fist'],
    responders: [{ type: 'team', name: 'storefront' }],
    details: { team: 'of {{ .alert.labels.namespace }}' },
  });
  expect(await deliver()).toEqual({ ok: true, reference: alias });
  expect([...open]).toEqual([
    [
      alias,
      {
        message: 'KubePodCrashLooping shop/web-1: Container web was OOMKilled.',
        alias,
        description: payload.text,
        responders: [{ type: 'team', name: 'storefront' }],
        tags: ['fist', 'shop'],
        details: {
          ...payload.alert.labels,
          cause: 'Container web was OOMKilled.',
          confidence: '95%',
          run: payload.run.url,
          team: 'of shop',
        },
        entity: 'shop/web-1',
        source: 'Punching Fist',
        priority: 'P1',
      },
    ],
  ]);
});

test('what was created is brought up to date; what a person closed is not opened again by that', async () => {
  const { open, deliver } = await start();
  await deliver({ event: 'run-started', payload: { ...payload, report: null, text: 'looking' } });
  expect(open.get(alias)).toMatchObject({ message: 'KubePodCrashLooping shop/web-1', description: 'looking' });
  const known = { ...nothingKnown, open: alias };
  await deliver({ known });
  const message = 'KubePodCrashLooping shop/web-1: Container web was OOMKilled.';
  expect(open.get(alias)).toMatchObject({ message, description: payload.text });
  await deliver({ event: 'alert-resolved', payload: resolvedPayload, known });
  expect(open.size).toBe(0);
  await deliver({ known });
  expect(open.size).toBe(0);
});

test('where the severity rises the priority does', async () => {
  const { open, deliver } = await start();
  const warning = { ...payload, alert: { ...payload.alert, severity: 'warning' } };
  await deliver({ payload: warning });
  expect(open.get(alias)?.priority).toBe('P3');
  await deliver({ known: { ...nothingKnown, open: alias } });
  expect(open.get(alias)?.priority).toBe('P1');
});

test('a report that comes after the end does not open it', async () => {
  const { open, deliver } = await start();
  await deliver({ payload: { ...payload, alert: { ...payload.alert, status: 'resolved' } } });
  expect(open.size).toBe(0);
});

test('a template may have markup, and what it prints has none', async () => {
  const { open, deliver } = await start({ template: '<b>{{ .alert.alertname }}</b>' });
  await deliver({ payload: { ...payload, alert: { ...payload.alert, alertname: '<a href="x">y</a> 1 < 2' } } });
  expect(open.get(alias)?.description).toBe('<b>< a href="x">y< /a> 1 < 2</b>');
});

test('what is long is cut to what is taken', async () => {
  const long = 'x'.repeat(30_000);
  const labels = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`label_${n}`, 'y'.repeat(500)]));
  const { vendor, open, deliver } = await start({
    tags: [long.slice(0, 200)],
    summary: long,
    details: { mine: 'kept' },
  });
  await deliver({ payload: { ...payload, text: long, alert: { ...payload.alert, labels } } });
  expect(vendor.refusals).toEqual([]);
  expect(open.get(alias)?.details).toMatchObject({ run: payload.run.url, mine: 'kept' });
  await deliver({ event: 'alert-resolved', payload: { ...resolvedPayload, text: long } });
  expect(vendor.refusals).toEqual([]);
});

test.each(['P2', ' P4\n'])('the priority %j is taken', async (priority) => {
  const { open, deliver } = await start({ priority });
  await deliver();
  expect(open.get(alias)?.priority).toBe(priority.trim());
});

test('another priority is said to be none', async () => {
  const { vendor, deliver } = await start({ priority: '{{ .alert.severity }}' });
  const reason = 'priority gives "critical", which is none of P1 to P5';
  expect(await deliver()).toEqual({ ok: false, retry: false, reason });
  expect(vendor.requests).toEqual([]);
});

test('an address may have a path, as that of Jira Service Management has', async () => {
  const vendor = await startVendor(() => ({ status: 202 }));
  cleanup.defer(() => vendor.stop());
  const { deliver } = await start({ endpoint: `${vendor.url}/jsm/ops/integration/` });
  expect(await deliver()).toMatchObject({ ok: true });
  expect(vendor.requests[0]?.path).toBe('/jsm/ops/integration/v2/alerts');
  expect(opsgenie.config.parse({ apiKey: 'og' })).toMatchObject({ endpoint: 'https://api.opsgenie.com' });
});

test('a responder has one name', () => {
  const responders = [{ type: 'team', name: 'a', id: 'b' }];
  expect(opsgenie.config.safeParse({ apiKey: 'og', responders }).success).toBe(false);
});
