import { absence, grantNeeded, placeOf, referenceTo, sinkFor, workflowFor } from '../core/access.ts';
import type { ObjectPlace } from '../core/access.ts';
import type { AccountVerdicts } from '../core/account.ts';
import { defaultRetryForMs, defaultSameCauseForMs, defaultSinkLimits } from '../core/catalog.ts';
import type {
  Catalog,
  CatalogObject,
  CatalogSink,
  CatalogSource,
  CatalogWorkflow,
  Condition,
  SinkLimits,
} from '../core/catalog.ts';
import type { Secrets } from '../core/ports.ts';
import { parseDuration } from '../lib/duration.ts';
import { canonicalSha256 } from '../lib/hash.ts';
import { finish } from '../lib/turns.ts';
import type { Pieces } from '../lib/turns.ts';
import { accessConditions } from './access-conditions.ts';
import { webhookAddress } from '../lib/webhook-path.ts';
import { agentConditions } from './agent-conditions.ts';
import type { AgentOptions } from './agent-conditions.ts';
import { checkSink } from './check-sink.ts';
import type { AcceptedSink } from './check-sink.ts';
import { checkSource } from './check-source.ts';
import type { AcceptedSource } from './check-source.ts';
import type { Checked } from './checked.ts';
import { commandConditions } from './command-conditions.ts';
import { compileWorkflow } from './compile.ts';
import { conditions, reasonOf } from './conditions.ts';
import { grantedBy } from './grants.ts';
import { objectTitle } from './object.ts';
import type { ResourceObject } from './object.ts';
import { policiesOf } from './policies.ts';
import type { SinkSpec } from './sink.ts';
import { claimPaths } from './webhook-paths.ts';
import type { ClaimedPaths, PathClaim } from './webhook-paths.ts';

export interface CatalogOptions extends AgentOptions {
  /** Counts reloads, from 1. */
  readonly generation: number;
  /** The server listens on loopback only: Sources without authentication are fine. */
  readonly loopback: boolean;
  /** `--allow-insecure-sources`. */
  readonly allowInsecureSources: boolean;
  /** `--tls-client-ca`. */
  readonly asksForCertificates: boolean;
  /** The addresses at which a Source is served already, as its status says; absent: nobody knows. */
  readonly servedAt?: ((source: ResourceObject) => readonly string[]) | undefined;
  /** `--allow-exec`, `--allow-jobs`; absent: Workflows are not held against it. */
  readonly runsCommands?: boolean | undefined;
  /** Of ServiceAccounts that Workflows name; absent: Workflows are not held against it. */
  readonly accounts?: AccountVerdicts | undefined;
}

/** Compiles all resources of one moment. Never throws: what is wrong stands in the conditions. */
export function buildCatalog(objects: readonly ResourceObject[], options: CatalogOptions): Catalog {
  return finish(buildCatalogInPieces(objects, options));
}

/** As {@link buildCatalog}, object by object. */
export function* buildCatalogInPieces(objects: readonly ResourceObject[], options: CatalogOptions): Pieces<Catalog> {
  const sorted = [...objects].sort(byAge);
  const sinks = sorted.filter(({ kind }) => kind === 'Sink').map((object) => buildSink(object));
  const find = finder(sinks);
  const workflows: CatalogWorkflow[] = [];
  for (const object of sorted.filter(({ kind }) => kind === 'Workflow')) {
    yield;
    workflows.push(buildWorkflow(object, options, find));
  }
  const findWorkflow = finder(workflows);
  const declared = sorted.filter(({ kind }) => kind === 'Source').map(declareSource);
  const claimed = claimPaths(declared, options.servedAt ?? (() => []));
  const byAddress = new Map<string, CatalogSource>();
  const sources = declared.map((each) => {
    const source = buildSource(each, options, findWorkflow, claimed(each));
    for (const address of source.addresses) byAddress.set(address, source);
    return source;
  });
  return {
    generation: options.generation,
    sources: [...sources].sort(byName),
    workflows: [...workflows].sort(byName),
    sinks: [...sinks].sort(byName),
    sourceByPath: (path) => byAddress.get(webhookAddress(path)),
    source: finder(sources),
    workflow: findWorkflow,
    sink: find,
  };
}

type Find<T> = (namespace: string, name: string) => T | undefined;

function finder<T extends CatalogObject>(objects: readonly T[]): Find<T> {
  const index = new Map(objects.map((object) => [`${object.namespace}/${object.name}`, object]));
  return (namespace, name) => index.get(`${namespace}/${name}`);
}

/** What vanished last; older objects first; where the age is not known, by namespace and name. */
function byAge(left: ResourceObject, right: ResourceObject): number {
  const presence = Number(left.leavesAt !== undefined) - Number(right.leavesAt !== undefined);
  if (presence !== 0) return presence;
  const age = compare(left.createdAt ?? '', right.createdAt ?? '');
  return age === 0 ? byName(left, right) : age;
}

function byName(left: { namespace: string; name: string }, right: { namespace: string; name: string }): number {
  return compare(left.namespace, right.namespace) || compare(left.name, right.name);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function buildSink(object: ResourceObject): CatalogSink {
  const { accepted, issues } = checkSink(object.spec);
  return {
    ...head(object, issues, []),
    accessFrom: grantedBy(object.spec),
    config: accepted?.config ?? {},
    condition: accepted?.spec.condition ?? null,
    sendResolved: accepted?.spec.sendResolved ?? false,
    sendStarted: accepted?.spec.sendStarted ?? false,
    limits: limitsOf(accepted),
    retryForMs: retryForMs(accepted?.spec.delivery),
    sameCauseForMs: sameCauseForMs(accepted?.spec.delivery),
  };
}

function limitsOf(accepted: AcceptedSink | null): SinkLimits {
  const { maxConcurrent, ratePerMinute } = { ...defaultSinkLimits, ...accepted?.spec.delivery };
  return { maxConcurrent, ratePerMinute: ratePerMinute ?? accepted?.backend.ratePerMinute ?? null };
}

function retryForMs(delivery: SinkSpec['delivery']): number {
  return delivery === undefined ? defaultRetryForMs : parseDuration(delivery.retryFor);
}

function sameCauseForMs(delivery: SinkSpec['delivery']): number {
  return delivery === undefined ? defaultSameCauseForMs : parseDuration(delivery.sameCauseFor);
}

function buildWorkflow(object: ResourceObject, options: CatalogOptions, findSink: Find<CatalogSink>): CatalogWorkflow {
  const { namespace, name } = object;
  const { accepted: plan, issues } = compileWorkflow(namespace, name, object.spec);
  const more = sinkConditions(namespace, plan?.sinks ?? [], findSink);
  if (plan !== null) {
    more.push(...accessConditions(plan, options.accounts), ...agentConditions(plan, options));
    more.push(...commandConditions(plan, options.runsCommands));
  }
  return {
    ...head(object, issues, more),
    accessFrom: grantedBy(object.spec),
    plan,
    planHash: plan === null ? null : canonicalSha256(plan),
  };
}

/** Runs go on without them. */
function sinkConditions(namespace: string, sinks: readonly string[], findSink: Find<CatalogSink>): Condition[] {
  const missing = sinks.filter((sink) => sinkFor({ sink: findSink }, namespace, sink) === undefined);
  const places = missing.map((sink) => placeOf(sink, namespace));
  const here = places.filter((place) => place.namespace === namespace);
  const refused = places.filter((place) => place.namespace !== namespace);
  const unresolved = (reason: string, message: string): Condition => {
    return { type: 'SinksResolved', status: 'False', reason, message };
  };
  const names = here.map(({ name }) => `${namespace}/${name}`).join(', ');
  return [
    ...(here.length === 0
      ? []
      : [
          unresolved('SinkNotFound', `there is no Sink ${names}; deliveries to it are tried for a while and then fail`),
        ]),
    ...refused.map((place) =>
      unresolved('ReferenceNotGranted', `${refusalText('Sink', place, namespace)}; deliveries to it fail`),
    ),
  ];
}

/** That a reference to another namespace stands for nothing, and who can change that. */
function refusalText(kind: 'Workflow' | 'Sink', place: ObjectPlace, from: string): string {
  return `${absence(kind, place, from)}; ${grantNeeded(kind, place, from) ?? ''}`;
}

interface DeclaredSource extends PathClaim {
  readonly checked: Checked<AcceptedSource>;
}

function declareSource(object: ResourceObject): DeclaredSource {
  const checked = checkSource(object.spec);
  return { object, checked, path: checked.accepted?.compiled.path ?? null };
}

function buildSource(
  { object, checked }: DeclaredSource,
  options: CatalogOptions,
  findWorkflow: Find<CatalogWorkflow>,
  claimed: ClaimedPaths,
): CatalogSource {
  const { accepted, issues } = checked;
  if (accepted === null) return { ...head(object, issues, []), ...unusable };
  const { spec, config, compiled } = accepted;
  const isServed = claimed.paths.length > 0;
  const more = [
    ...(isServed ? [] : claimed.conditions),
    ...authenticationConditions(object, accepted, options),
    ...workflowConditions(object, spec.triggerWorkflow, findWorkflow),
    ...(isServed ? claimed.conditions : []),
  ];
  return {
    ...head(object, issues, more),
    config,
    ...compiled,
    path: isServed ? compiled.path : null,
    addresses: claimed.paths.map(webhookAddress),
    triggerWorkflow: referenceTo(placeOf(spec.triggerWorkflow, object.namespace), object.namespace),
    context: spec.context,
    mutes: accepted.mutes,
    ...policiesOf(spec),
    leaving: object.leavesAt !== undefined,
  };
}

/** A Source that does not fit its schema takes nothing. */
const unusable = {
  config: {},
  path: null,
  addresses: [],
  authentication: null,
  mediaTypes: [],
  subpaths: [],
  settings: null,
  accepts: () => ({ reason: 'InvalidSpec', message: 'the Source does not fit its schema' }),
  mutes: () => null,
  triggerWorkflow: '',
  context: {},
  expireAfterMs: 0,
  cooldownMs: 0,
  flapCapPerHour: 0,
  stormCapPerMinute: 0,
  rateLimit: null,
  grouping: null,
  suspend: true,
} as const;

/** Design 3.3: open Sources are for loopback, or for who said so. */
function authenticationConditions(
  object: ResourceObject,
  { compiled }: AcceptedSource,
  options: CatalogOptions,
): readonly Condition[] {
  // Without a path it is the API's, whose token is asked for.
  if (compiled.path === null && compiled.authentication === null) return [];
  const { authentication } = compiled;
  if (authentication !== null && !authentication.isOpen) {
    const listener = authentication.needsCertificate && !options.asksForCertificates ? [tlsRequired] : [];
    return [
      ...listener,
      ...authentication.secrets.flatMap((secret) => secretCondition(object, secret, options.secrets)),
    ];
  }
  if (options.loopback && authentication === null) return [];
  if (options.loopback || options.allowInsecureSources) {
    return [
      {
        type: 'Insecure',
        status: 'True',
        reason: 'NoAuthentication',
        message: options.loopback
          ? 'anybody on this machine can raise alerts (authentication: {type: none})'
          : 'anybody who reaches the server can raise alerts (--allow-insecure-sources)',
      },
    ];
  }
  const lines = `spec:\n  config:\n    authentication:\n      type: bearer\n      secretRef: ${object.name}-token`;
  const message = `the server can be reached from other machines and the Source has no authentication. Add:\n${lines}`;
  return [{ type: 'Ready', status: 'False', reason: 'AuthenticationRequired', message }];
}

const tlsRequired: Condition = {
  type: 'Ready',
  status: 'False',
  reason: 'TlsRequired',
  message:
    'the Source wants client certificates, and the server does not ask for any; start it with --tls-cert, --tls-key and --tls-client-ca',
};

/** Secrets may come later, so this does not make the Source not ready; requests are answered 503 until then. */
function secretCondition(
  object: ResourceObject,
  secret: { readonly name: string; readonly key: string },
  secrets: Secrets,
): readonly Condition[] {
  if (secrets.get(object.namespace, secret) !== null) return [];
  const missing =
    secrets.whyMissing?.(object.namespace, secret) ??
    `there is no Secret ${object.namespace}/${secret.name} with key ${secret.key}`;
  const message = `${missing}; requests are answered 503 until there is`;
  return [{ type: 'SecretsResolved', status: 'False', reason: 'SecretMissing', message }];
}

/** Alerts are stored all the same; their runs fail with WorkflowNotReady (design 3.2.18). */
function workflowConditions(
  { namespace: from }: ResourceObject,
  reference: string,
  find: Find<CatalogWorkflow>,
): readonly Condition[] {
  const place = placeOf(reference, from);
  const notReady = (reason: string, why: string): readonly Condition[] => {
    return [{ type: 'Ready', status: 'False', reason, message: `${why}; alerts are stored and their runs fail` }];
  };
  const workflow = workflowFor({ workflow: find }, from, reference);
  if (workflow === undefined)
    return place.namespace === from
      ? notReady('WorkflowNotFound', absence('Workflow', place, from))
      : notReady('ReferenceNotGranted', refusalText('Workflow', place, from));
  if (workflow.ready) return [];
  return notReady('WorkflowNotReady', `Workflow ${workflow.namespace}/${workflow.name} is not ready`);
}

function head(object: ResourceObject, issues: Checked<unknown>['issues'], more: readonly Condition[]): CatalogObject {
  const { namespace, name, origin } = object;
  const all = conditions(objectTitle(object), issues, more, object);
  return { namespace, name, origin, type: typeOf(object), ready: reasonOf(all) === null, conditions: all };
}

/** `spec.type` as it was declared; empty where there is none. */
function typeOf({ spec }: ResourceObject): string {
  const type = spec !== null && typeof spec === 'object' && 'type' in spec ? spec.type : '';
  return typeof type === 'string' ? type : '';
}
