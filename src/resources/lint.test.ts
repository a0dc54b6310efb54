import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lintPath, lintText } from './lint.ts';

const fixtures = join(import.meta.dirname, '../../test/fixtures/resources');

/** `line:column field: message` of each problem, errors marked with E, warnings with W. */
async function lint(file: string): Promise<string[]> {
  const problems = await lintPath(join(fixtures, file));
  return problems.map(({ line, column, severity, field, message, next }) => {
    const hint = next === undefined ? '' : ` -> ${next}`;
    return `${severity === 'error' ? 'E' : 'W'} ${line}:${column} ${field}: ${message}${hint}`.replaceAll(
      `${fixtures}/`,
      '',
    );
  });
}

describe('lint', () => {
  test('unknown fields, wrong types, missing fields, wrong groups and kinds', async () => {
    expect(await lint('broken/fields.yaml')).toEqual([
      'E 7:12 spec.runtime.image: spec.runtime.image must be a string, not a number (7)',
      'E 11:7 spec.steps[0].gaol: unknown field spec.steps[0].gaol -> did you mean goal?',
      'E 12:22 spec.steps[0].maxIterations: spec.steps[0].maxIterations must be a number, not a string (many)',
      'E 13:16 spec.steps[0].timeout: spec.steps[0].timeout must be a duration such as 30s, 5m, 1h30m or 1d, not 5 minutes',
      'E 15:13 spec.steps[1].type: spec.steps[1].type must be one of cli, agent, conditional, not clii -> did you mean cli?',
      'E 17:7 spec.steps[2].name: spec.steps[2].name is required',
      'E 17:40 spec.steps[2].env.PATH: spec.steps[2].env.PATH: must not be a name that shells or programs go by',
      'E 19:3 spec.sinkz: unknown field spec.sinkz -> did you mean sinks?',
      'E 28:17 spec.config.filters.severity: spec.config.filters.severity must be a list, not a string (critical)',
      'E 31:13 apiVersion: apiVersion must be punchingfist.io/v1alpha1, not punching-fist.io/v1 -> set apiVersion: punchingfist.io/v1alpha1',
      'E 37:7 kind: unknown kind Sinkk -> did you mean Sink?',
    ]);
  });

  test('references, duplicates, fields that exclude each other or are not used', async () => {
    expect(await lint('broken/references.yaml')).toEqual([
      'E 7:20 spec.triggerWorkflow: there is no Workflow default/triag -> did you mean triage?',
      'W 15:5 spec.config: no authentication: accepted on loopback only, or with --allow-insecure-sources -> add to config: authentication: {type: bearer, secretRef: two-token}',
      'E 15:11 spec.config.path: path alerts belongs to Source default/one (broken/references.yaml:1) -> choose another path',
      'E 22:35 spec.runtime.llmConfig.provider: llmConfig.provider "mock" is no model provider of this version (known: none, anthropic, openai, openai-compatible, google, bedrock, azure): agent steps report what the analyzers found, and fail -> none stands for the analyzers alone',
      'E 27:17 spec.steps[0].goal: step second has not run yet when this is rendered -> steps that have run by then: none',
      'E 28:13 spec.steps[0].goal: there is no step frist -> steps that have run by then: none',
      'W 28:42 spec.steps[0].goal: .env.HOST is not in spec.runtime.environment, so it is empty',
      'W 29:7 spec.steps[0].command: command is not used by steps of type agent -> remove it, or change the type',
      'E 34:7 spec.steps[1].timeoutMinutes: timeout and timeoutMinutes exclude each other',
      'E 35:13 spec.steps[2].name: there is another step named second -> give each step a name of its own',
      'E 39:7 spec.steps[2].then: agent and then exclude each other: both are the step that runs then',
      'E 40:16 spec.sinks[1]: out is there twice',
      'E 40:21 spec.sinks[2]: there is no Sink default/absent -> declare it, or name one of: out',
      'W 47:40 spec.config.pretty: pretty is not used by Sinks of type slack -> remove it, or change the type',
      'E 51:18 metadata.name: Sink default/out is declared at broken/references.yaml:42 already -> give one of them another name',
    ]);
  });

  test('templates, at their place inside block, folded and quoted scalars', async () => {
    expect(await lint('broken/templates.yaml')).toEqual([
      'E 11:40 spec.steps[0].goal: template: function "nosuch" is not defined',
      'E 16:33 spec.steps[1].goal: template: unexpected "}" in operand',
      'E 19:41 spec.steps[2].condition: template: unexpected end of the template: an {{end}} is missing',
      'E 25:9 spec.steps[3].command: bash is not one of the programs that a command with template values may run -> give the value to the step as a variable, env: {ALERTNAME: "{{ .source.data.alertname }}"}, and write "$ALERTNAME" in the command',
      'E 29:15 spec.steps[4].env.POD: there is no step later -> steps that have run by then: open, folded, quoted, quoted-else, command',
      'E 33:15 spec.outputs[0].value: template: unexpected {{end}}',
    ]);
  });

  test("names of Alertmanager's templates, with what to write instead", async () => {
    expect(await lint('warned/roots.yaml')).toEqual([
      'W 8:14 spec.steps[0].when: .CommonLabels is a name of Alertmanager and Prometheus, and empty here -> write .alert.labels.severity',
      'W 11:15 spec.steps[0].env.POD: .labels is a name of Alertmanager and Prometheus, and empty here -> write .alert.labels.pod',
      'W 11:73 spec.steps[0].env.POD: .stepz is nothing that a Workflow has, so it is empty -> did you mean .steps?',
      'W 12:16 spec.steps[0].env.LINK: .ExternalURL is a name of Alertmanager and Prometheus, and empty here -> write .alert.generatorURL, or .workflow.runId',
      'W 20:15 spec.condition: .Status is a name of Alertmanager and Prometheus, and empty here -> write .alert.status',
      'W 24:7 spec.config.template: .Alerts is a name of Alertmanager and Prometheus, and empty here -> write .alert: each alert has a run and deliveries of its own, and .alert.status says whether it fires',
      'W 25:7 spec.config.template: .GroupLabels is a name of Alertmanager and Prometheus, and empty here -> write .alert.labels.alertname',
      'W 25:36 spec.config.template: .StartsAt is a name of Alertmanager and Prometheus, and empty here -> write .alert.startsAt.Format',
      'W 25:67 spec.config.template: .ExternalURL is a name of Alertmanager and Prometheus, and empty here -> write .run.url, the address of the run',
      'W 26:7 spec.config.template: .commonAnnotations is a name of Alertmanager and Prometheus, and empty here -> write .alert.annotations.summary',
      'W 26:40 spec.config.template: .Value is a name of Alertmanager and Prometheus, and empty here -> let the rule put it into an annotation ({{ $value }} there), and write .alert.annotations.NAME',
      'W 26:53 spec.config.template: .Receiver is a name of Alertmanager and Prometheus, and empty here -> write the name of the Sink',
      'W 26:69 spec.config.template: .env is nothing that a Sink has, so it is empty -> names to begin with: .event, .source, .workflow, .data, .alert, .report, .run, .timestamp, .text, .sameAs, .steps',
      'W 27:7 spec.config.template: .Labels is a name of Alertmanager and Prometheus, and empty here -> write .alert.labels',
      'W 27:31 spec.config.template: .reprot is nothing that a Sink has, so it is empty -> did you mean .report?',
    ]);
  });

  test('groups that cannot be', async () => {
    expect(await lint('broken/groups.yaml')).toEqual([
      'E 7:13 spec.groupBy[0]: spec.groupBy[0] is all labels for Alertmanager, so each alert would be a group of its own; leave groupBy out for that',
      'E 16:12 spec.groupBy: spec.groupBy has a label twice',
      'E 26:14 spec.groupWait: spec.groupWait must be 10m at most',
      'E 36:18 spec.groupInterval: spec.groupInterval must be longer than groupWait',
    ]);
  });

  test('policies that have no effect on a Source', async () => {
    expect(await lint('warned/policies.yaml')).toEqual([
      'W 8:3 spec.rateLimit: rateLimit is about requests, and this Source of type schedule takes none -> remove it; stormCapPerMinute bounds what it starts',
      'W 9:3 spec.groupBy: groupBy is about alerts, and Sources of type schedule have none -> remove it',
      'W 18:3 spec.rateLimit: rateLimit is about requests, and this Source of type api takes none -> remove it; stormCapPerMinute bounds what it starts',
      'W 19:3 spec.groupWait: groupWait belongs to groupBy, which is not there -> add groupBy, or remove it',
    ]);
  });

  test('fields of a Source that are ignored because of another one', async () => {
    expect(await lint('warned/unused.yaml')).toEqual([
      'W 10:5 spec.config.schema: schema is not used by a Source that asks an endpoint -> remove it, or let endpoint be /alerts',
      'W 11:55 spec.config.authentication.previousSecretRef: authentication.previousSecretRef is not used by a Source that asks an endpoint -> remove it, or let endpoint be /alerts',
      'W 21:5 spec.config.interval: interval is not used by a Source that asks no endpoint -> remove it, or let endpoint be a URL',
      'W 22:5 spec.config.absent: absent is not used by a Source that asks no endpoint -> remove it, or let endpoint be a URL',
      'W 23:5 spec.config.format: format is not used by a Source that asks no endpoint -> remove it, or let endpoint be a URL',
      'W 24:5 spec.config.mapping: mapping is not used by a Source that asks no endpoint -> remove it, or let endpoint be a URL',
      'W 25:5 spec.config.items: items is not used by a Source that asks no endpoint -> remove it, or let endpoint be a URL',
    ]);
  });

  test('YAML', async () => {
    expect(await lint('broken/syntax.yaml')).toEqual([
      'E 9:9 : YAML: Nested mappings are not allowed in compact mappings -> nothing of this document is used until it parses',
      'E 9:9 : YAML: Implicit keys need to be on a single line -> nothing of this document is used until it parses',
      'E 12:1 : YAML: Flow map in block collection must be sufficiently indented and end with a } -> nothing of this document is used until it parses',
    ]);
  });

  test('the forms of the contract have no errors', async () => {
    for (const file of ['contract/triage.yaml', 'contract/shapes.yaml', 'earlier/types.yaml']) {
      expect((await lint(file)).filter((line) => line.startsWith('E'))).toEqual([]);
    }
  });

  test('what objects of the contract need to work is an error that no API server knows', async () => {
    const problems = await lintPath(join(fixtures, 'earlier/lacking.yaml'));
    const errors = problems.filter(({ severity }) => severity === 'error');
    expect(errors.map(({ field, beyond }) => `${field} ${beyond}`)).toEqual([
      'spec.config.appToken Contract',
      'spec.triggerWorkflow Reference',
      'spec.config.metrics Contract',
    ]);
  });

  test('an empty field is one that is not there, and an unknown one is told all the same', () => {
    const head = 'apiVersion: punchingfist.io/v1alpha1\nkind: Sink\nmetadata: {name: out}\n';
    const problems = (spec: string) => lintText('a.yaml', `${head}spec: ${spec}`).map(({ message }) => message);
    expect(problems('{type: stdout, condition: , config: {format: null, template: }}')).toEqual([]);
    expect(problems('{type: file, config: {file: }}')).toEqual(['spec.config.file is required']);
    expect(problems('{type: stdout, config: {formt: }}')).toEqual(['unknown field spec.config.formt']);
    expect(problems('{type: email, config: {host: a, from: a@b, to: [null]}}')).toEqual([
      'spec.config.to[0] must be a string, not empty',
    ]);
  });

  test('a step that never runs has the form of a step', () => {
    const head = 'apiVersion: punchingfist.io/v1alpha1\nkind: Workflow\nmetadata: {name: a}\n';
    const problems = (step: string) =>
      lintText('a.yaml', `${head}spec: {steps: [{name: a, type: cli, command: date, ${step}}]}`)
        .filter(({ severity }) => severity === 'error')
        .map(({ message }) => message);
    expect(problems('agent: {goal: x}')).toEqual([]);
    expect(problems('agent: {}')).toEqual(['spec.steps[0].agent.goal is required']);
    expect(problems('then: {}')).toEqual(['spec.steps[0].then.type is required']);
    expect(
      problems('then: {type: conditional, condition: x, agent: {goal: x}, then: {type: cli, command: x}}'),
    ).toEqual(['agent and then exclude each other: both are the step that runs then']);
    expect(problems('agent: {goal: x, timeout: 0s}')).toEqual(['timeout must be longer than 0']);
  });

  test('a path that cannot be read, and a folder without resources', async () => {
    await expect(lintPath(join(fixtures, 'absent'))).rejects.toMatchObject({ code: 'InvalidInput' });
    expect((await lintPath(fixtures)).map(({ message }) => message)).toEqual(['no YAML files (*.yaml, *.yml) here']);
  });
});
