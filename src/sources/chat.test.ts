import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import { createCleanup } from '../../test/support/cleanup.ts';
import { firing, noon, notification, source } from '../../test/support/intake.ts';
import { appToken, botUser, command, mention, startSlackApp } from '../../test/support/slack-app.ts';
import type { SlackApp } from '../../test/support/slack-app.ts';
import { slackChannel, slackToken } from '../../test/support/slack.ts';
import { compiled, createSourceWorld } from '../../test/support/sources.ts';
import type { SourceWorld } from '../../test/support/sources.ts';
import { waitFor } from '../../test/support/wait.ts';
import type { CatalogSource } from '../core/catalog.ts';
import { AppError } from '../core/errors.ts';
import { chat } from './chat.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

describe.each(contractStores)('chat over Socket Mode, on $name', ({ open }) => {
  let slack: SlackApp;
  let world: SourceWorld;

  beforeEach(async () => {
    const opened = await open();
    cleanup.defer(() => opened.close());
    slack = await startSlackApp();
    cleanup.defer(() => slack.stop());
    world = createSourceWorld(opened.store, createFakeClock(noon), [chat]);
    cleanup.defer(() => world.stop());
    world.secrets.set('slack/app', appToken);
    world.secrets.set('slack/token', slackToken);
  });

  function mentions(config: object = {}, changes: Partial<CatalogSource> = {}): CatalogSource {
    const base = {
      platform: 'slack',
      trigger: 'mention',
      channel: slackChannel,
      appToken: 'slack/app',
      botToken: 'slack',
    };
    return compiled(chat, { ...base, endpoint: slack.endpoint, ...config }, changes);
  }
  function commands(config: object = {}, changes: Partial<CatalogSource> = {}): CatalogSource {
    return mentions({ trigger: 'command', command: '/fist', ...config }, { name: 'commands', ...changes });
  }
  async function start(...sources: CatalogSource[]): Promise<void> {
    world.sources = sources;
    world.start({ isAlone: true });
    await slack.connected(sources.length);
  }

  test('a mention about an object is a run, and is acknowledged; the thread hears of it', async () => {
    await start(mentions());
    expect(await slack.send('events_api', mention('pod/web-1 -n shop, please'))).toEqual({});
    const [run] = await world.runs();
    expect(run).toMatchObject({ name: 'triage', status: 'pending', alertId: null, triggerSource: 'default/chat' });
    expect(run?.input).toMatchObject({
      alert: null,
      asked: { name: 'Asked', labels: { namespace: 'shop', pod: 'web-1' } },
      data: {
        platform: 'slack',
        trigger: 'mention',
        channel: slackChannel,
        user: 'U0ALICE000',
        thread: '1772366400.000100',
        text: 'pod/web-1 -n shop, please',
      },
    });
    await slack.posted(1);
    expect(slack.posts[0]).toMatchObject({ method: 'chat.postMessage', thread_ts: '1772366400.000100' });
    expect(slack.posts[0]?.text).toContain('Looking into it: Workflow triage.');
    expect(slack.refusals).toEqual([]);
  });

  test('what Slack sends again is one run and one reply, over another connection and with another envelope', async () => {
    await start(mentions());
    const event = mention('investigate deployment/web -n shop');
    await slack.send('events_api', event);
    await slack.posted(1);
    await Promise.all([slack.send('events_api', event), slack.send('events_api', event)]);
    expect(await world.runs()).toHaveLength(1);
    expect(slack.posts).toHaveLength(1);
    expect((await world.events()).map(({ deliveryKey, outcome }) => [deliveryKey, outcome])).toEqual([
      [`slack/${String(event['event_id'])}`, { RunCreated: 1 }],
    ]);
  });

  test('an event that the store does not take is not acknowledged, and taken when it comes again', async () => {
    let isAway = true;
    const { parts } = world;
    const request: typeof parts.intake.request = (source, asked) =>
      isAway ? Promise.reject(new AppError('StoreUnavailable', 'away')) : parts.intake.request(source, asked);
    world.sources = [mentions()];
    world.start({ isAlone: true, intake: { ...parts.intake, request } });
    await slack.connected(1);
    const event = mention('pod/web-1');
    void slack.send('events_api', event, { id: 'lost' }).then(() => slack.refuse('lost', 'acknowledged'));
    // It is over once another one, which needs no store, is acknowledged after it.
    await slack.send('interactive', {});
    expect(await world.runs()).toHaveLength(0);
    isAway = false;
    await slack.send('events_api', event);
    expect(await world.runs()).toHaveLength(1);
    expect(world.counted.get('fist_chat_messages_total chat StoreUnavailable')).toBe(1);
  });

  test.each([
    ['of a bot', mention('pod/web-1', { bot_id: 'B0123' }), 'FromBot'],
    ['of its own', mention('pod/web-1', { user: botUser }), 'FromBot'],
    ['that was edited', mention('pod/web-1', { edited: { user: 'U0ALICE000', ts: '1' } }), 'Edited'],
    ['that is a change', mention('pod/web-1', { subtype: 'message_changed' }), 'Edited'],
    ['of another channel', mention('pod/web-1', { channel: 'C0OTHER0000' }), 'NotOurs'],
    ['of another kind', mention('pod/web-1', { type: 'message' }), 'OtherEvent'],
    ['without a user', mention('pod/web-1', { user: undefined }), 'OtherEvent'],
  ])('a message %s starts nothing, is acknowledged and counted', async (_title, event, reason) => {
    await start(mentions());
    expect(await slack.send('events_api', event)).toEqual({});
    expect(await world.runs()).toHaveLength(0);
    expect(slack.posts).toHaveLength(0);
    expect(world.counted.get(`fist_chat_messages_total chat ${reason}`)).toBe(1);
  });

  test('a command is answered with its acknowledgement, about what it names', async () => {
    await start(commands());
    const { payload } = await slack.send('slash_commands', command('investigate deploy/web -n shop'));
    expect(payload).toMatchObject({ response_type: 'in_channel', parse: 'none' });
    expect(payload?.['text']).toContain('Looking into it: Workflow triage.');
    const [run] = await world.runs();
    expect(run?.input).toMatchObject({
      asked: { labels: { namespace: 'shop', deployment: 'web' } },
      data: { trigger: 'command', command: '/fist', thread: '', user: 'U0ALICE000' },
    });
    // A copy of it says nothing more.
    expect(slack.posts).toHaveLength(0);
  });

  test('words without an object are data of a run; a kind that is not looked at is refused', async () => {
    await start(commands());
    await slack.send('slash_commands', command('why is {{ .env.HOME }} $(rm -rf /) slow and/or late?'));
    const [run] = await world.runs();
    expect(run?.input.asked).toBeUndefined();
    expect(run?.input.data?.['text']).toBe('why is {{ .env.HOME }} $(rm -rf /) slow and/or late?');
    const { payload } = await slack.send('slash_commands', command('investigate gadget/web'));
    expect(payload?.['response_type']).toBe('ephemeral');
    expect(payload?.['text']).toContain('gadget/web is no object of a kind that is looked at');
    expect(await world.runs()).toHaveLength(1);
  });

  test.each([
    ['help', ['/fist alerts', 'Workflow triage']],
    ['', ['/fist alerts']],
    ['status', ['Open alerts: 1 critical, 1 warning.', 'In this server wait 3 runs']],
    ['alerts', ['critical Down shop/web for 1h', 'warning Slow', 'fist why']],
    ['alert Down', ['Run ', 'Workflow triage about Down shop/web is pending', 'It has found nothing yet.']],
    ['alert Nowhere', ['No alert "Nowhere" is open.']],
  ])('%j is answered at once from the store, to who asked', async (text, expected) => {
    const alert = {
      severity: 'critical',
      name: 'Down',
      labels: { alertname: 'Down', namespace: 'shop', deployment: 'web' },
    } as const;
    const { intake } = world.parts;
    await intake.accept(
      source(),
      notification([firing(alert), firing({ fingerprint: 'f2', name: 'Slow', labels: {} })]),
    );
    await intake.accept(source({ namespace: 'other' }), notification([firing({ ...alert, name: 'Theirs' })]));
    world.clock.shiftWallClock(3_600_000);
    await start(commands());
    const { payload } = await slack.send('slash_commands', command(text));
    expect(payload?.['response_type']).toBe('ephemeral');
    for (const part of expected) expect(payload?.['text']).toContain(part);
    expect(payload?.['text']).not.toContain('Theirs');
    expect((await world.runs()).filter(({ triggerSource }) => triggerSource.includes('commands'))).toHaveLength(0);
  });

  test('a question by mention is answered to who asked, once', async () => {
    await start(mentions());
    const event = mention('help');
    await slack.send('events_api', event);
    expect(slack.posts).toMatchObject([{ method: 'chat.postEphemeral', user: 'U0ALICE000', channel: slackChannel }]);
    await slack.send('events_api', event);
    expect(slack.posts).toHaveLength(1);
    expect(await world.runs()).toHaveLength(0);
  });

  test('an alert that has no run is looked into as itself', async () => {
    await world.parts.intake.accept(
      source({ suspend: true }),
      notification([firing({ name: 'Down', labels: { alertname: 'Down', namespace: 'shop', pod: 'web-1' } })]),
    );
    await start(commands());
    const { payload } = await slack.send('slash_commands', command('alert Down'));
    expect(payload?.['text']).toContain('Looking into it');
    expect((await world.runs())[0]).toMatchObject({
      alertId: null,
      input: { asked: { name: 'Down', labels: { pod: 'web-1' }, startsAt: noon } },
    });
  });

  test('of what Workflows of another namespace found nothing is told', async () => {
    await world.parts.intake.accept(
      source(),
      notification([firing({ name: 'Down', labels: { alertname: 'Down', namespace: 'shop', pod: 'web-1' } })]),
    );
    const [run] = await world.runs();
    const { alertId = '' } = run ?? {};
    const report = { summary: 'the vault is open', root_cause: 'the vault', confidence: 0.9 };
    await world.store.transaction('run-end', (tx) =>
      tx.alerts.endTriage({ id: run?.id ?? '', alertId, episode: 1, namespace: 'default' }, noon, report),
    );
    await start(commands(), mentions());
    const answers = async (text: string) =>
      (await slack.send('slash_commands', command(text))).payload?.['text'] as string;
    expect(await answers('alerts')).toContain('Down shop/web-1');
    expect(await answers('alerts')).toContain('vault');
    await world.store.transaction('run-end', (tx) => tx.runs.update(run?.id ?? '', { namespace: 'bank' }));
    expect(await answers('alerts')).not.toContain('vault');
    expect(await answers('alert Down')).toMatch(/^Run \S+ is of another namespace than this chat/);
  });

  test('alert text is only text in an answer', async () => {
    const name = 'Bad <!channel> *x* <https://evil.example|here>\u202e';
    await world.parts.intake.accept(source({ suspend: true }), notification([firing({ name, labels: {} })]));
    await start(commands());
    const { payload } = await slack.send('slash_commands', command('alerts'));
    expect(payload?.['text']).toContain('&lt;!channel&gt;');
    expect(JSON.stringify(payload)).not.toContain('\u202e');
    expect(payload).toMatchObject({ mrkdwn: false, blocks: [{ text: { type: 'plain_text', emoji: false } }] });
  });

  test('a policy that lets nothing run says so', async () => {
    await start(commands({}, { suspend: true }));
    const { payload } = await slack.send('slash_commands', command('pod/web-1'));
    expect(payload?.['text']).toContain('starts no runs now: Suspended');
    expect(await world.runs()).toHaveLength(0);
    expect(await world.events()).toHaveLength(1);
  });

  test('beyond the storm cap nothing is stored, and it says when there is room', async () => {
    await start(commands({}, { stormCapPerMinute: 1 }));
    await slack.send('slash_commands', command('pod/web-1'));
    const { payload } = await slack.send('slash_commands', command('pod/web-2'));
    expect(payload?.['text']).toContain('ask again after 12:01:00 UTC');
    expect(await world.runs()).toHaveLength(1);
  });

  test('one app has one stream of events: whichever connection one comes over, the Source that wants it takes it', async () => {
    await start(mentions(), commands(), mentions({ channel: 'C0OTHER0000' }, { name: 'other' }));
    const [over] = slack.connections();
    for (const connection of slack.connections()) {
      await slack.send('events_api', mention('pod/web-1'), { over: connection });
      await slack.send('slash_commands', command('pod/web-2'), { over: connection });
    }
    const runs = await world.runs();
    expect(runs.map(({ triggerSource }) => triggerSource).toSorted()).toEqual([
      'default/chat',
      'default/chat',
      'default/chat',
      'default/commands',
      'default/commands',
      'default/commands',
    ]);
    await slack.send('events_api', mention('pod/web-1', { channel: 'C0OTHER0000' }), { over: over as never });
    expect((await world.runs()).at(-1)?.triggerSource).toBe('default/other');
  });

  test('before Slack ends a connection another one takes its place', async () => {
    await start(mentions());
    const [old] = slack.connections();
    old?.send(JSON.stringify({ type: 'disconnect', reason: 'refresh_requested' }));
    await slack.connected(2);
    await slack.send('events_api', mention('pod/web-1'));
    expect(await world.runs()).toHaveLength(1);
    expect(world.warned).toEqual([]);
    expect(await world.problem('chat')).toBeNull();
  });

  test('a connection that breaks is trouble, and made again after a pause', async () => {
    await start(mentions());
    slack.connections()[0]?.drop();
    await waitFor('the trouble', () => world.problem('chat'));
    expect(await world.problem('chat')).toContain('Unreachable: the connection to Slack ended');
    await waitFor('the pause', () => world.clock.sleeping() === 2);
    await world.clock.advance(1000);
    await slack.connected(2);
    await slack.send('events_api', mention('pod/web-1'));
    expect(await world.problem('chat')).toBeNull();
    expect(world.counted.get('fist_source_failures_total chat Unreachable')).toBe(1);
  });

  test.each([
    [
      'the token is refused',
      () => slack.refuse('apps.connections.open', 'invalid_auth'),
      'SlackRefused',
      'next: look at the Secret',
    ],
    ['the token is one of a bot', () => void world.secrets.set('slack/app', slackToken), 'SlackRefused', 'xapp-'],
    [
      'the Secret is missing',
      () => void world.secrets.delete('slack/app'),
      'SecretMissing',
      'default/slack with key app',
    ],
    ['Slack says nothing', () => void (slack.greets = false), 'Unreachable', 'no hello'],
  ])('where %s the Source says so, and works once that is over', async (_title, break_, reason, message) => {
    break_();
    world.sources = [mentions()];
    world.start({ isAlone: true });
    if (reason === 'Unreachable') {
      await waitFor('the connection', () => slack.connections()[0]);
      slack.connections()[0]?.send(JSON.stringify({ type: 'disconnect', reason: 'no hello' }));
    }
    const problem = await waitFor('the trouble', () => world.problem('chat'));
    expect(problem).toContain(reason);
    expect(problem).toContain(message);
    slack.refuse('apps.connections.open', null);
    slack.greets = true;
    world.secrets.set('slack/app', appToken);
    await waitFor('the pause', () => world.clock.sleeping() === 2);
    await world.clock.advance(1000);
    await slack.connected(1);
    await waitFor('the end of it', async () => (await world.problem('chat')) === null);
  });

  test('where Socket Mode is off it says where to turn it on', async () => {
    await start(mentions());
    slack.connections()[0]?.send(JSON.stringify({ type: 'disconnect', reason: 'link_disabled' }));
    expect(await waitFor('the trouble', () => world.problem('chat'))).toContain('turn Socket Mode on');
  });

  test('one of three replicas has the connection; when it is gone another one makes one, and a run that it acknowledged is there', async () => {
    world.sources = [mentions()];
    const replicas = [world.start(), world.start(), world.start()];
    await slack.connected(1);
    await slack.send('events_api', mention('pod/web-1'));
    expect(slack.opened()).toBe(1);
    await Promise.all(replicas.map((replica) => replica.stop()));
    await waitFor('the end of the connection', () => slack.connections().length === 0);
    expect(await world.runs()).toMatchObject([{ status: 'pending' }]);
    world.start();
    for (let window = 0; window < 3 && slack.opened() === 1; window += 1) await world.clock.advance(15_000);
    await slack.connected(2);
    await slack.send('events_api', mention('pod/web-2'));
    expect(await world.runs()).toHaveLength(2);
  });

  test('a message in a thread where nothing was told is a run', async () => {
    await start(mentions());
    await slack.send('events_api', mention('and this?', { thread_ts: '1772366000.000100' }));
    expect((await world.runs())[0]?.input.data?.['thread']).toBe('1772366000.000100');
  });

  test('an answer that Slack does not take is counted and told, and the message is taken all the same', async () => {
    slack.refuse('chat.postEphemeral', 'not_in_channel');
    await start(mentions());
    expect(await slack.send('events_api', mention('status'))).toEqual({});
    expect(world.counted.get('fist_chat_messages_total chat unanswered')).toBe(1);
    expect(world.warned).toEqual(['a chat was not answered']);
  });
});

describe('a chat Source that cannot work says why', () => {
  const base = { platform: 'slack', trigger: 'mention', channel: slackChannel, appToken: 'app', botToken: 'bot' };
  test.each([
    ['channel', { channel: '#ops' }],
    ['botToken', { botToken: undefined }],
    ['appToken', { appToken: undefined }],
    ['command', { trigger: 'command' }],
  ])('%s: %j', (field, changes) => {
    const config = chat.config.parse(JSON.parse(JSON.stringify({ ...base, ...changes })));
    // The contract has no such field, or another form: no schema refuses it.
    expect(() => chat.compile(config)).toThrow(expect.objectContaining({ reason: 'Contract', field }));
  });

  test.each([
    ['signingSecret', { path: 'slack' }],
    ['signingSecret', { signingSecret: 'signing' }],
    ['previousSigningSecret', { previousSigningSecret: 'signing' }],
    ['endpoint', { endpoint: 'ftp://x' }],
    ['command', { command: '/fist' }],
  ])('%s does not fit: %j', (field, changes) => {
    const { error } = chat.config.safeParse(JSON.parse(JSON.stringify({ ...base, ...changes })));
    expect(error?.issues.map(({ path }) => path.join('.'))).toEqual([field]);
  });

  test.each([{ platform: 'irc' }, { command: 'fist' }, { appToken: 'no secret' }])('%j', (changes) => {
    expect(chat.config.safeParse({ ...base, ...changes }).success).toBe(false);
  });

  test('by HTTP it takes what Slack sends, signed', () => {
    const config = { ...base, appToken: undefined, path: '/webhook/slack', signingSecret: 'signing/key' };
    const { path, authentication, mediaTypes } = chat.compile(chat.config.parse(config));
    expect({ path, mediaTypes }).toEqual({
      path: 'slack',
      mediaTypes: ['application/json', 'application/x-www-form-urlencoded'],
    });
    expect(authentication).toMatchObject({ type: 'hmac', isOpen: false, secrets: [{ name: 'signing', key: 'key' }] });
  });
});
