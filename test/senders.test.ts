import { createHmac } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { CatalogSource } from '../src/core/catalog.ts';
import { buildCatalog } from '../src/resources/catalog.ts';
import { lintPath } from '../src/resources/lint.ts';
import { readResources } from '../src/resources/read.ts';
import { formats } from '../src/sources/formats/index.ts';
import { sourceDefinitions } from '../src/sources/index.ts';
import { realClock } from './support/fake-server.ts';
import { repositoryRoot } from './support/processes.ts';
import { catalogOptions } from './support/resources.ts';
import { createWorld } from './server/world.ts';
import type { World } from './server/world.ts';

// Each folder of examples/senders: what one sender sends, replayed against the server with the Source beside it.

const folder = join(repositoryRoot, 'examples/senders');
const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'source.yaml')));
const secret = 'example-secret-0123456789';
const clock = { ...realClock, now: () => Date.parse('2026-03-01T12:00:00Z') };

interface Request {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

function readJson(name: string, file: string): unknown {
  return JSON.parse(readFileSync(join(folder, name, file), 'utf8'));
}

function sourceOf(name: string): CatalogSource {
  const { objects } = readResources(join(folder, name));
  const options = { loopback: false, asksForCertificates: true, secrets: { get: () => secret } };
  const { sources } = buildCatalog(objects, catalogOptions(options));
  const [source] = sources;
  if (source === undefined) throw new Error(`there is no Source in ${name}`);
  return source;
}

const hex = (text: string) => createHmac('sha256', secret).update(text).digest('hex');
const time = String(clock.now() / 1000);

/** What the sender adds, by the way that the Source names. */
function credentials({ config }: CatalogSource, body: string): Record<string, string> {
  const { type, preset, username, timestampHeader } = config['authentication'] as Readonly<Record<string, string>>;
  if (type === 'bearer') return { authorization: `Bearer ${secret}` };
  if (type === 'basic') return { authorization: `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}` };
  if (preset === 'pagerduty') return { 'x-pagerduty-signature': `v1=${'0'.repeat(64)},v1=${hex(body)}` };
  if (preset === 'grafana')
    return { 'x-grafana-alerting-signature': hex(`${time}:${body}`), [timestampHeader ?? '']: time };
  const key = Buffer.from(secret, 'base64');
  const signature = createHmac('sha256', key).update(`msg_1.${time}.${body}`).digest('base64');
  return { 'webhook-id': 'msg_1', 'webhook-timestamp': time, 'webhook-signature': `v1,${signature}` };
}

const open: World[] = [];
afterEach(async () => {
  for (const world of open.splice(0)) await world.close();
});

async function replay(name: string, changes: { readonly body?: string; readonly headers?: Request['headers'] } = {}) {
  const source = sourceOf(name);
  const world = await createWorld(
    { sourceTypes: sourceDefinitions, secrets: { get: () => secret }, clock, host: '0.0.0.0' },
    [source],
  );
  open.push(world);
  const body = readFileSync(join(folder, name, 'body.json'), 'utf8');
  const { path, headers } = readJson(name, 'request.json') as Request;
  const response = await world.server.inject({
    method: 'POST',
    url: `/webhook/${path}`,
    headers: {
      'content-type': 'application/json',
      ...headers,
      ...credentials(source, body),
      ...changes.headers,
    },
    payload: changes.body ?? body,
  });
  const { items } = (await world.get('/api/v1/alerts?limit=100')).json<{ items: readonly Listed[] }>();
  return { answer: response.json<unknown>(), status: response.statusCode, alerts: items.map(shownOf).toSorted() };
}

interface Listed {
  readonly name: string;
  readonly status: string;
  readonly severity: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string | null;
}

function shownOf({ name, status, severity, labels, summary }: Listed): string {
  return `${status} ${severity} ${name} ${JSON.stringify(labels)} ${summary ?? ''}`;
}

describe.each(names)('%s', (name) => {
  it('has a Source without errors', async () => {
    expect(await lintPath(join(folder, name))).toEqual([]);
  });

  it('gives the alerts that are expected', async () => {
    const { answer, status, alerts } = await replay(name);
    expect(status).toBe(200);
    const file = join(folder, name, 'expected.json');
    if (process.env['UPDATE_EXAMPLES'] !== undefined)
      writeFileSync(file, `${JSON.stringify({ answer, alerts }, null, 2)}\n`);
    expect({ answer, alerts }).toEqual(readJson(name, 'expected.json'));
  });

  it('refuses the same from somebody else', async () => {
    const { status, alerts } = await replay(name, {
      headers: { authorization: 'Bearer x', 'x-pagerduty-signature': `v1=${hex('x')}`, 'webhook-id': 'msg_2' },
      body: '{}',
    });
    expect({ status, alerts }).toEqual({ status: 401, alerts: [] });
  });
});

it('there is one for each format', () => {
  const used = new Set(names.map((name) => sourceOf(name).config['format']));
  expect(used).toEqual(new Set(formats.map(({ name }) => name)));
});
