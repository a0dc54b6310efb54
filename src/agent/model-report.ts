import { z } from 'zod';
import { objectOf } from '../core/json.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';

// What a model has to answer in the end. Bounds of numbers and lists are in the schema, because servers that sample by a grammar
// keep those; lengths are cut, not refused: a long sentence is no wrong answer.

const citation = z.strictObject({
  id: z.string().max(20).describe('Id of evidence of this conversation: e7.'),
  quote: z.string().max(2000).describe('The few words of that evidence that show it, copied exactly.'),
});

const citations = z.array(citation).max(6);

const statement = z.string().max(4000);

export const answerSchema = z.strictObject({
  summary: statement.describe('The answer in one or two sentences.'),
  cause: z
    .strictObject({
      statement: statement.describe('What is at fault and why, in one or two sentences.'),
      object: z
        .string()
        .max(400)
        .describe('The one object at fault: pod/NAMESPACE/NAME, node/NAME, deployment/NAMESPACE/NAME.'),
      since: z.string().max(40).nullable().describe('Since when, RFC 3339, where the evidence says; else null.'),
      confidence_percent: z.int().min(0).max(100).describe('How sure you are, 0 to 100.'),
      evidence: citations.describe('What shows it.'),
    })
    .nullable()
    .describe('null where the evidence does not show the cause. That is a good answer; a guess is not.'),
  findings: z
    .array(
      z.strictObject({
        statement: statement.describe('One thing that the evidence shows.'),
        object: z.string().max(400).describe('What it is about: pod/NAMESPACE/NAME.'),
        severity: z.enum(['critical', 'high', 'medium', 'low', 'info']),
        evidence: citations.describe('What shows it.'),
      }),
    )
    .max(8),
  hypotheses: z
    .array(
      z.strictObject({
        statement: statement.describe('What could be the cause.'),
        verdict: z.enum(['supported', 'refuted', 'open']),
        evidence_for: z.array(z.string().max(20)).max(6).describe('Ids of evidence.'),
        evidence_against: z.array(z.string().max(20)).max(6).describe('Ids of evidence.'),
      }),
    )
    .max(6),
  next: z.array(statement.describe('What a person should look at next, a command where there is one.')).max(5),
});

/** What a model said in the end, of its form; nothing of it is known to be true. */
export type ModelReport = z.output<typeof answerSchema>;

/** In a short answer: of a text, and of a list. */
const shortText = 160;
const shortList = 1;

/** They never change, and each conversation asks for one several times. */
const schemas: { whole?: JsonObject; short?: JsonObject } = {};

/** The JSON Schema for the request. A short one is for models that otherwise write on until they are cut. */
export function answerJsonSchema(isShort = false): JsonObject {
  const whole = (schemas.whole ??= z.toJSONSchema(answerSchema, { target: 'draft-7' }) as unknown as JsonObject);
  return isShort ? (schemas.short ??= objectOf(shortened(whole))) : whole;
}

function shortened(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(shortened);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (name === 'maxLength') return [name, Math.min(Number(member), shortText)];
      return [name, name === 'maxItems' ? Math.min(Number(member), shortList) : shortened(member)];
    }),
  );
}

/** @returns the answer, or in words for the model what is wrong with it */
export function parseAnswer(text: string): { readonly report: ModelReport } | { readonly problem: string } {
  const json = unfenced(text);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { problem: text.trim() === '' ? 'the answer is empty' : 'the answer is not JSON' };
  }
  const parsed = answerSchema.safeParse(value);
  if (parsed.success) return { report: parsed.data };
  const issues = parsed.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join('.') || 'answer'}: ${message}`);
  return { problem: issues.join('; ') };
}

/** Without a Markdown fence, and without what stands before the first brace or behind the last. */
function unfenced(text: string): string {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  return start < 0 || end < start ? text : text.slice(start, end + 1);
}
