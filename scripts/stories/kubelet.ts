/**
 * Plays the kubelet of a test cluster whose nodes are simulated: writes the statuses, events and logs
 * that a kubelet would have written, through the API server.
 *
 *   node scripts/stories/kubelet.ts ready STORY.yaml   scheduled pods of the images in `starts` run and are ready
 *   node scripts/stories/kubelet.ts play STORY.yaml    what the story says of its pods, in the end
 *
 * Needs kubectl in PATH and KUBECONFIG. A story says times as `ago 90s`, counted from the start of `play`,
 * and `<pod>`, `<namespace>`, `<uid>`, `<image>`, `<podIP>`, `<node>` stand for what the API server gave.
 * A log template has a line for each line of the log, which begins with its age in seconds; `<time>` is its time.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

interface Pod {
  metadata: { name: string; namespace: string; uid: string; resourceVersion: string };
  spec: { nodeName?: string; containers: { name: string; image: string }[] };
  status: { podIP?: string; containerStatuses?: unknown[] };
}

interface StoryEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  count: number;
  first: string;
  last: string;
  container?: string;
}

interface Story {
  namespaces: string[];
  /** Images whose containers start without trouble. */
  starts: string[];
  pods: PodStory[];
}

interface PodStory {
  /** Chooses the pod: the one with this place among the pods of this image, by name. */
  image: string;
  index: number;
  namespace: string;
  status?: Json;
  events?: StoryEvent[];
  logs?: { container: string; current?: string; previous?: string }[];
}

function kubectl(args: string[], input = ''): string {
  const result = spawnSync('kubectl', args, { input, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (result.status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr || String(result.error)}`);
  return result.stdout;
}

const podsIn = (namespace: string): Pod[] =>
  (JSON.parse(kubectl(['get', 'pods', '-n', namespace, '-o', 'json'])) as { items: Pod[] }).items;

/** RFC 3339 as the API server writes it: whole seconds, unless `milliseconds` are asked for. */
function timeAgo(now: number, seconds: number, milliseconds = false): string {
  const time = new Date(now - seconds * 1000).toISOString();
  return milliseconds ? time : time.replace(/\.\d+Z$/, 'Z');
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A simulated pod's address: stable for its UID, inside the pods' network. */
function podAddress(uid: string): string {
  const [third = 0, fourth = 0] = createHash('sha256').update(uid).digest();
  return `10.244.${third % 3}.${(fourth % 250) + 2}`;
}

function fill(value: Json, pod: Pod, now: number): Json {
  if (Array.isArray(value)) return value.map((item) => fill(item, pod, now));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, pod, now)]));
  if (typeof value !== 'string') return value;
  const ago = /^ago (\d+)s$/.exec(value);
  if (ago) return timeAgo(now, Number(ago[1]));
  const known: Record<string, string | undefined> = {
    pod: pod.metadata.name,
    namespace: pod.metadata.namespace,
    uid: pod.metadata.uid,
    image: pod.spec.containers[0]?.image,
    podIP: pod.status.podIP ?? podAddress(pod.metadata.uid),
    node: pod.spec.nodeName,
  };
  return value
    .replace(/<(pod|namespace|uid|image|podIP|node)>/g, (whole, name: string) => known[name] ?? whole)
    .replace(/<sha256 ([^>]+)>/g, (_, text: string) => sha256(text));
}

function patchStatus(pod: Pod, status: Json): void {
  const { name, namespace } = pod.metadata;
  const patch = JSON.stringify({ status });
  kubectl(['patch', 'pod', name, '-n', namespace, '--subresource=status', '--type=strategic', '-p', patch]);
}

function runningStatus(pod: Pod, now: number): Json {
  const time = timeAgo(now, 0);
  const address = podAddress(pod.metadata.uid);
  const conditions = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady'];
  return {
    phase: 'Running',
    startTime: time,
    podIP: address,
    podIPs: [{ ip: address }],
    conditions: conditions.map((type) => ({ type, status: 'True', lastTransitionTime: time })),
    containerStatuses: pod.spec.containers.map((container) => ({
      name: container.name,
      image: container.image,
      imageID: `${container.image.replace(/:[^:/]*$/, '')}@sha256:${sha256(container.image)}`,
      containerID: `containerd://${sha256(`${pod.metadata.uid} 0`)}`,
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: time } },
    })),
  };
}

function createEvent(pod: Pod, event: StoryEvent): void {
  const { name, namespace, uid, resourceVersion } = pod.metadata;
  const document = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${sha256(`${uid} ${event.reason} ${event.message}`).slice(0, 16)}`, namespace },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'Pod',
      name,
      namespace,
      uid,
      resourceVersion,
      ...(event.container === undefined ? {} : { fieldPath: `spec.containers{${event.container}}` }),
    },
    type: event.type,
    reason: event.reason,
    message: event.message,
    count: event.count,
    firstTimestamp: event.first,
    lastTimestamp: event.last,
    source: { component: 'kubelet', host: pod.spec.nodeName ?? '' },
    reportingComponent: 'kubelet',
    reportingInstance: pod.spec.nodeName ?? '',
  };
  kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], JSON.stringify(document));
}

/** A file of the container runtime's log format from a template; a missing template gives a path that does not exist. */
function writeLog(template: string | undefined, target: string, folder: string, now: number): string {
  if (template === undefined) return `${target}.absent`;
  const lines = readFileSync(join(folder, template), 'utf8').trimEnd().split('\n');
  const text = lines.map((line) => {
    const [, age = '0', rest = ''] = /^(\d+(?:\.\d+)?) ?(.*)$/.exec(line) ?? [];
    const time = timeAgo(now, Number(age), true);
    return `${time.replace('Z', '000000Z')} stdout F ${rest.replaceAll('<time>', time).replaceAll('<esc>', '\u001b')}\n`;
  });
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text.join(''));
  return target;
}

function setLogs(pod: Pod, logs: NonNullable<PodStory['logs']>, folder: string, work: string, now: number): void {
  const { name, namespace } = pod.metadata;
  const entries = logs.map(({ container, current, previous }) => {
    const base = join(work, `${namespace}_${name}_${container}`);
    return {
      containers: [container],
      logsFile: writeLog(current, `${base}.log`, folder, now),
      previousLogsFile: writeLog(previous, `${base}.previous.log`, folder, now),
    };
  });
  const document = {
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'Logs',
    metadata: { name, namespace },
    spec: { logs: entries },
  };
  kubectl(['apply', '-f', '-'], JSON.stringify(document));
}

const readStory = (file: string): Story => parse(readFileSync(file, 'utf8')) as Story;

/** Kubelets report their conditions again every few minutes: the freshest time in a dump of a quiet cluster. */
function beatHearts(now: number): void {
  const { items } = JSON.parse(kubectl(['get', 'nodes', '-o', 'json'])) as {
    items: { metadata: { name: string }; status: { conditions?: { type: string }[] } }[];
  };
  for (const { metadata, status } of items) {
    const conditions = (status.conditions ?? []).map(({ type }) => ({ type, lastHeartbeatTime: timeAgo(now, 1) }));
    const patch = JSON.stringify({ status: { conditions } });
    kubectl(['patch', 'node', metadata.name, '--subresource=status', '--type=strategic', '-p', patch]);
  }
}

function play(file: string): void {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const folder = dirname(resolve(file));
  const work = resolve(process.env['STORY_WORK'] ?? join(process.env['TMPDIR'] ?? '/tmp', 'stories'), 'logs');
  beatHearts(now);
  for (const story of readStory(file).pods) {
    const pods = podsIn(story.namespace).filter((pod) =>
      pod.spec.containers.some(({ image }) => image === story.image),
    );
    const pod = pods.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))[story.index];
    if (pod === undefined)
      throw new Error(`${file}: no pod ${story.index} with image ${story.image} in ${story.namespace}`);
    if (story.status !== undefined) patchStatus(pod, fill(story.status, pod, now));
    for (const event of story.events ?? [])
      createEvent(pod, fill(event as unknown as Json, pod, now) as unknown as StoryEvent);
    if (story.logs !== undefined) setLogs(pod, story.logs, folder, work, now);
  }
}

function ready(file: string): void {
  const { namespaces, starts } = readStory(file);
  for (const pod of namespaces.flatMap(podsIn)) {
    const startable = pod.spec.nodeName !== undefined && pod.status.containerStatuses === undefined;
    if (startable && pod.spec.containers.every(({ image }) => starts.includes(image)))
      patchStatus(pod, runningStatus(pod, Date.now()));
  }
}

const [command, argument] = process.argv.slice(2);
if (command === 'ready' && argument !== undefined) ready(argument);
else if (command === 'play' && argument !== undefined) play(argument);
else {
  process.stderr.write('usage: kubelet.ts ready|play STORY.yaml\n');
  process.exitCode = 2;
}
