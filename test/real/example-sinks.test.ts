import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { DeliveryRecord } from '../../src/core/delivery.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { startTestApp } from '../support/app.ts';
import type { TestAppOptions } from '../support/app.ts';
import { createCleanup } from '../support/cleanup.ts';
import { startDumpServer } from '../support/dump-server.ts';
import { startMailServer, trustMailServer } from '../support/mail-server.ts';
import type { MailServer } from '../support/mail-server.ts';
import { repositoryRoot } from '../support/processes.ts';
import { startVendor } from '../support/vendor.ts';
import type { VendorAnswer, VendorRequest } from '../support/vendor.ts';
import { waitFor } from '../support/wait.ts';

// Each example of a Sink gets the incident of examples/oom-crash-loop from its start to its end. Whether requests are what the
// vendor takes is for the test of the sink; here it says yes.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const folder = `${repositoryRoot}examples/sinks`;
const types = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.replace(/\.yaml$/, ''));
const [source, workflow] = readFileSync(`${repositoryRoot}examples/connect/resources.yaml`, 'utf8').split(/^---$/m);
const notification = JSON.parse(readFileSync(`${repositoryRoot}examples/oom-crash-loop/alert.json`, 'utf8')) as {
  alerts: readonly [{ readonly labels: Readonly<Record<string, string>> }];
};
const [alert] = notification.alerts;

interface Example {
  /** What a vendor answers; else 200 with nothing in it. */
  readonly answer?: (request: VendorRequest) => VendorAnswer | undefined;
  /** In what the vendor gets of the report. Default: the cause. */
  readonly says?: string;
  /** Paths of all requests, in their order: one thing is brought up to date. Default: whatever comes. */
  readonly asks?: readonly string[];
  /** Where nothing goes over HTTP. */
  readonly isLocal?: true;
  /** Where mail is sent. */
  readonly isMail?: true;
  /** Where Events are made, in the cluster itself. */
  readonly isCluster?: true;
  /** What the Sink needs beside it. */
  readonly needs?: string;
}

/** The second Workflow of examples/sink-workflow; the Sink of its own is another one there. */
const closerLook = (
  readFileSync(`${repositoryRoot}examples/sink-workflow/resources.yaml`, 'utf8')
    .split(/^---$/m)
    .find((document) => /^kind: Workflow\n.*\n {2}name: closer-look$/m.test(document)) ?? ''
).replace(/^ {2}sinks: .*$/m, '');

const examples: Readonly<Record<string, Example>> = {
  alertmanager: {
    answer: ({ method }) => {
      const known = { ...alert, endsAt: new Date(Date.now() + 60_000).toISOString(), status: { state: 'active' } };
      return method === 'GET' ? { status: 200, body: [known] } : undefined;
    },
  },
  file: { isLocal: true },
  workflow: { isLocal: true, needs: closerLook },
  email: { isMail: true },
  'kubernetes-event': { isCluster: true },
  grafana: { answer: ({ method }) => (method === 'POST' ? { status: 200, body: { id: 7 } } : undefined) },
  discord: { answer: () => ({ status: 200, body: { id: '1' } }) },
  mattermost: {
    answer: () => ({ status: 201, body: { id: 'post' } }),
    asks: ['/api/v4/posts', '/api/v4/posts/post/patch', '/api/v4/posts'],
  },
  slack: {
    answer: () => ({ status: 200, body: { ok: true, channel: 'C0123456789', ts: '1772359242.000100' } }),
    asks: ['chat.postMessage', 'chat.update', 'chat.update', 'chat.postMessage'].map((method) => `/api/${method}`),
  },
  telegram: {
    answer: () => ({ status: 200, body: { ok: true, result: { message_id: 1 } } }),
    asks: ['sendMessage', 'editMessageText', 'sendMessage'].map((method) => `/${method}`),
  },
  github: { answer: () => ({ status: 200, body: { number: 1, state: 'open', body: '' } }) },
  jira: {
    answer: ({ method, path }) => {
      const status = { statusCategory: { key: 'new' } };
      if (path.endsWith('/search')) return { status: 200, body: { issues: [] } };
      if (path.endsWith('/transitions') && method === 'GET')
        return { status: 200, body: { transitions: [{ id: '31', to: { statusCategory: { key: 'done' } } }] } };
      return { status: 200, body: { key: 'OPS-1', fields: { status } } };
    },
  },
  prometheus: { says: 'fist_cause_confidence 0.9' },
};

const dump = `${repositoryRoot}examples/oom-crash-loop/dump`;

/** The same cluster, alive, a moment after it was captured. */
async function liveCluster(onEvent: (event: string) => void): Promise<Partial<TestAppOptions>> {
  const shiftMs = Date.parse('2026-11-23T18:35:00Z') - Date.now();
  return {
    kubeconfig: await startDumpServer(cleanup, dump, onEvent),
    clock: { ...systemClock(), now: () => Date.now() + shiftMs },
  };
}

/** Every address of the text leads to the vendor. */
function towards(url: string, text: string): string {
  return text.replace(/^(\s*\w+: )https?:\/\/[^\s/]+/gm, `$1${url}`);
}

const mailAccount = { user: 'fist', pass: 'word of the mail server' };

async function startMail(): Promise<MailServer> {
  cleanup.defer(trustMailServer());
  const mail = await startMailServer({ credentials: mailAccount });
  cleanup.defer(() => mail.stop());
  return mail;
}

/** The mail server of the text is this one, and its Secret is there. */
function towardsMail({ port }: MailServer, text: string): string {
  const { user, pass } = mailAccount;
  const secret = `apiVersion: v1\nkind: Secret\nmetadata: { name: mail-credentials }\nstringData: { username: ${user}, password: ${pass} }\n`;
  return `${text.replace(/^( *)host: .*$/m, `$1host: localhost\n$1port: ${port}`)}\n---\n${secret}`;
}

/** A value for each Secret that the example names, which is a signing secret too; the vendor's address for those that hold one. */
function secretsOf(url: string, text: string): Readonly<Record<string, string>> {
  const fields = text.matchAll(/\b(\w*[sS]ecret(?:Refs?)?|\w*(?:Key|[tT]oken)): \[?([a-z][a-z0-9-]*)/g);
  return Object.fromEntries(
    [...fields].map(([, field, name = '']) => [
      `default/${name}`,
      field === 'endpointSecret' ? `${url}/${name}` : `whsec_${Buffer.alloc(24, name).toString('base64')}`,
    ]),
  );
}

describe.each(types)('the example of %s', (type) => {
  test('takes an incident from its start to its end', async () => {
    const {
      answer,
      says = 'OOMKilled',
      asks,
      isLocal = false,
      isMail = false,
      isCluster = false,
      needs,
    } = examples[type] ?? {};
    const vendor = await startVendor((request) => answer?.(request) ?? { status: 200, body: {} });
    cleanup.defer(() => vendor.stop());
    const text = readFileSync(`${folder}/${type}.yaml`, 'utf8');
    const mail = isMail ? await startMail() : null;
    const told = mail === null ? towards(vendor.url, text) : towardsMail(mail, text);
    const resources = [source, workflow, told, ...(needs === undefined ? [] : [needs])].join('\n---\n');
    const token = 'token-of-the-source';
    const events: string[] = [];
    const world = await startTestApp(cleanup, {
      files: { 'all.yaml': resources },
      tokens: { ...secretsOf(vendor.url, text), 'default/alertmanager-token': token },
      ...(isCluster ? await liveCluster((event) => void events.push(event)) : { dump }),
      publicUrl: 'https://fist.example',
    });
    const name = alert.labels['alertname'] ?? '';

    await world.notify('alertmanager', [alert], token);
    const { deliveries } = await world.endedRun(name);
    expect(deliveries.map(({ sinkType, status, error }) => ({ sinkType, status, error }))).toContainEqual({
      sinkType: type,
      status: 'sent',
      error: null,
    });
    const bodies = [...(mail?.mails ?? vendor.requests).map(({ text: body }) => body), ...events].join('\n');
    if (!isLocal) expect(bodies).toContain(says);

    await world.notify('alertmanager', [{ ...alert, status: 'resolved', endsAt: new Date().toISOString() }], token);
    if (!/sendResolved: true/.test(text)) return;
    await waitFor('the end to be told', async () => {
      const all = await world.list<DeliveryRecord>('/api/v1/deliveries');
      return all.some(({ event, status }) => event === 'alert-resolved' && status === 'sent');
    });
    if (asks !== undefined) expect(vendor.requests.map(({ path }) => path.replace(/^\/bot[^/]+/, ''))).toEqual(asks);
  });
});

test('each is one Sink of the type that its file is named after', () => {
  for (const type of types) {
    const [document, ...others] = parseAllDocuments(readFileSync(`${folder}/${type}.yaml`, 'utf8'));
    expect([type, document?.getIn(['spec', 'type']), others]).toEqual([type, type, []]);
  }
  expect(Object.keys(examples).filter((type) => !types.includes(type))).toEqual([]);
});
