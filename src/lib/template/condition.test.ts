import { expect, it } from 'vitest';
import { evaluateCondition, isTruthyText } from './condition.ts';
import { TemplateError } from './error.ts';

const data = {
  alert: { severity: 'critical', labels: { team: 'core', trick: 'a == a', equal: '==' } },
  steps: { 'investigate-alert': { result: { can_auto_resolve: true, confidence: 0.5, none: null } } },
  zero: 0,
};

it.each([
  ['{{ .steps.investigate-alert.result.can_auto_resolve }}', true],
  ['{{ .steps.investigate-alert.result.none }}', false],
  ['{{ .steps.absent.result.x }}', false],
  ['{{ .zero }}', false],
  ['', false],
  [' no ', false],
  ['False', false],
  ['yes', true],
  ['{{ gt .steps.investigate-alert.result.confidence 0.4 }}', true],
  ['{{ .alert.severity }} == critical', true],
  ['{{ .alert.severity }}==critical', true],
  ['  {{ .alert.severity }}  !=  critical  ', false],
  ['{{ .alert.severity }} == "critical"', true],
  ["'critical' == {{ .alert.severity }}", true],
  ['{{ .alert.severity }} == warning', false],
  ['{{ .alert.severity }} != warning', true],
  ['{{ .alert.absent }} == ', true],
  ['{{ .alert.severity }} == {{ .alert.labels.team }}', false],
  ['{{ if eq .alert.severity "critical" }}1{{ end }} == 1', true],
  ['{{ "a == b" }}', true],
  // A value never becomes an operator.
  ['{{ .alert.labels.trick }}', true],
  ['{{ .alert.labels.trick }} == a', false],
  ['{{ .alert.labels.equal }} == {{ .alert.labels.equal }}', true],
  // The earlier program's form.
  ['alert.severity == critical', true],
  ['alert.severity != critical', false],
  ['.alert.labels.team == "core"', true],
  ['steps.investigate-alert.result.can_auto_resolve == true', true],
  ['word == word', true],
])('%j is %s', (condition, expected) => {
  expect(evaluateCondition(condition, data)).toBe(expected);
});

it('throws where the template is wrong', () => {
  expect(() => evaluateCondition('{{ .x == 1 }}', data)).toThrow(TemplateError);
});

it('knows true texts', () => {
  expect(['1', 'true', 'x', 'null', '  ', 'NO', '0.0'].map(isTruthyText)).toEqual([
    true,
    true,
    true,
    true,
    false,
    false,
    true,
  ]);
});
