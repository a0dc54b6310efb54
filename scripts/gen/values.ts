import { z } from 'zod';
import { namespaceName, objectName } from '../../src/lib/schema.ts';

/** What Kubernetes takes as it is; the API server judges it. Helm takes out what somebody sets to null, which is to have nothing there. */
const anyObject = z.record(z.string(), z.unknown()).optional();
const anyList = z.array(z.record(z.string(), z.unknown())).optional();
const texts = z.record(z.string(), z.string()).optional();
const text = z.string().optional();
const address = z
  .string()
  .regex(/^(https?:\/\/.+)?$/)
  .optional();
const secretName = z.string().max(253).optional();
const flag = z.boolean();
/** As `fist operator --job-requests` takes them. */
const quantities = z
  .record(
    z.string().regex(/^[a-z0-9]([A-Za-z0-9./_-]*[A-Za-z0-9])?$/),
    z.union([z.string().regex(/^[0-9]+(\.[0-9]+)?([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$/), z.number().min(0)]),
  )
  .optional();
const namespaces = z.array(z.string().min(1).max(63));

/** What came after 0.1.0 is optional: `helm upgrade --reuse-values` takes the defaults of the version before, which has it not. */
const values = z.strictObject({
  nameOverride: text,
  fullnameOverride: text,
  global: z.strictObject({
    image: z.strictObject({
      repository: z.string().min(1),
      tag: text,
      digest: z
        .string()
        .regex(/^(sha256:[0-9a-f]{64})?$/)
        .optional(),
      pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
    }),
    imagePullSecrets: anyList,
  }),
  operator: z.strictObject({
    replicaCount: z.int().min(0).max(100),
    namespaces,
    logLevel: z.enum(['debug', 'info', 'warn', 'error']),
    extraArgs: z.array(z.string()),
    extraEnv: anyList,
    resources: anyObject,
    nodeSelector: texts,
    tolerations: anyList,
    affinity: anyObject,
    topologySpreadConstraints: anyList,
    priorityClassName: text,
    podAnnotations: texts,
    podLabels: texts,
    terminationGracePeriodSeconds: z.int().min(1).max(3700),
  }),
  server: z.strictObject({
    port: z.int().min(1).max(65_535),
    host: text,
    staticFilePath: text,
    publicUrl: address,
    existingTokenSecret: secretName,
    tlsSecret: secretName,
    service: z.strictObject({ type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']), annotations: texts }),
    ingress: z.strictObject({ enabled: flag, className: text, annotations: texts, host: text, tlsSecret: secretName }),
  }),
  agent: z.strictObject({
    provider: z.enum([
      '',
      'none',
      'anthropic',
      'claude',
      'openai',
      'openai-compatible',
      'local',
      'google',
      'bedrock',
      'azure',
    ]),
    model: text,
    endpoint: text,
    existingSecret: secretName,
    existingSecretKey: z.string().min(1),
    anthropicApiKey: text,
    openaiApiKey: text,
    maxTokens: z.int().min(1).max(1_000_000),
    dailyBudgetDollars: z.union([z.string().regex(/^(\d+(\.\d+)?)?$/), z.number().min(0)]).optional(),
    temperature: z.number().min(0).max(2).optional(),
  }),
  database: z.strictObject({
    type: z.enum(['sqlite', 'postgres']),
    sqlitePath: z.string().regex(/^\/data\//),
    url: z
      .string()
      .regex(/^(postgres(ql)?:\/\/.+)?$/)
      .optional(),
    existingSecret: secretName,
    existingSecretKey: z.string().min(1),
  }),
  persistence: z.strictObject({
    enabled: flag,
    size: z.string().regex(/^[0-9.]+([KMGTPE]i?)?$/),
    storageClass: text,
    accessMode: z.enum(['ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteMany']),
    existingClaim: text,
  }),
  read: z.strictObject({
    cluster: flag,
    configMaps: flag,
    fromNamespaces: namespaces,
    accounts: z.array(z.strictObject({ namespace: namespaceName, name: objectName })).optional(),
    extraRules: anyList,
  }),
  commands: z.strictObject({
    enabled: flag,
    resources: z.strictObject({ requests: quantities, limits: quantities }).optional(),
    imagePullSecrets: z.array(z.strictObject({ name: z.string().min(1).max(253) })).optional(),
  }),
  secrets: z.strictObject({ namespaces, names: z.array(z.string().min(1).max(253)) }),
  prometheus: z.strictObject({
    url: address,
    enabled: flag,
    serviceMonitor: z.strictObject({ enabled: flag, interval: z.string().regex(/^\d+(ms|s|m|h)$/), labels: texts }),
    rules: z.strictObject({ enabled: flag, labels: texts, runbookUrl: address }),
    dashboard: z.strictObject({ enabled: flag, labels: texts }),
    alertmanager: z.strictObject({
      enabled: flag,
      authentication: z.enum(['kubernetes', 'bearer']),
      secretRef: secretName,
      serviceAccount: z.strictObject({ name: z.string().min(1), namespace: z.string().min(1) }),
    }),
  }),
  loki: z.strictObject({
    url: address,
  }),
  crds: z.strictObject({ install: flag }),
  security: z.strictObject({
    serviceAccount: z.strictObject({ create: flag, name: text, annotations: texts }),
    rbac: z.strictObject({ create: flag, userRoles: flag, rules: anyList }),
  }),
  networkPolicy: z.strictObject({ enabled: flag, from: anyList, egress: anyList }),
  podDisruptionBudget: z.strictObject({ enabled: flag }),
  podSecurityContext: anyObject,
  containerSecurityContext: anyObject,
  testResources: z.strictObject({
    enabled: flag,
    namespace: text,
    prometheusRules: flag,
    pipeline: z.strictObject({
      enabled: flag,
      maxIterations: z.int().min(1).max(1000),
      timeoutMinutes: z.int().min(1).max(1440),
      enableSlack: flag,
      slackChannel: text,
      slackTokenSecret: secretName,
    }),
  }),
  'prometheus-stack': z.looseObject({ enabled: flag }),
  executionMode: z.enum(['kubernetes', 'local']),
});

/** The schema of the chart's values (JSON Schema, draft 7, as Helm reads it): an unknown field is an error, an absent one has its default. */
export function valuesSchema(): object {
  return z.toJSONSchema(values, { target: 'draft-7', io: 'input' });
}
