import { afterEach, expect, test } from 'vitest';
import type { DeliveryVerdict } from '../core/delivery.ts';
import { seenMarkdown } from '../../test/support/chat-markdown.ts';
import { createCleanup } from '../../test/support/cleanup.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { startVendor } from '../../test/support/vendor.ts';
import type { VendorAnswer } from '../../test/support/vendor.ts';
import { nothingKnown } from './known.ts';
import { mattermost } from './mattermost.ts';

const token = 'w1zyk5d3ufbx8cz4n7ej6qpsmr';
const secrets = { 'mattermost/token': token };
const channel = '4xp9fdt7pbgium38k0ls2gtbwr';

interface Post {
  readonly channel_id?: string;
  readonly message?: string;
  readonly root_id?: string;
  readonly props?: object;
}

/** Posts of the API, version 4 (developers.mattermost.com/api-documentation). */
async function startMattermost() {
  const posts = new Map<string, Post>();
  const shown: string[] = [];
  let made = 0;
  let mayRead = true;
  const no = (status: number, id: string): VendorAnswer => ({
    status,
    body: { id, status_code: status, message: 'no' },
  });

  function answer(method: string, path: string, since: string | null, body: Post): VendorAnswer {
    if (method === 'GET' && path === `/api/v4/channels/${channel}/posts`) {
      if (!mayRead) return no(403, 'api.context.permissions.app_error');
      if (since === null) return no(400, 'since');
      return { status: 200, body: { order: [...posts.keys()], posts: Object.fromEntries(listed()) } };
    }
    if ((body.message ?? '').trim() === '' || (body.message ?? '').length > 16_383)
      return no(400, 'model.post.is_valid.msg.app_error');
    const [, patched] = /^\/api\/v4\/posts\/(\w+)\/patch$/.exec(path) ?? [];
    if (method === 'PUT' && patched !== undefined) {
      const old = posts.get(patched);
      if (old === undefined) return no(404, 'app.post.get.app_error');
      posts.set(patched, { ...old, ...body });
      shown.push(seenMarkdown(body.message ?? ''));
      return { status: 200, body: { ...body, id: patched } };
    }
    if (method !== 'POST' || path !== '/api/v4/posts') return no(404, 'api.context.404.app_error');
    if (body.channel_id !== channel) return no(403, 'api.context.permissions.app_error');
    if (body.root_id !== undefined && !posts.has(body.root_id))
      return no(400, 'api.post.create_post.root_id.app_error');
    made += 1;
    const id = `p${made}`;
    posts.set(id, body);
    shown.push(seenMarkdown(body.message ?? ''));
    return { status: 201, body: { ...body, id } };
  }

  function listed(): readonly (readonly [string, object])[] {
    return [...posts].map(([id, post]) => [id, { ...post, id, delete_at: 0 }] as const);
  }

  const vendor = await startVendor(({ method, path, query, headers, json }) =>
    headers.authorization === `Bearer ${token}`
      ? answer(method, path, query.get('since'), json ?? {})
      : no(401, 'api.context.session_expired.app_error'),
  );
  return { vendor, effects: () => made, shown: () => shown, posts, lock: () => void (mayRead = false) };
}

const config = (url: string) => ({ endpoint: url, channel, botToken: 'mattermost' });
const forbidden = [/⟦(?!link https:\/\/fist\.example\/)/];
const suite = { backend: mattermost, secrets, start: startMattermost, isIdempotent: true, effectsOfEnd: 1, forbidden };
testSink({ ...suite, forbidden: [/⟦(?!link https:\/\/fist\.example\/|mention @oncall)/], config });
testSink({
  ...suite,
  config: (url) => ({ ...config(url), template: '{{ .text }} of {{ .alert.labels.pod }}', mentionUsers: [] }),
});

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function start(more: object = {}) {
  const on = await startMattermost();
  const world = sinkWorld({ secrets, vendor: on.vendor });
  cleanup.defer(() => world.close());
  cleanup.defer(() => on.vendor.stop());
  const deliver = (changes: object): Promise<DeliveryVerdict> =>
    attemptOf(mattermost, world.io, { ...config(on.vendor.url), ...more }, sinkDelivery(changes));
  return { ...on, deliver };
}

test('a post is patched, its end is told in its thread, and the first one mentions', async () => {
  const { posts, shown, deliver } = await start({ mentionUsers: ['oncall'] });
  const first = await deliver({});
  expect(first).toEqual({ ok: true, reference: `${channel}/p1/1/run-finished/critical/1772359242` });
  const open = { ...nothingKnown, open: first.reference ?? null };
  await deliver({ event: 'alert-resolved', payload: resolvedPayload, known: open });
  expect(posts.get('p1')?.message).toContain('🟢 `RESOLVED');
  expect(posts.get('p2')).toMatchObject({ root_id: 'p1' });
  expect(shown().filter((text) => text.includes('⟦mention @oncall⟧'))).toHaveLength(1);
});

test.each([{}, { event: 'alert-resolved', payload: resolvedPayload }])(
  'a post that is gone is made again: %j',
  async (changes) => {
    const { posts, deliver } = await start();
    const first = await deliver({});
    posts.delete('p1');
    const known = { ...nothingKnown, open: first.reference ?? null };
    expect(await deliver({ ...changes, known })).toMatchObject({
      ok: true,
      reference: expect.stringContaining('/p2/2/') as string,
    });
  },
);

test('a channel is named by its id', () => {
  const { success } = mattermost.config.safeParse({ ...config('https://chat.example.com'), channel: 'town-square' });
  expect(success).toBe(false);
});

test('where the bot may not read, a post whose answer was lost comes twice', async () => {
  const { vendor, effects, lock, deliver } = await start();
  lock();
  vendor.fail('processed, then no answer');
  const lost = await deliver({});
  const known = { ...nothingKnown, own: lost.reference ?? null };
  expect(await deliver({ isRepeat: true, known })).toMatchObject({ ok: true });
  expect(effects()).toBe(2);
});

test('what is too long is cut; a template that is too long gives way to the text', async () => {
  const on = await start({ template: '{{ .text }}' });
  const text = `FIRING\n${'a line @channel of the report\n'.repeat(1000)}`;
  expect(await on.deliver({ payload: { ...payload, text } })).toMatchObject({ ok: true });
  expect(on.vendor.refusals).toEqual([]);
  expect(on.shown()[0]).not.toContain('⟦mention');
  expect(on.shown()[0]).toContain('[cut: ');
});
