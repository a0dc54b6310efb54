import { z } from 'zod';
import { rule } from '../lib/rule.ts';
import type { DeclaredCheck } from '../lib/rule.ts';
import { duration } from '../lib/schema.ts';
import { stepDefinitions } from '../workflows/steps/index.ts';
import { condition } from './fields.ts';
import { mergeFields, optionalShape } from './merge.ts';

/** Fields that steps have beside the common ones, from the step types. */
export const stepFields = mergeFields(stepDefinitions);

/** Fields that hold a whole step, from the step types: `then`, `else`, `agent`. */
export const branchFields = [...new Set(stepDefinitions.flatMap(({ branches }) => branches.map(({ field }) => field)))];

/** Conditions within conditions: so deep and no deeper, because a CRD cannot be recursive. */
const branchDepth = 3;

export const stepName = z
  .string()
  .max(63)
  .regex(/^[A-Za-z0-9]([-_A-Za-z0-9]*[A-Za-z0-9])?$/, 'must be letters, digits, - and _')
  .meta({ description: 'Name of the step; templates see it as .steps.<name>.' });

const types = stepDefinitions.map(({ type }) => type);

const commonFields = {
  when: condition.optional().meta({ description: 'A condition; false skips the step.' }),
  timeout: duration.optional().meta({ description: 'Of one attempt. Default: what the type says.' }),
  timeoutMinutes: z.int().min(1).max(10_080).optional().meta({ description: 'The same in minutes.' }),
  retry: z
    .strictObject({
      limit: z
        .int()
        .min(0)
        .max(100)
        .default(0)
        .meta({ description: 'Further attempts after a failure that may pass.' }),
      backoff: duration
        .default('10s')
        .meta({ description: 'Before the second attempt; doubles each time, with jitter.' }),
      maxBackoff: duration.default('5m').meta({ description: 'The longest wait.' }),
    })
    .optional()
    .meta({ description: 'What to do after a failure that may pass. Default: nothing.' }),
  continueOnError: z.boolean().default(false).meta({ description: 'True: a failure does not end the run.' }),
  interrupted: z
    .enum(['repeat', 'fail'])
    .default('repeat')
    .meta({ description: 'An attempt whose process died is repeated, or fails for good.' }),
};

/** Fields of every step, whatever its type. */
export const commonFieldNames: readonly string[] = ['name', 'type', ...Object.keys(commonFields)];

/** A step; as a branch it may be without a name, and without a type where the field says it. */
function stepSchema(depth: number, field: string | null): z.ZodObject {
  const typeField = z.enum(types).meta({ description: 'What the step does.' });
  const branches =
    depth === 0
      ? {}
      : Object.fromEntries(
          branchFields.map((branch) => [
            branch,
            stepSchema(depth - 1, branch)
              .optional()
              .meta({ description: branchDescription(branch) }),
          ]),
        );
  return z.strictObject({
    name: field === null ? stepName : stepName.optional(),
    type: field === null || defaultTypeOf(field) === null ? typeField : typeField.optional(),
    ...commonFields,
    ...optionalShape(stepFields),
    ...branches,
  });
}

/** An item of `spec.steps`. */
export const stepSpec = stepSchema(branchDepth, null);

/** The type of a step in a branch that does not say it; null = it must. */
export function defaultTypeOf(field: string): string | null {
  const uses = stepDefinitions.flatMap(({ branches }) => branches.filter((branch) => branch.field === field));
  return uses[0]?.defaultType ?? null;
}

/** What of a step the API server looks at too; `compileWorkflow` tells of it together with all else. */
export const stepRules: readonly DeclaredCheck<Timed>[] = [
  rule(
    '!has(self.timeout) || !has(self.timeoutMinutes)',
    'timeout and timeoutMinutes exclude each other',
    ({ timeout, timeoutMinutes }) => timeout === undefined || timeoutMinutes === undefined,
    ['timeoutMinutes'],
  ),
  rule(
    "!has(self.timeout) || self.timeout.matches('[1-9]')",
    'timeout must be longer than 0',
    ({ timeout }) => timeout === undefined || /[1-9]/.test(timeout),
    ['timeout'],
  ),
];

interface Timed {
  readonly timeout?: string;
  readonly timeoutMinutes?: number;
}

function branchDescription(field: string): string {
  const uses = stepDefinitions.flatMap(({ type, branches }) =>
    branches
      .filter((branch) => branch.field === field)
      .map(({ branch, defaultType }) => ({ type, branch, defaultType })),
  );
  const [use] = uses;
  const kind = use?.defaultType == null ? 'A step' : `A step of type ${use.defaultType}`;
  return `${kind} that runs where a ${uses.map(({ type }) => type).join(' or ')} step chooses its branch ${use?.branch ?? field}.`;
}
