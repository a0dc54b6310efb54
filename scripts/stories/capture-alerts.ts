/**
 * Captures what a real Alertmanager sends to a webhook: starts one on the loopback interface, posts alerts to its
 * API as Prometheus does, and writes the bodies it delivers to a receiver of ours, indented but otherwise unchanged.
 *
 *   node scripts/stories/capture-alerts.ts story SCENARIO   examples/SCENARIO/alerts/{firing,repeat,resolved}.json, alert.json, expected.json
 *   node scripts/stories/capture-alerts.ts fixtures         test/fixtures/alertmanager/*.json (Alertmanager 0.32 or newer)
 *
 * ALERTMANAGER names the program; else `prometheus-alertmanager` or `alertmanager` from PATH is used.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { fixtures } from './alert-fixtures.ts';
import { findProgram, withAlertmanager } from './alertmanager.ts';
import type { AlertTemplate, Notification } from './alertmanager.ts';

const root = resolve(import.meta.dirname, '../..');

function save(file: string, body: string): void {
  writeFileSync(file, `${JSON.stringify(JSON.parse(body), null, 2)}\n`);
  process.stdout.write(`${file}\n`);
}

/** `<pod N>` and `<uid N>` stand for the pods of this image in the story's dump, by name. */
interface PodsOf {
  podsOf?: { namespace: string; image: string };
}

function fillPods<T extends PodsOf>({ podsOf, ...value }: T, dump: string): Omit<T, 'podsOf'> {
  if (podsOf === undefined) return value;
  const list = JSON.parse(readFileSync(join(dump, podsOf.namespace, 'pods.json'), 'utf8')) as {
    items: { metadata: { name: string; uid: string }; spec: { containers: { image: string }[] } }[];
  };
  const pods = list.items
    .filter(({ spec }) => spec.containers.some(({ image }) => image === podsOf.image))
    .map(({ metadata }) => metadata)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const text = JSON.stringify(value).replace(/<(pod|uid) (\d+)>/g, (whole, field: string, index: string) => {
    const pod = pods[Number(index)];
    if (pod === undefined) throw new Error(`${dump}: no pod ${whole} with image ${podsOf.image}`);
    return field === 'pod' ? pod.name : pod.uid;
  });
  return JSON.parse(text) as Omit<T, 'podsOf'>;
}

const readStory = (scenario: string, name: string): unknown =>
  parse(readFileSync(join(import.meta.dirname, scenario, name), 'utf8'));

/** The story's expected findings, with the names that the pods got this time. */
function writeExpected(scenario: string): void {
  const example = join(root, 'examples', scenario);
  const expected = fillPods(readStory(scenario, 'expected.yaml') as PodsOf, join(example, 'dump'));
  save(join(example, 'expected.json'), JSON.stringify(expected));
}

const STORY_CONFIG = `
route:
  receiver: punching-fist
  group_by: [namespace]
  group_wait: 1s
  group_interval: 2s
  repeat_interval: 4s
receivers:
  - name: punching-fist
    webhook_configs: [{url: RECEIVER_URL, send_resolved: true}]
`;

async function captureStory(program: string, scenario: string): Promise<void> {
  const example = join(root, 'examples', scenario);
  const source = readStory(scenario, 'alerts.yaml') as (AlertTemplate & PodsOf)[];
  const alerts: AlertTemplate[] = source.map((alert) => fillPods(alert, join(example, 'dump')));
  mkdirSync(join(example, 'alerts'), { recursive: true });
  await withAlertmanager(program, STORY_CONFIG, async ({ post, next }) => {
    const whole = ({ alerts: sent }: Notification): boolean => sent.length === alerts.length;
    await post(alerts);
    save(join(example, 'alerts/firing.json'), await next(whole));
    save(join(example, 'alerts/repeat.json'), await next(whole));
    await post(alerts, true);
    save(join(example, 'alerts/resolved.json'), await next(({ status }) => status === 'resolved'));
  });
  copyFileSync(join(example, 'alerts/firing.json'), join(example, 'alert.json'));
}

async function captureFixtures(program: string): Promise<void> {
  const folder = join(root, 'test/fixtures/alertmanager');
  mkdirSync(folder, { recursive: true });
  for (const { config, capture } of fixtures)
    await withAlertmanager(program, config, async (alertmanager) => {
      for await (const [name, body] of capture(alertmanager)) save(join(folder, `${name}.json`), body);
    });
}

const [command, scenario = ''] = process.argv.slice(2);
const isStory = existsSync(join(import.meta.dirname, scenario, 'alerts.yaml'));
if (command !== 'fixtures' && !(command === 'story' && isStory)) {
  process.stderr.write('usage: capture-alerts.ts story SCENARIO | fixtures\n');
  process.exit(2);
}
if (command === 'story') writeExpected(scenario);
const program = findProgram();
if (program === undefined) process.stderr.write('skipped: Alertmanager not found; set ALERTMANAGER or install it\n');
else await (command === 'story' ? captureStory(program, scenario) : captureFixtures(program));
