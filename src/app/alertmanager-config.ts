import { isMap, isSeq, parseDocument } from 'yaml';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { parseDuration } from '../lib/duration.ts';

/** The name of the receiver that is added. */
export const receiverName = 'fist';
/** Alerts that say that alerting works, or that others are muted: nothing to investigate. */
const notInvestigated = 'alertname!~"Watchdog|InfoInhibitor"';
const leavesOutOnly = /^\s*alertname\s*!(?:=|~)\s*"?(?:Watchdog|InfoInhibitor)(?:\|(?:Watchdog|InfoInhibitor))*"?\s*$/;
/** What Alertmanager prints in place of a secret; newer versions take the URL of a webhook for one. */
const masked = '<secret>';
/** A Source closes an alert that it has not heard of for so long (`expireAfter`). */
const expiryMs = 24 * 3_600_000;

const route = z.looseObject({
  receiver: z.string().optional(),
  continue: z.boolean().optional(),
  repeat_interval: z.string().optional(),
  matchers: z.array(z.unknown()).optional(),
  match: z.record(z.string(), z.unknown()).optional(),
  match_re: z.record(z.string(), z.unknown()).optional(),
  get routes() {
    return z.array(route).optional();
  },
});

const webhook = z.looseObject({ url: z.string().optional(), send_resolved: z.boolean().optional() });
const configuration = z.looseObject({
  route,
  receivers: z.array(z.looseObject({ name: z.string(), webhook_configs: z.array(webhook).optional() })),
});

type Configuration = z.infer<typeof configuration>;
type Route = z.infer<typeof route>;

/** Where alerts are to be sent, and with which token. */
export interface Destination {
  /** Of the Source's webhook. */
  readonly url: string;
  /** As Alertmanager sees it. */
  readonly credentialsFile: string;
}

/** What an Alertmanager's configuration does, and what it lacks, to send its alerts to a Source. */
export interface Connection {
  /** The receiver that sends there; null = none does. */
  readonly receiver: string | null;
  /** The address of the receiver's webhook is masked, so the receiver was known by its name only. */
  readonly isByName: boolean;
  /** Whether a route leads to it. */
  readonly isRouted: boolean;
  /** What works otherwise than it should, with what to do. */
  readonly warnings: readonly string[];
  /** What has to be added; empty where it is connected. */
  readonly additions: Additions;
}

/** Parts of a configuration, as Alertmanager reads them. */
export interface Additions {
  readonly receivers: readonly object[];
  /** Before the routes that are there. */
  readonly firstRoutes: readonly object[];
  /** Behind them: an alert that a child route takes is not told to the receiver at the top any more. */
  readonly lastRoutes: readonly object[];
}

/** Reads a configuration, whole or as `/api/v2/status` shows it. Throws InvalidInput where it is none. */
export function readConfiguration(text: string, what: string): Configuration {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new AppError('InvalidInput', `${what} is not YAML: ${error.message}`);
  const read = configuration.safeParse(document.toJS());
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new AppError(
    'InvalidInput',
    `${what} is not a configuration of Alertmanager: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
  );
}

/** What a configuration does and lacks. Pure. */
export function planConnection(read: Configuration, destination: Destination): Connection {
  const receiver = read.receivers.find(({ webhook_configs }) =>
    webhook_configs?.some(({ url }) => url !== undefined && isSame(url, destination.url)),
  );
  const byName = read.receivers.find(
    ({ name, webhook_configs }) => name === receiverName && webhook_configs?.some(({ url }) => url === masked),
  );
  const found = receiver ?? byName ?? null;
  if (found === null && read.receivers.some(({ name }) => name === receiverName))
    throw new AppError(
      'InvalidInput',
      `there is a receiver ${receiverName} that sends elsewhere than ${destination.url}`,
      {
        next: '--webhook URL names where it should send to, or rename that receiver',
      },
    );
  const name = found?.name ?? receiverName;
  const paths = found === null ? [] : pathsTo(read.route, name);
  const isRouted = paths.length > 0;
  return {
    receiver: found?.name ?? null,
    isByName: receiver === undefined && found !== null,
    isRouted,
    warnings: isRouted ? warningsOf(read, name, destination.url, paths) : [],
    additions: {
      receivers: found === null ? [receiverFor(destination)] : [],
      firstRoutes: isRouted ? [] : [firstRoute(name, read.route)],
      lastRoutes: isRouted || read.route.routes?.some(takesEverything) ? [] : [{ receiver: read.route.receiver }],
    },
  };
}

/** The text of a configuration with what it lacks; comments and order stay. */
export function addTo(text: string, { receivers, firstRoutes, lastRoutes }: Additions): string {
  const document = parseDocument(text);
  const list = (path: readonly string[]) => {
    const there = document.getIn(path);
    if (isSeq(there)) return there;
    const made = document.createNode([]);
    document.setIn(path, made);
    return made;
  };
  const node = (value: object) => {
    const made = document.createNode(value);
    if (isMap(made)) made.flow = false;
    return made;
  };
  if (receivers.length > 0) list(['receivers']).items.push(...receivers.map(node));
  if (firstRoutes.length + lastRoutes.length > 0) {
    const routes = list(['route', 'routes']);
    routes.flow = false;
    routes.items.unshift(...firstRoutes.map(node));
    routes.items.push(...lastRoutes.map(node));
  }
  return document.toString({ lineWidth: 0 });
}

/** Addresses that lead to one Source: a slash at the end makes no difference. */
function isSame(left: string, right: string): boolean {
  const plain = (text: string) => (URL.parse(text)?.href ?? text).replace(/\/+$/, '');
  return plain(left) === plain(right);
}

function receiverFor({ url, credentialsFile }: Destination): object {
  const authorization = { credentials_file: credentialsFile };
  return {
    name: receiverName,
    webhook_configs: [{ url, send_resolved: true, http_config: { authorization } }],
  };
}

function firstRoute(receiver: string, root: Route): object {
  return {
    receiver,
    continue: true,
    matchers: [notInvestigated],
    group_wait: '0s',
    ...(repeatsInTime(root.repeat_interval) ? {} : { repeat_interval: '4h' }),
  };
}

/** Absent is Alertmanager's own default, 4h. */
function repeatsInTime(interval: string | undefined): boolean {
  return interval === undefined || parseDuration(interval) < expiryMs;
}

/** From the top to a route whose receiver it is: how alerts can come there. */
type RoutePath = readonly Route[];

/**
 * A receiver is told where no child takes the alert; children are asked in order, until one that takes it does not
 * continue. A child without a receiver has that of its parent.
 */
function pathsTo(route: Route, name: string, inherited?: string): readonly RoutePath[] {
  const { receiver = inherited, routes = [] } = route;
  const last = routes.findIndex((child) => takesEverything(child) && child.continue !== true);
  const asked = last === -1 ? routes : routes.slice(0, last + 1);
  const below = asked.flatMap((child) => pathsTo(child, name, receiver));
  const isOwn = receiver === name && !routes.some(takesEverything);
  return [...below, ...(isOwn ? [[]] : [])].map((path) => [route, ...path]);
}

/** Matchers that keep alerts from it that should be investigated. */
function narrowing(path: RoutePath): readonly string[] {
  return path
    .flatMap(({ matchers = [], match = {}, match_re = {} }) => [
      ...matchers.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))),
      ...Object.entries(match).map(([label, value]) => `${label}=${JSON.stringify(value)}`),
      ...Object.entries(match_re).map(([label, value]) => `${label}=~${JSON.stringify(value)}`),
    ])
    .filter((matcher) => !leavesOutOnly.test(matcher));
}

function takesEverything({ matchers = [], match = {}, match_re = {} }: Route): boolean {
  return matchers.length === 0 && Object.keys(match).length === 0 && Object.keys(match_re).length === 0;
}

function warningsOf(read: Configuration, name: string, url: string, paths: readonly RoutePath[]): readonly string[] {
  const { webhook_configs: hooks = [] } = read.receivers.find((receiver) => receiver.name === name) ?? {};
  const hook = hooks.find((one) => isSame(one.url ?? '', url)) ?? hooks.find((one) => one.url === masked);
  const others = (read.route.routes ?? []).filter((child) => paths.every((path) => path[1] !== child));
  const [path = []] = paths;
  const first = path[1];
  const interval = path.findLast(({ repeat_interval }) => repeat_interval !== undefined)?.repeat_interval;
  const narrow = paths.map(narrowing);
  const takesFromTop = first !== undefined && !others.some(takesEverything) && read.route.receiver !== name;
  return [
    ...(hook?.send_resolved === false
      ? [`send_resolved of receiver ${name} is false: alerts stay open here for 24 hours; set it to true`]
      : []),
    ...(narrow.every((matchers) => matchers.length > 0)
      ? [
          `only alerts with ${narrow.map((matchers) => matchers.join(', ')).join(' or with ')} come to receiver ${name}, by the matchers of its route; take them away where more should`,
        ]
      : []),
    ...(repeatsInTime(interval)
      ? []
      : ['repeat_interval is 24 hours or more: alerts that still fire are closed and opened again; set it to 4h']),
    ...(takesFromTop
      ? [
          `receiver ${read.route.receiver ?? ''} at the top is not told of what the route to ${name} takes and no other route does; add {receiver: ${read.route.receiver ?? ''}} as the last route`,
        ]
      : []),
  ];
}
