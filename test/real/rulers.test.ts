import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { AlertRecord } from '../../src/core/alert.ts';
import { startTestApp } from '../support/app.ts';
import { createCleanup } from '../support/cleanup.ts';
import { findProgram, startAlertmanager } from '../support/monitoring.ts';
import { rulers, versionOf } from '../support/rulers.ts';
import type { RulerName } from '../support/rulers.ts';
import { waitFor } from '../support/wait.ts';
import { captureFolder, readCapture, shapeOf, startWireTap } from '../support/wire.ts';
import type { WireRequest } from '../support/wire.ts';

// A ruler that has our Source for its Alertmanager. UPDATE_FIXTURES=1 keeps what it sent for test/wire.test.ts.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const token = 'token-of-the-ruler';
const resources = `
apiVersion: v1
kind: Secret
metadata: { name: ruler }
stringData: { token: ${token} }
---
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: ruler }
spec:
  type: webhook
  config:
    path: ruler
    format: alertmanager-events
    authentication: { type: bearer, secretRef: ruler }
  triggerWorkflow: look
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: look }
spec:
  steps: [{ name: first, type: conditional, condition: 'yes' }]
`;

interface SentAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly endsAt?: string;
}

/** Which pods a request says to be down, and which not any more. */
function told({ body, receivedAt }: WireRequest): string {
  const alerts = JSON.parse(body) as readonly SentAlert[];
  const words = alerts.map(({ labels, endsAt }) => {
    const isOver = endsAt !== undefined && Date.parse(endsAt) <= Date.parse(receivedAt);
    return `${labels['pod']} ${isOver ? 'up' : 'down'}`;
  });
  return words.toSorted().join(', ');
}

const kept: Readonly<Record<string, string>> = {
  firing: 'web-0 down, web-1 down',
  repeat: 'web-0 down, web-1 down',
  mixed: 'web-0 up, web-1 down',
  resolved: 'web-0 up, web-1 up',
};

/** One request for each part of the story, in its order. */
function partsOf(requests: readonly WireRequest[]): Readonly<Record<string, WireRequest>> {
  let from = 0;
  return Object.fromEntries(
    Object.entries(kept).map(([name, wanted]) => {
      const place = requests.findIndex((request, index) => index >= from && told(request) === wanted);
      const request = requests[place];
      if (request === undefined) throw new Error(`no request says ${wanted}: ${requests.map(told).join(' | ')}`);
      from = place + 1;
      return [name, request];
    }),
  );
}

function keep(name: RulerName, requests: readonly WireRequest[]): void {
  const folder = captureFolder(`rulers/${name.toLowerCase()}`);
  mkdirSync(folder, { recursive: true });
  const parts = Object.entries(partsOf(requests));
  for (const [part, { bytes }] of parts) writeFileSync(join(folder, `${part}.http`), bytes);
  const receivedAt = Object.fromEntries(parts.map(([part, request]) => [`${part}.http`, request.receivedAt]));
  const capture = { program: name, version: versionOf(name), receivedAt };
  writeFileSync(join(folder, 'capture.json'), `${JSON.stringify(capture, null, 2)}\n`);
}

/** What a real Alertmanager makes of the same bytes: fingerprints by pod. */
async function fingerprintsOf({ body }: WireRequest): Promise<Readonly<Record<string, string>>> {
  const address = await startAlertmanager(cleanup, cleanup.temporaryFolder('alertmanager'), silentConfiguration);
  const url = `http://${address}/api/v2/alerts`;
  // The capture's own end would be over.
  const alerts = (JSON.parse(body) as readonly SentAlert[]).map((alert) => ({ ...alert, endsAt: undefined }));
  const headers = { 'content-type': 'application/json' };
  expect((await fetch(url, { method: 'POST', headers, body: JSON.stringify(alerts) })).status).toBe(200);
  const taken = (await (await fetch(url)).json()) as readonly (SentAlert & { readonly fingerprint: string })[];
  return Object.fromEntries(taken.map(({ labels, fingerprint }) => [labels['pod'] ?? '', fingerprint]));
}

const silentConfiguration = 'route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n';

const all = Object.keys(rulers) as RulerName[];
for (const name of all) if (findProgram(name) === null) console.warn(`skipped: ${name} not found`);

describe.each(all)('%s', (name) => {
  it.skipIf(findProgram(name) === null)('fires, repeats, resolves one, then the other', async () => {
    const world = await startTestApp(cleanup, { files: { 'all.yaml': resources } });
    const tap = await startWireTap(cleanup, Number(new URL(world.app.url).port));
    const ruler = await rulers[name](cleanup, { url: `http://127.0.0.1:${tap.port}/webhook/ruler`, token });
    let last: readonly AlertRecord[] = [];
    const until = (what: string, wanted: (pods: Readonly<Record<string, AlertRecord>>) => boolean) =>
      waitFor(
        what,
        async () => {
          last = await world.list<AlertRecord>('/api/v1/alerts');
          const pods = Object.fromEntries(last.map((alert) => [alert.labels['pod'] ?? '', alert]));
          return wanted(pods);
        },
        { timeoutMs: 60_000, everyMs: 200, explain: () => JSON.stringify(last) },
      );

    ruler.setDown(['web-0', 'web-1']);
    await until('both to repeat', (pods) =>
      [pods['web-0'], pods['web-1']].every((one) => (one?.receiveCount ?? 0) > 2),
    );
    ruler.setDown(['web-1']);
    await until(
      'the first end',
      (pods) => pods['web-0']?.status === 'resolved' && pods['web-1']?.status !== 'resolved',
    );
    ruler.setDown([]);
    await until('the second end', (pods) => last.length === 2 && pods['web-1']?.status === 'resolved');

    const { requests } = tap;
    const parts = partsOf(requests);
    for (const { status, episode, severity, startsAt, endsAt } of last) {
      expect({ status, episode, severity }).toEqual({ status: 'resolved', episode: 1, severity: 'critical' });
      expect(Date.parse(endsAt ?? '')).toBeGreaterThan(Date.parse(startsAt ?? ''));
    }
    if (findProgram('Alertmanager') !== null)
      expect(Object.fromEntries(last.map(({ labels, externalId }) => [labels['pod'], externalId]))).toEqual(
        await fingerprintsOf(parts['firing'] as WireRequest),
      );
    expect(await world.list('/api/v1/runs')).toHaveLength(2);
    expect(await world.list('/api/v1/dead-letters')).toEqual([]);

    if (process.env['UPDATE_FIXTURES'] !== undefined) keep(name, requests);
    // What is kept is what this version sends: else the fixture is to be made anew.
    const capture = readCapture(`rulers/${name.toLowerCase()}`);
    if (capture.version !== versionOf(name)) return;
    for (const { name: part, ...request } of capture.requests)
      expect([part, shapeOf(request)]).toEqual([part, shapeOf(parts[part] as WireRequest)]);
  });
});
