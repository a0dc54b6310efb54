import { describe, expect, test } from 'vitest';
import { commandOf, eventOf } from './message.ts';
import { wishOf } from './words.ts';

describe('what a text asks for', () => {
  const pod = { kind: 'object', object: 'pod/web-1', namespace: null, isNamed: true };
  test.each([
    ['', { kind: 'nothing' }],
    ['help', { kind: 'help' }],
    ['?', { kind: 'help' }],
    ['Status', { kind: 'status' }],
    ['alerts', { kind: 'alerts' }],
    // Only alone: people begin sentences like this.
    ['alerts are firing all over, why', { kind: 'words' }],
    ['alert KubePodCrashLooping', { kind: 'alert', name: 'KubePodCrashLooping' }],
    ['investigate alert/Down', { kind: 'alert', name: 'Down' }],
    ['alert', { kind: 'words' }],
    ['pod/web-1', pod],
    ['Investigate Pod/web-1', pod],
    ['pod/web-1 -n shop', { ...pod, namespace: 'shop' }],
    ['pod/web-1 --namespace=shop!', { ...pod, namespace: 'shop' }],
    ['pod/web-1 -n -n', pod],
    ['pod/web-1 -n ../../etc', pod],
    ['pod/shop/web-1', { ...pod, namespace: 'shop' }],
    ['why is pod/web-1 in -n shop down?', { ...pod, namespace: 'shop', isNamed: false }],
    ['and what of (deployment.apps/web), pod/web-1.', { ...pod, isNamed: false }],
    ['https://example.com/pod/web-1', { kind: 'words' }],
    ['pod/$(reboot) `id` {{ .x }}', { kind: 'words' }],
  ])('%j', (text, expected) => {
    expect(wishOf(text)).toEqual(expected);
  });

  test('a long text is looked through at once', () => {
    const before = process.threadCpuUsage();
    wishOf('a/'.repeat(2000));
    wishOf(`${'a'.repeat(2000)}/${'.'.repeat(2000)}`);
    expect(process.threadCpuUsage(before).user).toBeLessThan(100_000);
  });
});

describe('what Slack writes as a person sees it', () => {
  const text = (written: string, more: object = {}): string => {
    const event = { type: 'app_mention', user: 'U1', channel: 'C1', ts: '1.2', text: written, ...more };
    const authorizations = [{ user_id: 'UME', is_bot: true }];
    const read = eventOf({ type: 'event_callback', event_id: 'Ev1', authorizations, event });
    return read.kind === 'message' ? read.message.text : read.kind;
  };
  test.each([
    ['<@UME> pod/web-1', 'pod/web-1'],
    ['hey <@UME|fist>, look at pod/web-1', 'hey , look at pod/web-1'],
    ['<@UME> who is <@U2|bob>?', 'who is bob?'],
    ['<@UME> &lt;b&gt; &amp;amp; <http://web-1.shop|web-1.shop>\n\tnow', '<b> &amp; web-1.shop now'],
    ['<@UME> <!channel> <#C2|ops>', '!channel ops'],
  ])('%j', (written, expected) => {
    expect(text(written)).toBe(expected);
  });

  test('not more than anybody would write', () => {
    expect(text(`<@UME> ${'x'.repeat(50_000)}`).length).toBeLessThan(4000);
  });

  test.each([{}, { command: '/fist' }, { command: '/fist', trigger_id: 1, channel_id: 'C1', user_id: 'U1' }])(
    'no command: %j',
    (fields) => {
      expect(commandOf(fields).kind).toBe('ignored');
    },
  );
});
