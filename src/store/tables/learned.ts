import type { JudgedReport, VerdictWord } from '../../core/verdict.ts';
import type { DataKind } from '../../core/namespace-data.ts';
import type { ModelCheckRecord } from '../../core/model-check.ts';
import { flag, json, number, table, text, time } from './table.ts';

export const runVerdicts = table('run_verdicts', ['workflow_id', 'sequence'], {
  workflow_id: text().as('runId'),
  sequence: number(),
  verdict: text<VerdictWord>(),
  cause: text().nullable(),
  note: text().nullable(),
  said_by: text().as('by').nullable(),
  judged: json<JudgedReport>(),
  namespace: text(),
  alert_name: text().nullable(),
  fingerprint: text().nullable(),
  object_namespace: text().nullable(),
  at: time(),
});

export const modelChecks = table('model_checks', ['hash'], {
  hash: text(),
  model: text(),
  endpoint: text().nullable(),
  result: text<ModelCheckRecord['result']>(),
  message: text(),
  checks: json<ModelCheckRecord['checks']>(),
  at: time(),
});

export const namespaceData = table('namespace_data', ['server', 'namespace', 'kind'], {
  server: text(),
  namespace: text(),
  kind: text<DataKind>(),
  found: flag(),
  at: time(),
});
