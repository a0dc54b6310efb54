import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import type { StrictVendor } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startVendor } from '../../test/support/vendor.ts';
import { ntfy } from './ntfy.ts';

const token = 'tk_agqdq7mvbojd37zn7z';
const secrets = { 'ntfy/token': token };

interface Message {
  readonly topic?: unknown;
  readonly title?: unknown;
  readonly message?: unknown;
  readonly priority?: unknown;
  readonly tags?: unknown;
  readonly click?: string;
  readonly markdown?: unknown;
  readonly sequence_id?: unknown;
}

/** ntfy's JSON publishing (docs.ntfy.sh/publish): a topic for which a token is needed. A known `sequence_id` replaces. */
async function startNtfy(): Promise<StrictVendor> {
  const sequences = new Set<unknown>();
  const shown: string[] = [];
  const vendor = await startVendor(({ method, path, headers, json }) => {
    if (method !== 'POST' || path !== '/') return { status: 404, body: { code: 40401 } };
    if (headers.authorization !== `Bearer ${token}`) return { status: 403, body: { code: 40301 } };
    const body = json as Message;
    if (!isMessage(body)) return { status: 400, body: { code: 40024 } };
    sequences.add(body.sequence_id);
    shown.push(`${String(body.title)}\n${String(body.message)}${body.markdown === true ? ' ⟦markdown⟧' : ''}`);
    return { status: 200, body: { id: 'm1', event: 'message' } };
  });
  return { vendor, effects: () => sequences.size, shown: () => shown };
}

function isMessage({ topic, title, message, priority, tags, click, sequence_id: sequence }: Message): boolean {
  if (topic !== 'incidents' || typeof title !== 'string' || typeof message !== 'string') return false;
  // A longer one is an attachment, which this server does not take.
  if (Buffer.byteLength(message) > 4096 || message === '') return false;
  if (![1, 2, 3, 4, 5].includes(Number(priority)) || !Array.isArray(tags)) return false;
  if (click !== undefined && !/^https?:/.test(click)) return false;
  return typeof sequence === 'string' && /^[-_A-Za-z0-9]{1,64}$/.test(sequence);
}

const config = (url: string) => ({ endpoint: url, topic: 'incidents', token: 'ntfy' });
testSink({ backend: ntfy, config, secrets, start: startNtfy, isIdempotent: true, forbidden: [/⟦markdown⟧/] });

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test('a critical alert is loud and its end is quiet; a template takes the place of the text', async () => {
  const { vendor, shown } = await startNtfy();
  const world = sinkWorld({ secrets });
  cleanup.defer(() => world.close());
  cleanup.defer(() => vendor.stop());
  const deliver = (changes: object) => attemptOf(ntfy, world.io, config(vendor.url), sinkDelivery(changes));
  await deliver({});
  await deliver({ event: 'alert-resolved', payload: resolvedPayload });
  await deliver({ payload: { ...payload, text: 'From a template\nof mine' } });
  expect(vendor.requests.map(({ json }) => json)).toMatchObject([
    {
      priority: 5,
      tags: ['rotating_light'],
      click: payload.run.url,
      message: 'The cause is (95%): Container web was OOMKilled.',
    },
    { priority: 2, tags: ['white_check_mark'] },
    {},
  ]);
  expect(shown()[2]).toBe('From a template\nof mine');
});
