import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import type { StrictVendor } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import type { DeliveryVerdict } from '../core/delivery.ts';
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

interface FakeOptions {
  /** How often a request is asked after before it is done; 0 = it is done at once. */
  readonly looks?: number;
  /** In place of what becomes of a request to create an alert. */
  readonly refuses?: string;
  /** What an API key gets that may not read. */
  readonly readStatus?: number;
}

/**
 * Alert API (docs.opsgenie.com/docs/alert): what is well-formed is taken with 202, and done later; until then nobody finds the
 * request, 404.
 */
async function startOpsgenie({ looks = 0, refuses, readStatus = 200 }: FakeOptions = {}): Promise<FakeOpsgenie> {
  const open = new Map<string, Alert>();
  let created = 0;
  const shown: string[] = [];
  /** What is to be done once it was asked after so often, and what became of it: null = well. */
  const requests = new Map<string, { left: number; work: () => string | null; outcome?: string | null }>();

  function take(work: () => string | null): VendorAnswer {
    const requestId = `43a29c5c-3dbf-4fa4-9c26-${String(requests.size).padStart(12, '0')}`;
    requests.set(requestId, looks === 0 ? { left: 0, work, outcome: work() } : { left: looks, work });
    return { status: 202, body: { result: 'Request will be processed', took: 0.1, requestId } };
  }

  function statusOf(id: string): VendorAnswer {
    if (readStatus !== 200) return { status: readStatus };
    const request = requests.get(id);
    if (request === undefined || request.left > 0) {
      if (request !== undefined) request.left -= 1;
      return { status: 404, body: { message: 'Request not found. It might not be processed, yet.', took: 0 } };
    }
    const { work, outcome = work() } = request;
    request.outcome = outcome;
    const isSuccess = outcome === null;
    return { status: 200, body: { data: { success: isSuccess, isSuccess, status: outcome ?? 'Done' }, took: 0 } };
  }

  const vendor = await startVendor(({ method, path, query, headers, json }): VendorAnswer => {
    if (headers.authorization !== `GenieKey ${key}`) return { status: 403 };
    const [, asked] = /^\/v2\/alerts\/requests\/([^/]+)$/.exec(path) ?? [];
    if (asked !== undefined) return method === 'GET' ? statusOf(asked) : { status: 405 };
    if (headers['content-type'] !== 'application/json') return { status: 415 };
    if (method === 'POST' && path === '/v2/alerts') {
      const alert = json as Alert;
      const problems = problemsOf(alert);
      if (problems.length > 0) return { status: 422, body: { message: problems.join(), took: 0 } };
      const alias = alert.alias ?? String(created);
      shown.push(
        alert.message,
        alert.description ?? '',
        alert.entity ?? '',
        ...Object.values(alert.details ?? {}).map(String),
      );
      return take(() => {
        if (refuses !== undefined) return refuses;
        if (!open.has(alias)) created += 1;
        open.set(alias, open.get(alias) ?? alert);
        return null;
      });
    }
    const [, alias = '', what = ''] = /^\/v2\/alerts\/([^/]+)\/(close|message|description|priority)$/.exec(path) ?? [];
    if (what === '' || query.get('identifierType') !== 'alias') return { status: 404 };
    if (method !== (what === 'close' ? 'POST' : 'PUT')) return { status: 405 };
    const { note = '', [what as 'message']: text = '' } = json as { note?: string; message?: string };
    if (note.length > 25_000) return { status: 422 };
    if (what === 'priority' && !/^P[1-5]$/.test(text)) return { status: 422 };
    if (what !== 'close' && (text === '' || text.length > (what === 'message' ? 130 : 15_000))) return { status: 422 };
    return take(() => {
      const alert = open.get(alias);
      if (alert === undefined) return `There is no open alert with alias [${alias}].`;
      if (what === 'close') open.delete(alias);
      else open.set(alias, { ...alert, [what]: text });
      return null;
    });
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
testSink({
  backend: opsgenie,
  config,
  secrets,
  start: () => startOpsgenie(),
  isIdempotent: true,
  forbidden: [/<[a-z/!?]/i],
});

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function start(more: object = {}, options: FakeOptions = {}) {
  const og = await startOpsgenie(options);
  const world = sinkWorld({ secrets });
  cleanup.defer(() => world.close());
  cleanup.defer(() => og.vendor.stop());
  let laterMs = 0;
  const io = { ...world.io, now: () => world.io.now() + laterMs };
  const deliver = (changes: Parameters<typeof sinkDelivery>[0] = {}) =>
    attemptOf(opsgenie, io, { ...config(og.vendor.url), ...more }, sinkDelivery(changes));
  /** The next attempt of a delivery, after so long. */
  const again = (verdict: DeliveryVerdict, milliseconds = 2000, changes: Parameters<typeof sinkDelivery>[0] = {}) => {
    laterMs += milliseconds;
    const known = { ...nothingKnown, own: verdict.reference ?? null };
    return deliver({ isRepeat: true, known, ...changes });
  };
  return { ...og, deliver, again, posts: () => og.vendor.requests.filter(({ method }) => method !== 'GET') };
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

test('what is taken and not done yet is looked after until it is, and sent once', async () => {
  const { open, deliver, again, posts } = await start({}, { looks: 1 });
  const taken = await deliver();
  const reference = expect.stringMatching(/^requests\/1772359242000\/create:43a29c5c-/) as string;
  expect(taken).toMatchObject({ ok: false, retry: true, waits: true, retryAfterMs: 2000, reference });
  expect(taken).not.toHaveProperty('ambiguous');
  expect(await again(taken)).toEqual({ ok: true, reference: alias });
  expect(open.has(alias)).toBe(true);
  expect(posts()).toHaveLength(1);
});

test('what is refused after it was taken is final, and says why', async () => {
  const { open, deliver } = await start({}, { refuses: 'Team [storefront] does not exist' });
  expect(await deliver()).toEqual({
    ok: false,
    retry: false,
    reason: expect.stringMatching(/ did not create the alert: Team \[storefront\] does not exist$/) as string,
    reference: 'requests',
  });
  expect(open.size).toBe(0);
});

test('what is at work for too long may have come, and is sent again', async () => {
  const { deliver, again, posts } = await start({}, { looks: 100 });
  const taken = await deliver();
  expect(await again(taken, 59_000)).toMatchObject({ waits: true, reference: taken.reference });
  const late = await again(taken, 1000);
  expect(late).toMatchObject({ ok: false, retry: true, ambiguous: true });
  expect(late).not.toHaveProperty('waits');
  expect(posts()).toHaveLength(1);
  expect(await again(late)).toMatchObject({ waits: true });
  expect(posts()).toHaveLength(2);
});

test('an end that closes what is closed already is one; a key that may not read believes what it is told', async () => {
  const ended = { event: 'alert-resolved', payload: resolvedPayload } as const;
  expect(await (await start()).deliver(ended)).toEqual({ ok: true, reference: alias });
  const blind = await start({}, { readStatus: 403, refuses: 'no' });
  expect(await blind.deliver()).toEqual({ ok: true, reference: alias });
  const away = await start({}, { readStatus: 503 });
  expect(await away.deliver()).toMatchObject({ waits: true, reason: expect.stringContaining('503') as string });
});

test('after a creation that failed the next report creates', async () => {
  const { open, deliver } = await start();
  await deliver({ known: { ...nothingKnown, open: 'requests/1772359242000/create:q' } });
  expect(open.has(alias)).toBe(true);
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
