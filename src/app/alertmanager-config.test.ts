import { describe, expect, it } from 'vitest';
import { addTo, planConnection, readConfiguration } from './alertmanager-config.ts';

const destination = { url: 'http://127.0.0.1:8080/webhook/alertmanager', credentialsFile: '/etc/token' };
const plan = (text: string) => planConnection(readConfiguration(text, 'the test'), destination);

const plain = `
# who is told
route:
  receiver: people # all day
  routes:
    - { receiver: pager, matchers: ['severity="critical"'] }
receivers:
  - name: people
  - name: pager
`;
const connected = addTo(plain, plan(plain).additions);

describe('what an Alertmanager lacks', () => {
  it('is a receiver, a route before all others, and one behind them for who is told otherwise', () => {
    const { receiver, isRouted, additions } = plan(plain);
    expect({ receiver, isRouted }).toEqual({ receiver: null, isRouted: false });
    expect(additions).toEqual({
      receivers: [
        {
          name: 'fist',
          webhook_configs: [
            {
              url: destination.url,
              send_resolved: true,
              http_config: { authorization: { credentials_file: '/etc/token' } },
            },
          ],
        },
      ],
      firstRoutes: [
        { receiver: 'fist', continue: true, matchers: ['alertname!~"Watchdog|InfoInhibitor"'], group_wait: '0s' },
      ],
      lastRoutes: [{ receiver: 'people' }],
    });
  });

  it('is no last route where a child takes everything already', () => {
    expect(
      plan('route: {receiver: a, routes: [{receiver: b}]}\nreceivers: [{name: a}, {name: b}]').additions,
    ).toMatchObject({
      lastRoutes: [],
    });
  });

  it('is an interval below the time after which a Source closes an alert', () => {
    const read = plan('route: {receiver: a, repeat_interval: 5d}\nreceivers: [{name: a}]');
    expect(read.additions.firstRoutes).toMatchObject([{ repeat_interval: '4h' }]);
  });

  it('is nothing after it was added, and comments are still there', () => {
    expect(plan(connected)).toEqual({
      receiver: 'fist',
      isByName: false,
      isRouted: true,
      warnings: [],
      additions: { receivers: [], firstRoutes: [], lastRoutes: [] },
    });
    expect(connected).toContain('# who is told');
    expect(connected).toContain('receiver: people # all day');
    const receivers = readConfiguration(connected, 'it').route.routes?.map(({ receiver }) => receiver);
    expect(receivers).toEqual(['fist', 'pager', 'people']);
  });

  it('is known by its name where the address is masked, as newer versions do', () => {
    const read = plan(connected.replace(/url: .*/, 'url: <secret>'));
    expect(read).toMatchObject({ receiver: 'fist', isByName: true, isRouted: true, warnings: [] });
  });

  it('is the route only where there is a receiver of any name', () => {
    const read = plan(
      `route: {receiver: a}\nreceivers: [{name: a}, {name: bot, webhook_configs: [{url: '${destination.url}/'}]}]`,
    );
    expect(read).toMatchObject({ receiver: 'bot', isRouted: false });
    expect(read.additions).toMatchObject({
      receivers: [],
      firstRoutes: [{ receiver: 'bot' }],
      lastRoutes: [{ receiver: 'a' }],
    });
  });
});

describe('what is connected otherwise than it should be', () => {
  it.each([
    [connected.replace('send_resolved: true', 'send_resolved: false'), 'send_resolved of receiver fist is false'],
    [connected.replace('receiver: people # all day', 'receiver: people\n  repeat_interval: 2d'), 'repeat_interval is'],
    [connected.replace(/\n *- receiver: people\n/, '\n'), 'add {receiver: people} as the last route'],
  ])('is said: %#', (text, warning) => {
    expect(plan(text).warnings.join()).toContain(warning);
  });

  const withRoute = (routes: string, receiver = 'people') =>
    plan(
      `route: {receiver: ${receiver}, routes: [${routes}]}\nreceivers: [{name: people}, {name: fist, webhook_configs: [{url: '${destination.url}'}]}]`,
    );

  it.each([
    ['{receiver: people}, {receiver: fist}'],
    [`{receiver: people}, {receiver: fist, matchers: ['team="none"']}`],
    ['{receiver: people}, {receiver: people, routes: [{receiver: fist}]}'],
    ['{receiver: fist, routes: [{receiver: people}]}'],
    ['{receiver: people, continue: false}, {receiver: fist}'],
  ])('no route leads there behind one that takes everything: %s', (routes) => {
    const { receiver, isRouted, additions } = withRoute(routes);
    expect({ receiver, isRouted }).toEqual({ receiver: 'fist', isRouted: false });
    expect(additions).toMatchObject({ receivers: [], firstRoutes: [{ receiver: 'fist' }], lastRoutes: [] });
  });

  it('a route leads there before such a one, behind one that continues, in it, and by the receiver of its parent', () => {
    for (const routes of [
      '{receiver: fist, continue: true}, {receiver: people}',
      '{receiver: people, continue: true}, {receiver: fist}',
      '{receiver: people, routes: [{receiver: fist, continue: true}, {receiver: people}]}',
      `{receiver: people, matchers: ['a="b"']}, {receiver: fist}`,
      `{receiver: fist, routes: [{group_wait: 1s}]}`,
    ])
      expect(withRoute(routes).isRouted, routes).toBe(true);
    expect(withRoute('{receiver: people}', 'fist').isRouted).toBe(false);
    expect(withRoute('{group_wait: 1s}', 'fist')).toMatchObject({ isRouted: true, warnings: [] });
  });

  it.each([
    [
      `{receiver: fist, continue: true, matchers: ['team="none"']}`,
      'only alerts with team="none" come to receiver fist',
    ],
    [`{receiver: fist, match: {team: a}, match_re: {app: x|y}}`, 'only alerts with team="a", app=~"x|y" come'],
    [
      `{receiver: people, matchers: [a=b], routes: [{receiver: fist, matchers: ['c!=d']}]}`,
      'only alerts with a=b, c!=d',
    ],
    [`{receiver: fist, matchers: [a=b]}, {receiver: fist, matchers: [a=c]}`, 'only alerts with a=b or with a=c come'],
    [`{receiver: fist, matchers: ['alertname!="Watchdog"', 'alertname!~"Kube.*"']}`, 'with alertname!~"Kube.*" come'],
  ])('matchers that narrow its route are named: %s', (routes, warning) => {
    const { isRouted, warnings } = withRoute(`${routes}, {receiver: people}`);
    expect(isRouted).toBe(true);
    expect(warnings.join()).toContain(warning);
  });

  it('no matchers are named where another route takes what they leave out, or they leave out no real alert', () => {
    for (const routes of [
      '{receiver: fist, matchers: [a=b]}, {receiver: fist, continue: true}, {receiver: people}',
      `{receiver: fist, continue: true, matchers: ['alertname!~"InfoInhibitor|Watchdog"']}, {receiver: people}`,
    ])
      expect(withRoute(routes)).toMatchObject({ isRouted: true, warnings: [] });
  });

  it('the interval of a route in another counts, else that of the one around it', () => {
    const far = withRoute('{receiver: people, repeat_interval: 2d, routes: [{receiver: fist}]}').warnings;
    expect(far.join()).toContain('repeat_interval is');
    const near = '{receiver: people, repeat_interval: 2d, routes: [{receiver: fist, repeat_interval: 4h}]}';
    expect(withRoute(near).warnings.join()).not.toContain('repeat_interval');
  });

  it('is refused where the receiver of our name sends elsewhere, or it is no configuration', () => {
    expect(() => plan(connected.replace('8080', '9090'))).toThrow('receiver fist that sends elsewhere');
    expect(() => plan('receivers: []')).toThrow('not a configuration of Alertmanager: route');
    expect(() => plan('a: [')).toThrow('is not YAML');
  });
});
