import { sourceAndWorkflow } from './define.ts';
import type { HostileInput } from './define.ts';

/** Text of one label or annotation: the most that is taken. */
const long = (unit: string): string => unit.repeat(Math.floor(60_000 / Buffer.byteLength(unit)));

/**
 * An alert whose description meets an output's template. The run fails and says why, or it succeeds; either, where that is a
 * question of the processor's time.
 */
function template(
  name: string,
  output: string,
  description: string,
  expected: 'refused' | 'rendered' | 'either',
  quick = false,
): HostileInput {
  const path = `template-${name.replaceAll(/[^a-z0-9]+/g, '-')}`;
  return {
    name: `template ${name}`,
    quick,
    resources: sourceAndWorkflow(
      path,
      `steps:
  - { name: is-critical, type: conditional, condition: '{{ .alert.severity }} == critical' }
outputs:
  - name: value
    value: |
${output.replace(/^/gm, '      ')}
`,
    ),
    async run(world) {
      await world.alert(path, { alertname: 'Template', severity: 'critical' }, { description });
      const { status, error } = await world.endedRun(path);
      if (expected !== 'either' && status !== (expected === 'refused' ? 'failed' : 'succeeded'))
        throw new Error(`the run ${status} with ${JSON.stringify(error)?.slice(0, 500)}`);
      if (expected === 'refused' && !/ than \d+ |limit/.test(JSON.stringify(error)))
        throw new Error(`the run failed with ${JSON.stringify(error)}`);
    },
  };
}

const description = '$.alert.annotations.description';
const nested = (inner: string, levels: number): string =>
  levels === 0 ? inner : `{{ range $i${levels} := $list }}${nested(inner, levels - 1)}{{ end }}`;

/** What a template can do with time and memory. */
export const templates: readonly HostileInput[] = [
  template(
    'grows with each replacement',
    `{{ $t := ${description} }}${'{{ $t = reReplaceAll "" "xx" $t }}'.repeat(12)}{{ $t }}`,
    long('a'),
    'refused',
    true,
  ),
  template('replaces everywhere', `{{ len (reReplaceAll "a|b|[^c]" "$0$0" ${description}) }}`, long('ab'), 'either'),
  template('matches a costly expression', `{{ match "(a*)*(a|aa)*(x+x+)+y" ${description} }}`, long('a'), 'rendered'),
  template(
    'matches a costly expression often',
    `{{ range 200 }}{{ match "(a?){1,50}(a|aa)+$" ${description} }}{{ end }}`,
    long('a'),
    'refused',
  ),
  template(
    'pads',
    `{{ range $c := splitList "" (trunc 2000 ${description}) }}{{ printf "%1000000d" 1 }}{{ end }}`,
    long('a'),
    'refused',
  ),
  template(
    'pads and forgets',
    `{{ range $c := splitList "" (trunc 5000 ${description}) }}{{ $x := printf "%999999d" 1 }}{{ end }}`,
    long('a'),
    'refused',
  ),
  template(
    'repeats and forgets',
    `{{ range $c := splitList "" (trunc 5000 ${description}) }}{{ $x := repeat 15 ${description} | upper | title }}{{ end }}`,
    long('ä'),
    'refused',
  ),
  template(
    'loops in loops',
    `{{ $list := splitList "" (trunc 300 ${description}) }}${nested('.', 3)}`,
    long('a'),
    'refused',
  ),
  template(
    'compares each with each',
    `{{ len (uniq (splitList "," ${description})) }}`,
    Array.from({ length: 10_000 }, (_, at) => at).join(','),
    'refused',
  ),
  template(
    'escapes often',
    `{{ range $c := splitList "" (trunc 3000 ${description}) }}{{ $x := js ${description} | html | urlquery }}{{ end }}`,
    long('<é>'),
    'refused',
  ),
  template(
    'prints deep values often',
    `{{ range $c := splitList "" (trunc 3000 ${description}) }}{{ $x := toYaml $.alert | indent 8 | toJSON }}{{ end }}`,
    long('a\n'),
    'refused',
  ),
  template(
    'doubles a list',
    `{{ $l := list ${description} }}${'{{ $l = list $l $l }}'.repeat(40)}{{ $l }}`,
    long('a'),
    'refused',
  ),
  template(
    'parses numbers',
    `{{ range $c := splitList "" (trunc 2000 ${description}) }}{{ $x := add (int ${description}) 1 }}{{ end }}`,
    long('1'),
    'refused',
  ),
  template('is ordinary', `{{ ${description} | upper | trunc 100 }}`, long('a'), 'rendered', true),
];
