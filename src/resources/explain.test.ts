import { describe, expect, test } from 'vitest';
import { AppError } from '../core/errors.ts';
import { explainField } from './explain.ts';
import { fieldTree } from './field-tree.ts';
import type { FieldInfo } from './field-tree.ts';

function failure(field: string): AppError {
  try {
    explainField(field, 100);
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  throw new Error(`${field} was explained`);
}

describe('explainField', () => {
  test('a field with its type, default and the types that use it', () => {
    const text = explainField('workflow.spec.steps.goal', 100);
    expect(text).toContain('FIELD:    spec.steps[].goal <string>');
    expect(text).toContain('TYPES:    agent (required)');
    expect(explainField('Workflows.spec.steps[0].interrupted', 100)).toContain(
      'VALUES:   repeat, fail\nDEFAULT:  "repeat"',
    );
    expect(explainField('workflow.spec.steps.maxIterations', 100)).toContain('DEFAULT:  20');
    expect(explainField('source.spec.triggerWorkflow', 100)).toContain('REQUIRED: yes');
  });

  test('an object with its fields', () => {
    const text = explainField('sink.spec', 100);
    expect(text).toContain('KIND:     Sink\nVERSION:  punchingfist.io/v1alpha1\nFIELD:    spec <object>');
    expect(text).toMatch(/ {2}type <string> -required-\n {4}\S/);
    expect(explainField('workflow.spec.steps.then.then.name', 100)).toContain('spec.steps[].then.then.name');
    expect(explainField('workflow', 100)).toContain('  spec <object> -required-');
  });

  test('a field that is not there names those that are', () => {
    expect(failure('workflow.spec.steps.gaol')).toMatchObject({
      code: 'InvalidInput',
      message: 'workflow.spec.steps has no field gaol',
      next: 'fist explain workflow.spec.steps.goal',
    });
    expect(failure('pod.spec').message).toBe('there is no kind pod');
    expect(failure('').next).toContain('fist explain workflow.spec.steps');
  });

  test('every field is described', () => {
    const missing: string[] = [];
    const visit = (kind: string, field: FieldInfo): void => {
      if (field.path !== '' && field.description === '') missing.push(`${kind}.${field.path}`);
      for (const child of field.fields) visit(kind, child);
    };
    for (const kind of ['Source', 'Workflow', 'Sink'] as const) visit(kind, fieldTree(kind));
    expect(missing).toEqual([]);
  });
});
