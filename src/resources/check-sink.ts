import type { JsonObject } from '../core/json.ts';
import type { SinkBackend } from '../sinks/define.ts';
import { findSink } from '../sinks/index.ts';
import { templatedTexts } from '../sinks/templated.ts';
import { checked, unusedFields } from './checked.ts';
import type { Checked } from './checked.ts';
import { shapeOf } from './merge.ts';
import { sinkSpec } from './sink.ts';
import type { SinkSpec } from './sink.ts';
import { specIssues } from './spec-issues.ts';
import { textIssues } from './templates.ts';

export interface AcceptedSink {
  readonly spec: SinkSpec;
  readonly backend: SinkBackend;
  readonly config: JsonObject;
}

const base = ['spec', 'config'];

/** Checks `spec` of a Sink by itself: fields, what its type asks for, and its templates. */
export function checkSink(value: unknown): Checked<AcceptedSink> {
  const parsed = sinkSpec.safeParse(value);
  if (!parsed.success) return checked<AcceptedSink>(null, specIssues(sinkSpec, value, ['spec']));
  const spec = parsed.data;
  const backend = findSink(spec.type);
  if (backend === undefined) return checked<AcceptedSink>(null, []);
  const unused = unusedFields(spec.config, Object.keys(shapeOf(backend.config)), base, `Sinks of type ${spec.type}`);
  const config = backend.config.safeParse(spec.config);
  if (!config.success)
    return checked<AcceptedSink>(null, [...specIssues(backend.config, spec.config, base), ...unused]);
  const texts = templatedTexts(backend.config, config.data as JsonObject);
  const issues = [
    ...(spec.condition === undefined ? [] : textIssues(spec.condition, 'condition', ['spec', 'condition'], 'Sink')),
    ...texts.flatMap(({ path, text, kind }) => textIssues(text, kind, [...base, ...path], 'Sink')),
    ...unused,
  ];
  return checked({ spec, backend, config: config.data as JsonObject }, issues);
}
