import { placeOf, referenceTo } from '../core/access.ts';
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
import { parseDuration } from '../lib/duration.ts';
import { canonicalSha256 } from '../lib/hash.ts';
import { finish } from '../lib/turns.ts';
import type { Pieces } from '../lib/turns.ts';
import { webhookAddress } from '../lib/webhook-path.ts';
import { agentConditions } from './agent-conditions.ts';
import type { AgentOptions } from './agent-conditions.ts';
import { authenticationConditions } from './authentication-conditions.ts';
import type { AuthenticationOptions } from './authentication-conditions.ts';
import { checkSink } from './check-sink.ts';
import type { AcceptedSink } from './check-sink.ts';
import { checkSource } from './check-source.ts';
import type { AcceptedSource } from './check-source.ts';
import type { Checked } from './checked.ts';
import { accessConditions } from './cluster-access.ts';
import { commandConditions } from './command-conditions.ts';
import { compileWorkflow } from './compile.ts';
import { conditions, reasonOf } from './conditions.ts';
import { grantedBy } from './grants.ts';
import { objectTitle } from './object.ts';
import type { ResourceKind, ResourceObject } from './object.ts';
import { policiesOf } from './policies.ts';
import { sinkConditions, workflowConditions } from './reference-conditions.ts';
import type { SinkSpec } from './sink.ts';
import { claimPaths, reservedClaim } from './webhook-paths.ts';
import type { ClaimedPaths, PathClaim, ServedAt } from './webhook-paths.ts';

export interface CatalogOptions extends AgentOptions, AuthenticationOptions {
  /** Counts reloads, from 1. */
  readonly generation: number;
  /** The addresses at which a Source is served already, as its status says; absent: nobody knows. */
  readonly servedAt?: ServedAt | undefined;
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
  const ofKind = (wanted: ResourceKind) => sorted.filter(({ kind }) => kind === wanted);
  const sinks = yield* inPieces(ofKind('Sink'), buildSink);
  const find = finder(sinks);
  const workflows = yield* inPieces(ofKind('Workflow'), (object) => buildWorkflow(object, options, find));
  const findWorkflow = finder(workflows);
  const servedAt = options.servedAt ?? (() => []);
  const declared = yield* inPieces(ofKind('Source'), (object) => declareSource(object, servedAt));
  const claimed = claimPaths(declared, servedAt);
  const byAddress = new Map<string, CatalogSource>();
  const sources = yield* inPieces(declared, (each) => {
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

function* inPieces<From, To>(all: readonly From[], make: (one: From) => To): Pieces<readonly To[]> {
  const made: To[] = [];
  for (const one of all) {
    yield;
    made.push(make(one));
  }
  return made;
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
  const more =
    plan === null
      ? []
      : [
          ...sinkConditions({ sink: findSink }, namespace, plan.sinks),
          ...accessConditions(plan, options.accounts),
          ...agentConditions(plan, options),
          ...commandConditions(plan, options.runsCommands),
        ];
  return {
    ...head(object, issues, more),
    accessFrom: grantedBy(object.spec),
    plan,
    planHash: plan === null ? null : canonicalSha256(plan),
  };
}

interface DeclaredSource extends PathClaim {
  readonly checked: Checked<AcceptedSource>;
}

function declareSource(object: ResourceObject, servedAt: ServedAt): DeclaredSource {
  const checked = checkSource(object.spec);
  if (checked.accepted === null) return { ...reservedClaim(object, servedAt), checked };
  const { path, subpaths } = checked.accepted.compiled;
  return { object, checked, path, subpaths };
}

function buildSource(
  { object, checked }: DeclaredSource,
  options: CatalogOptions,
  findWorkflow: Find<CatalogWorkflow>,
  claimed: ClaimedPaths,
): CatalogSource {
  const { accepted, issues } = checked;
  const addresses = claimed.paths.map(webhookAddress);
  if (accepted === null) return { ...head(object, issues, claimed.conditions), ...unusable, addresses };
  const { spec, config, compiled } = accepted;
  const isServed = claimed.paths.length > 0;
  const more = [
    ...(isServed ? [] : claimed.conditions),
    ...authenticationConditions(object, accepted, options),
    ...workflowConditions({ workflow: findWorkflow }, object.namespace, spec.triggerWorkflow),
    ...(isServed ? claimed.conditions : []),
  ];
  return {
    ...head(object, issues, more),
    config,
    ...compiled,
    path: isServed ? compiled.path : null,
    addresses,
    triggerWorkflow: referenceTo(placeOf(spec.triggerWorkflow, object.namespace), object.namespace),
    context: spec.context,
    mutes: accepted.mutes,
    ...policiesOf(spec),
    leaving: object.leavesAt !== undefined,
  };
}

/** A Source that does not fit its schema takes nothing, also where it keeps its addresses. */
const unusable = {
  config: {},
  path: null,
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
