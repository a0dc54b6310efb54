import { afterEach, describe, expect, test } from 'vitest';
import type { DeliveryVerdict } from '../core/delivery.ts';
import { createCleanup } from '../../test/support/cleanup.ts';
import type { Fault } from '../../test/support/faulty-peer.ts';
import { createRandom } from '../../test/support/random.ts';
import { rounds } from '../../test/support/rounds.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { slackChannel, slackToken, startSlack } from '../../test/support/slack.ts';
import { mostPosts } from './chat-thread.ts';
import { nothingKnown } from './known.ts';
import { escapeMarkup } from './slack-message.ts';
import { slack } from './slack.ts';

const secrets = { 'slack/token': slackToken };
const now = payload.timestamp;
const config = (url: string) => ({ endpoint: `${url}/api`, channel: slackChannel, botToken: 'slack' });
/** Only the run is linked; nobody is mentioned, nothing is styled. */
const forbidden = [/⟦(?!link https:\/\/fist\.example\/)/];
const suite = { backend: slack, secrets, start: () => startSlack(now), isIdempotent: true, effectsOfEnd: 1, forbidden };

testSink({ ...suite, config });
testSink({
  ...suite,
  config: (url) => ({
    ...config(url),
    template: '{{ .alert.labels.pod }}: {{ .text }}\n<https://fist.example/guide|Guide> {{ .alert.summary }}',
  }),
});

const cleanup = createCleanup();
afterEach(() => cleanup.run());

type Changes = Parameters<typeof sinkDelivery>[0];

async function start(more: object = {}, at: string = now) {
  const vendor = await startSlack(now);
  const world = sinkWorld({ secrets, now: at, vendor: vendor.vendor });
  cleanup.defer(() => world.close());
  cleanup.defer(() => vendor.vendor.stop());
  /** `shared`: places at which other alerts fire. */
  const deliver = (changes: Changes, shared: readonly string[] = []): Promise<DeliveryVerdict> => {
    const io = {
      ...world.io,
      othersFireAt: (place: string) => Promise.resolve(shared.includes(place)),
      get timeoutMs() {
        return world.io.timeoutMs;
      },
    };
    return attemptOf(slack, io, { ...config(vendor.vendor.url), ...more }, sinkDelivery(changes));
  };
  return { ...vendor, deliver };
}

const startedText = 'FIRING critical KubePodCrashLooping\n\nWorkflow triage looks into it.\n';
const started = { event: 'run-started', payload: { ...payload, event: 'run-started', text: startedText } } as const;
const finished = { event: 'run-finished', payload } as const;
const resolved = { event: 'alert-resolved', payload: resolvedPayload } as const;
const escalated = {
  event: 'run-finished',
  payload: { ...payload, alert: { ...payload.alert, severity: 'critical' } },
} as const;
const approval = {
  event: 'approval-requested',
  payload: { ...payload, event: 'approval-requested', approval: { id: 'a-7' } },
} as const;
const pointer = {
  event: 'run-finished',
  payload: {
    ...payload,
    text: 'FIRING warning KubePodNotReady pod/shop/web-1\n\nSame cause as KubePodCrashLooping.\n',
    sameAs: { alert: 'KubePodCrashLooping pod/shop/web-1', reportedAt: now, run: { id: 'r0', url: null } },
  },
} as const;

const open = (reference: string | null) => ({ ...nothingKnown, open: reference });

function referenceOf(verdict: DeliveryVerdict): string {
  if (verdict.reference === undefined || verdict.reference === null) throw new Error(JSON.stringify(verdict));
  return verdict.reference;
}

const titles = ({ messages }: Pick<Awaited<ReturnType<typeof startSlack>>, 'messages'>) =>
  messages.map(({ blocks }) => blocks?.[0]?.text?.text);

describe('slack', () => {
  test('a run that somebody asked for is told where it was asked, whatever the channel of the Sink is', async () => {
    const on = await start({ channel: '#elsewhere', messageType: 'message', mentionUsers: ['U0123456'] });
    const asked = (thread: string, event: 'run-started' | 'run-finished') =>
      ({
        event,
        payload: {
          ...payload,
          event,
          source: { ...payload.source, type: 'chat' },
          data: { platform: 'slack', channel: slackChannel, thread },
        },
      }) as const;
    const question = '1772359000.000100';
    on.messages.push({ ts: question, channel: slackChannel, text: 'pod/web-1' });
    const first = referenceOf(await on.deliver(asked(question, 'run-started')));
    const second = referenceOf(await on.deliver({ ...asked(question, 'run-finished'), known: open(first) }));
    expect(on.messages.map(({ thread_ts }) => thread_ts)).toEqual([undefined, question, question]);
    expect(second).toMatch(`${slackChannel}/${question}/0/run-finished/`);
    // By a command: there is no message to answer.
    await on.deliver(asked('', 'run-finished'));
    expect(on.messages[3]).toMatchObject({ channel: slackChannel });
    expect(on.messages[3]?.thread_ts).toBeUndefined();
    expect(on.shown().join('\n')).not.toContain('⟦mention');
  });

  test('who asks in another namespace chooses no channel', async () => {
    const on = await start({ channel: slackChannel, messageType: 'message' });
    const source = { ...payload.source, namespace: 'elsewhere', type: 'chat' };
    const data = { platform: 'slack', channel: 'C0SECRET00', thread: '1772359000.000100' };
    await on.deliver({ event: 'run-finished', payload: { ...payload, event: 'run-finished', source, data } });
    expect(on.messages.map(({ channel, thread_ts }) => [channel, thread_ts])).toEqual([[slackChannel, undefined]]);
  });

  test('one message is brought up to date from the start to the end, which the thread is told', async () => {
    const on = await start({ mentionUsers: ['U0123456', 'S0123456', '@oncall'] });
    const first = referenceOf(await on.deliver(started));
    const second = referenceOf(await on.deliver({ ...finished, known: open(first) }));
    expect(titles(on)).toEqual(['🔴 FIRING critical KubePodCrashLooping pod/shop/web-1 for 1m42s']);
    expect(on.messages[0]?.blocks).toMatchObject([
      { type: 'header' },
      { type: 'section', text: { type: 'plain_text', text: 'The cause is (95%): Container web was OOMKilled.' } },
      { type: 'context', elements: [{ text: `<${payload.run.url}|Run>` }] },
    ]);
    await on.deliver({ ...resolved, known: open(second) });
    const ended = '🟢 RESOLVED KubePodCrashLooping pod/shop/web-1 after 21m';
    expect(titles(on)).toEqual([ended, ended]);
    expect(on.messages[1]?.thread_ts).toBe(on.messages[0]?.ts);
    expect(on.channelPosts()).toBe(1);
    // By the first message alone.
    expect(on.shown().filter((text) => text.includes('⟦mention'))).toHaveLength(1);
    expect(on.shown()[0]).toContain('⟦mention @U0123456⟧ ⟦mention !subteam^S0123456⟧ @oncall');
  });

  test('what was over before anybody was told mentions nobody', async () => {
    const on = await start({ mentionUsers: ['U0123456'] });
    await on.deliver({ ...finished, payload: { ...payload, alert: { ...payload.alert, status: 'resolved' } } });
    expect(on.shown()[0]).not.toContain('⟦mention');
  });

  test('a second report replaces the first and is told in the thread; a more severe one in the channel too', async () => {
    const on = await start();
    const mild = { ...payload, alert: { ...payload.alert, severity: 'warning' } };
    const first = referenceOf(await on.deliver({ ...finished, payload: mild }));
    const second = referenceOf(await on.deliver({ ...finished, payload: mild, known: open(first) }));
    expect(on.messages[1]).toMatchObject({ thread_ts: on.messages[0]?.ts });
    expect(on.channelPosts()).toBe(1);
    await on.deliver({ ...escalated, known: open(second) });
    expect(on.messages[2]).toMatchObject({ thread_ts: on.messages[0]?.ts, reply_broadcast: true });
    expect(on.channelPosts()).toBe(2);
  });

  test('work that begins again does not hide the report that is there', async () => {
    const on = await start();
    const first = referenceOf(await on.deliver(finished));
    expect(await on.deliver({ ...started, known: open(first) })).toEqual({ ok: true, reference: first });
    expect(titles(on)[0]).toContain('for 1m42s');
    expect(on.messages[1]).toMatchObject({ thread_ts: on.messages[0]?.ts });
  });

  test('what fires again goes on in its thread for an hour, and the channel sees it', async () => {
    const on = await start();
    const first = referenceOf(await on.deliver(finished));
    const end = referenceOf(await on.deliver({ ...resolved, known: open(first) }));
    await on.deliver({ ...finished, known: { ...nothingKnown, closed: end } });
    expect(on.messages[2]).toMatchObject({ thread_ts: on.messages[0]?.ts, reply_broadcast: true });
    expect(titles(on)[0]).toContain('FIRING');

    const later = await start({}, '2026-03-01T11:30:00.000Z');
    await later.deliver({ ...finished, known: { ...nothingKnown, closed: end } });
    expect(later.messages).toHaveLength(1);
    expect(later.messages[0]?.thread_ts).toBeUndefined();
  });

  test('a report that points at another is a reply there, and so is its end', async () => {
    const on = await start();
    const incident = referenceOf(await on.deliver(finished));
    const known = { ...nothingKnown, incident };
    const guest = referenceOf(await on.deliver({ ...pointer, known }));
    await on.deliver({ ...resolved, known: open(guest) }, [`${slackChannel}/${on.messages[0]?.ts}`]);
    expect(on.messages.map(({ thread_ts }) => thread_ts)).toEqual([undefined, on.messages[0]?.ts, on.messages[0]?.ts]);
    expect(titles(on)[0]).toContain('FIRING critical');
    // A cause of its own is told by a message of its own.
    await on.deliver({ ...finished, known: open(guest) });
    expect(on.messages[3]?.thread_ts).toBeUndefined();
  });

  test.each(['first', 'last'])(
    'a message below which another alert is told says that it is over when both are, the owner %s',
    async (order) => {
      const on = await start();
      const owner = referenceOf(await on.deliver(finished));
      const known = { ...nothingKnown, incident: owner };
      const guest = referenceOf(await on.deliver({ ...pointer, subjectKey: 'another', known }));
      const ends = [owner, guest].map((reference) => ({
        ...resolved,
        idempotencyKey: reference,
        known: open(reference),
      }));
      const [first, last] = order === 'first' ? ends : ends.toReversed();
      await on.deliver(first ?? {}, [`${slackChannel}/${on.messages[0]?.ts}`]);
      expect(titles(on)[0]).toContain('FIRING');
      expect(on.messages).toHaveLength(3);
      await on.deliver(last ?? {});
      expect(titles(on)[0]).toContain('RESOLVED');
      expect(on.messages.map(({ thread_ts }) => thread_ts === on.messages[0]?.ts)).toEqual([false, true, true, true]);
      expect(on.channelPosts()).toBe(1);
    },
  );

  test('one that has a message of its own points there, and the thread of the other is told; also where that is gone', async () => {
    const on = await start();
    const incident = referenceOf(await on.deliver(finished));
    const own = referenceOf(await on.deliver({ ...started, idempotencyKey: 'r2/out/run-started' }));
    const known = { ...nothingKnown, open: own, incident };
    expect(await on.deliver({ ...pointer, known })).toMatchObject({ ok: true });
    expect(titles(on)[1]).toContain('KubePodNotReady');
    expect(on.messages[2]).toMatchObject({ thread_ts: on.messages[0]?.ts });
    on.remove(on.messages[0]?.ts ?? '');
    expect(await on.deliver({ ...pointer, known })).toMatchObject({ ok: true });
    expect(on.messages).toHaveLength(2);
  });

  test.each([finished, resolved])('where the message is gone there is a new one: $event', async (delivery) => {
    const on = await start();
    const first = referenceOf(await on.deliver(finished));
    on.remove(on.messages[0]?.ts ?? '');
    const again = referenceOf(await on.deliver({ ...delivery, known: open(first) }));
    expect(again).toMatch(/^C0123456789\/\d+\.\d+\/2\//);
    expect(on.messages).toHaveLength(1);
  });

  test('a reply that the channel shows because its thread is gone is counted, and told on', async () => {
    const on = await start();
    const first = referenceOf(await on.deliver(finished));
    on.remove(on.messages[0]?.ts ?? '');
    const asked = referenceOf(await on.deliver({ ...approval, known: open(first) }));
    const [alone] = on.messages;
    expect(asked).toMatch(`${slackChannel}/${alone?.ts}/2/`);
    await on.deliver({ ...finished, known: open(asked) });
    expect(on.messages.map(({ ts }) => ts)).toEqual([alone?.ts, expect.anything()]);
    expect(on.messages[1]).toMatchObject({ thread_ts: alone?.ts });
    expect(on.channelPosts()).toBe(2);
  });

  test.each(['thread_not_found', 'cannot_reply_to_message', 'restricted_action_thread_locked'])(
    'where a thread takes no reply (%s) the channel gets a message',
    async (error) => {
      const on = await start();
      const first = referenceOf(await on.deliver(finished));
      on.closeThreads(error);
      expect(await on.deliver({ ...approval, known: open(first) })).toMatchObject({ ok: true });
      expect(on.messages[1]?.thread_ts).toBeUndefined();
      expect(on.channelPosts()).toBe(2);
    },
  );

  test('messages of type message are each one of their own, up to the most of an incident', async () => {
    const on = await start({ messageType: 'message' });
    let known = nothingKnown;
    for (let count = 0; count < mostPosts + 3; count += 1)
      known = open(referenceOf(await on.deliver({ ...finished, idempotencyKey: `${count}`, known })));
    expect(on.channelPosts()).toBe(mostPosts);
    expect(on.messages).toHaveLength(mostPosts + 3);
  });

  test('an approval is asked for in the channel, by its id alone', async () => {
    const on = await start();
    const first = referenceOf(await on.deliver(finished));
    await on.deliver({ ...approval, known: open(first) });
    expect(on.messages[1]).toMatchObject({ thread_ts: on.messages[0]?.ts, reply_broadcast: true });
    expect(on.messages[1]?.blocks?.at(-1)).toMatchObject({
      type: 'actions',
      elements: [
        { action_id: 'fist-approve', value: 'a-7' },
        { action_id: 'fist-refuse', value: 'a-7' },
      ],
    });
  });

  test.each(['thread', 'message'])(
    'whatever happens, the channel gets at most twelve messages: %s',
    async (messageType) => {
      const faults: Fault[] = [
        'processed, then no answer',
        'processed, then 500',
        'reset',
        '503',
        '429 with Retry-After',
      ];
      const events = [started, finished, resolved, escalated, approval];
      for (let seed = 1; seed <= rounds(2, 3); seed += 1) {
        const on = await start({ messageType });
        if (seed === 2) on.deny('conversations.history', 'missing_scope');
        if (seed === 2) on.deny('conversations.replies', 'missing_scope');
        const random = createRandom(seed);
        let known = nothingKnown;
        for (let step = 0; step < 60; step += 1) {
          const event = random.pick(events);
          for (let attempt = 1; attempt <= 4; attempt += 1) {
            if (random.next() < 0.3) on.vendor.fail(random.pick(faults));
            // Where the app may not look, each message that somebody deletes may cost one more.
            if (seed !== 2 && random.next() < 0.1 && on.messages[0] !== undefined) on.remove(on.messages[0].ts);
            const idempotencyKey = `${step}`;
            const verdict = await on.deliver({ ...event, known, idempotencyKey, isRepeat: attempt > 1 });
            const { reference } = verdict;
            if (verdict.ok) {
              const next = { ...nothingKnown, [event === resolved ? 'closed' : 'open']: reference };
              known = next;
              break;
            }
            if (reference !== undefined) known = { ...known, own: reference };
            if (!verdict.retry) break;
          }
          known = { ...known, own: null, ...(known.own === null ? {} : { open: known.own }) };
        }
        expect(on.channelPosts()).toBeLessThanOrEqual(mostPosts);
        expect(on.channelPosts()).toBeGreaterThan(1);
      }
    },
  );

  test('a message that came although its answer was lost is found, also behind others', async () => {
    const on = await start();
    on.vendor.fail('processed, then no answer');
    const lost = await on.deliver(finished);
    expect(lost).toMatchObject({
      ok: false,
      retry: true,
      ambiguous: true,
      reference: 'C0123456789/-/1/-/critical/1772359242',
    });
    for (let count = 0; count < 60; count += 1) await on.deliver({ ...finished, idempotencyKey: `other-${count}` });
    const known = { ...nothingKnown, own: referenceOf(lost) };
    const found = await on.deliver({ ...finished, isRepeat: true, known });
    expect(found).toEqual({
      ok: true,
      reference: `C0123456789/${on.messages[0]?.ts}/1/run-finished/critical/1772359242`,
    });
    expect(on.messages).toHaveLength(61);
  });

  test.each([
    ['where the app may not look', { channel: slackChannel }, 'missing_scope'],
    ['where the channel has no id', { channel: '#incidents' }, 'unknown'],
  ])('it comes twice %s, and both are counted', async (_, more, error) => {
    const on = await start(more);
    on.deny('conversations.history', error);
    on.vendor.fail('processed, then no answer');
    const lost = await on.deliver(finished);
    const again = await on.deliver({ ...finished, isRepeat: true, known: { ...nothingKnown, own: referenceOf(lost) } });
    expect(again).toMatchObject({ ok: true, reference: expect.stringContaining('/2/') as string });
    expect(on.channelPosts()).toBe(2);
  });

  test('a lost reply is found in its thread', async () => {
    const on = await start();
    const first = referenceOf(await on.deliver(finished));
    on.vendor.fail('none', 'processed, then 500');
    expect(await on.deliver({ ...resolved, idempotencyKey: 'e', known: open(first) })).toMatchObject({
      ambiguous: true,
    });
    expect(await on.deliver({ ...resolved, idempotencyKey: 'e', known: open(first), isRepeat: true })).toMatchObject({
      ok: true,
    });
    expect(on.messages).toHaveLength(2);
  });

  test('a channel that takes no more now is asked again later', async () => {
    const on = await start();
    on.limit(0);
    expect(await on.deliver(finished)).toMatchObject({ ok: false, retry: true, retryAfterMs: 30_000 });
  });

  test.each([
    ['channel_not_found', false, false],
    ['not_in_channel', false, false],
    ['invalid_auth', false, false],
    ['msg_too_long', false, false],
    ['something_new', false, false],
    ['ratelimited', true, false],
    ['service_unavailable', true, false],
    ['internal_error', true, true],
    ['fatal_error', true, true],
  ])('%s: tried again %s, ambiguous %s', async (error, retry, ambiguous) => {
    const on = await start();
    on.deny('chat.postMessage', error);
    const reason = expect.stringContaining(error) as string;
    expect(await on.deliver(finished)).toMatchObject({ ok: false, retry, ambiguous, reason });
  });

  test('what is too long is cut, and said where all of it is', async () => {
    const on = await start();
    const text = `${'FIRING critical '.repeat(20)}\n\n${'A line of the report.\n'.repeat(2000)}`;
    await on.deliver({ ...finished, payload: { ...payload, text } });
    expect(on.vendor.refusals).toEqual([]);
    expect(on.shown()[0]).toContain(payload.run.url);
    expect(on.shown()[0]).toMatch(/\[cut: \d+ characters in all; https:\/\/fist\.example\/api\/v1\/runs\/r1\]/);
    await on.deliver({ ...finished, payload: { ...payload, run: { ...payload.run, url: null }, text } });
    expect(on.shown()[1]).toContain('fist describe run/r1');
  });

  test('the author of a template may write markup, what it prints may not', async () => {
    const on = await start({ template: '*Cause* {{ .report.root_cause }} <!here>' });
    await on.deliver({
      ...finished,
      payload: { ...payload, report: { ...payload.report, root_cause: '*x* <!here> :skull:' } },
    });
    expect(on.shown()[0]).toContain('⟦style Cause⟧ ∗x∗ <!here> ꞉skull: ⟦mention !here⟧');
  });

  test('names, addresses and times stay as they are', () => {
    const text = 'pod my_app-7d4b_x at 10:00:42 of registry:5000/shop/web:1.2 https://a.example/b_c';
    expect(escapeMarkup(text)).toBe(text);
  });
});
