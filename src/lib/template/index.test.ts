import { describe, expect, it } from 'vitest';
import { AppError } from '../../core/errors.ts';
import { templateActions } from './analyse.ts';
import { TemplateError } from './error.ts';
import { parseTemplate, renderTemplate, renderTemplateParts } from './index.ts';

const alert = {
  labels: { alertname: 'X', pod: 'web-1', 'x-y': 'hy' },
  annotations: {},
  startsAt: '2026-03-01T10:00:00Z',
};
const data = {
  source: { data: { ...alert, alert, alerts: [alert] } },
  steps: { 'get-logs': { result: { lines: ['a', 'b'], ok: true } } },
  matrix: [[{ k: 'v' }]],
};

function failure(run: () => unknown): TemplateError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof TemplateError) return thrown;
    throw thrown;
  }
  throw new Error('expected an error');
}

describe('extensions', () => {
  it.each([
    ['{{ .steps.get-logs.result.lines }}', '[a b]'],
    ['{{ .steps.get-logs.missing-one.x | default "d" }}', 'd'],
    ['{{ .source.data.alerts[0].labels.pod }}', 'web-1'],
    ['{{ $.source.data.alerts[0].labels.x-y }}', 'hy'],
    ['{{ $s := .source }}{{ $s.data.alerts[0].labels.pod }}', 'web-1'],
    ['{{ .matrix[0][0].k }}', 'v'],
    ['{{ .source.data.alerts[7].labels.pod | default "unknown" }}', 'unknown'],
    ['{{ .nothing[0].labels.pod | default "unknown" }}', 'unknown'],
    ['{{ range .matrix }}{{ .[0].k }}{{ end }}', 'v'],
    ['{{ .steps.get-logs.result | toJSON }}', '{"lines":["a","b"],"ok":true}'],
    ['{{ .source.data.alert.labels.alertname }}{{ .source.data.labels.alertname }}', 'XX'],
    ['{{ .steps.get-logs.result.ok -}}  !', 'true!'],
  ])('%s', (template, expected) => {
    expect(renderTemplate(template, data)).toBe(expected);
  });

  it('tells how to write an index without a field behind it', () => {
    const error = failure(() => renderTemplate('x {{ .list[0] }}', data));
    expect(error).toMatchObject({ stage: 'parse', line: 1, column: 11 });
    expect(error.message).toContain('(index .list 0)');
  });

  it('refuses an index into something that is no list', () => {
    expect(failure(() => renderTemplate('{{ .source[0].x }}', data)).message).toContain('has no index [0]');
  });
});

describe('errors', () => {
  it('name the template, line and column, and have a code', () => {
    const error = failure(() => renderTemplate('one\ntwo {{ .x }}\n  {{ nope .x }}', {}, { name: 'goal' }));
    expect(error).toBeInstanceOf(AppError);
    expect(error.code).toBe('TemplateInvalid');
    expect(error.message).toBe('template goal, line 3, column 6: function "nope" is not defined');
    expect(error).toMatchObject({ line: 3, column: 6, stage: 'parse' });
  });

  it('name the place of a failure on the data', () => {
    const error = failure(() => renderTemplate('a\n{{ upper .n }}', { n: 5 }));
    expect(error).toMatchObject({
      line: 2,
      column: 10,
      stage: 'execute',
      reason: 'expected a string, got a value of type int64',
    });
  });
});

describe('own properties only', () => {
  it('sees nothing that is inherited', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']) {
      expect(
        renderTemplate(
          `[{{ .${name} }}][{{ index . "${name}" }}][{{ get . "${name}" }}][{{ hasKey . "${name}" }}]`,
          {},
        ),
      ).toBe('[][][][false]');
      expect(renderTemplate(`{{ (dict "a" 1).${name} }}|{{ (fromJson "{}").${name} }}`, {})).toBe('|');
    }
  });

  it('sees own properties of those names', () => {
    const own = JSON.parse('{"constructor":"c","__proto__":{"x":1}}') as unknown;
    expect(renderTemplate('{{ .constructor }}{{ .__proto__.x }}', own)).toBe('c1');
  });

  it('cannot reach a function or symbol that a caller left in the data', () => {
    expect(renderTemplate('[{{ .f }}][{{ .s }}]', { f: () => 1, s: Symbol('x') })).toBe('[][]');
    expect(failure(() => renderTemplate('{{ call .f }}', { f: () => 1 })).stage).toBe('execute');
  });
});

describe('bounds', () => {
  it.each([
    ['until', '{{ until 1e9 }}', 'list has more than 100000 members'],
    ['untilStep', '{{ untilStep 0 1000000 1 }}', 'list has more than 100000 members'],
    ['seq', '{{ seq 1 1000000000 }}', 'list has more than 100000 members'],
    ['until, over and over', '{{ range 9999 }}{{ $x := until 99999 }}{{ end }}', 'steps'],
    // By time or by steps, whichever this machine comes to first.
    ['regexFindAll', '{{ regexFindAll "" (repeat 200000 "a") -1 | len }}', ' more than '],
    ['regexSplit', '{{ regexSplit "a" (repeat 200000 "a") -1 | len }}', ' more than '],
    ['split', '{{ split "" (repeat 200000 "a") }}', 'members'],
    ['splitn', '{{ splitn "" 3 (repeat 200000 "a") }}', 'members'],
    ['wrap', '{{ wrapWith 1 (repeat 9999 "x") (repeat 9999 "a") }}', 'longer than'],
    ['wrap, over and over', '{{ $t := repeat 60000 "a" }}{{ range 999 }}{{ $x := wrap 1 $t }}{{ end }}', 'steps'],
    ['chunk', '{{ $l := until 99999 }}{{ range 9999 }}{{ $x := chunk 1 $l }}{{ end }}', 'steps'],
    [
      'merging',
      '{{ $d := dict }}{{ range 99999 }}{{ $d = merge $d (dict (toString .) (until 99)) }}{{ end }}',
      'steps',
    ],
    ['copying data', '{{ range 99999 }}{{ $x := set $.data "a" 1 }}{{ end }}', 'steps'],
    [
      'copying deeply',
      '{{ $x := dict }}{{ range 99 }}{{ $x = dict "a" $x "b" $x }}{{ end }}{{ deepCopy $x }}',
      'steps',
    ],
    ['digits', '{{ $x := 1e300 }}{{ mulf $x $x $x $x $x $x $x $x $x }}', 'too many digits'],
    ['clocks', '{{ range 99999 }}{{ $x := ago now }}{{ end }}', 'steps'],
    ['calendars', '{{ $t := now | tz "Europe/Berlin" }}{{ range 99999 }}{{ $x := $t.Month }}{{ end }}', 'steps'],
    ['adding dates', '{{ $t := now }}{{ range 99999 }}{{ $t = $t.AddDate 0 1 0 }}{{ end }}', 'steps'],
    ['output', '{{ range 100 }}{{ repeat 20000 "x" }}{{ end }}', 'longer than'],
    ['one text', '{{ $x := "x" }}{{ range 99 }}{{ $x = print $x $x }}{{ end }}', 'longer than'],
    ['repeat', '{{ repeat 1000000000 "x" }}', 'longer than'],
    ['width', '{{ printf "%999999d%999999d" 1 2 }}', 'longer than'],
    ['replace', '{{ replace "a" (repeat 9999 "b") (repeat 9999 "a") }}', 'longer than'],
    ['loops', '{{ range 9999999 }}{{ end }}', 'loops run more than'],
    ['lists', '{{ $x := list 1 }}{{ range 99 }}{{ $x = concat $x $x }}{{ end }}', 'members'],
    ['nested lists', '{{ $x := list 1 }}{{ range 99 }}{{ $x = list $x $x }}{{ end }}{{ $x }}', 'steps'],
    ['nested texts', '{{ $x := list "long text" }}{{ range 99 }}{{ $x = list $x $x }}{{ end }}{{ $x }}', 'longer than'],
    ['comparing', '{{ $x := list 1 }}{{ range 99 }}{{ $x = list $x $x }}{{ end }}{{ has $x (list $x) }}', 'steps'],
    ['copying', '{{ $x := list }}{{ range 99999 }}{{ $x = append $x . }}{{ end }}', 'steps'],
    ['recursion', '{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}', 'levels deep'],
  ])('of %s', (_name, template, expected) => {
    const wide = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, index]));
    expect(failure(() => renderTemplate(template, { data: wide })).message).toContain(expected);
  });

  // Each of these took from half a second to minutes.
  it.each([
    ['replacing', 'reReplaceAll "a(.*b)?" "$1" $', 'regular expressions take more than 25 ms'],
    ['a costly expression', 'match "(a?){1,50}(a|aa)+$" $', 'the most for this regular expression'],
    ['a large expression', 'match "((a{1,100}){1,10}b){1,90}" "a"', 'repeats too much'],
    ['a layout', 'date (trunc 1001 $) now', 'layout is longer than 1000'],
    ['exact digits', 'printf "%.99999f" 1.5', '10000 exact digits'],
  ])('of %s', (_name, call, expected) => {
    expect(failure(() => renderTemplate(`{{ ${call} }}`, 'a'.repeat(60_000))).message).toContain(expected);
  });

  it.each([
    'title $t',
    'upper $t',
    'js $t',
    'quote $t',
    'toJSON $t',
    'toYaml $t',
    'printf "%60000d" 1 | html',
    'splitList "" $t | join ""',
    'sortAlpha (splitList "" $t)',
    'b64enc $t | b64dec',
    'now | date "2006 Monday MST"',
    'reReplaceAll "a" "b" $t',
    'regexFindAll "a" $t -1',
    'regexSplit "a" $t -1',
    'snakecase $t',
    'camelcase $t',
    'swapcase $t',
    'initials $t',
    'untitle $t',
    'urlQueryEscape $t',
    'sha512sum $t',
    'toRawJson $t',
    'split "" $t',
    'dateInZone "2006" now "Asia/Tokyo"',
    'humanize $n',
  ])('of %s, over and over, by the work that it does', (call) => {
    const template = `{{ $t := . }}{{ $n := 12345 }}{{ range 9999 }}{{ $x := ${call} }}{{ end }}`;
    expect(failure(() => renderTemplate(template, 'é'.repeat(60_000))).message).toMatch(/steps|take more than/);
  });

  it('leave room for the longest values', () => {
    const text = `${'ordinary words, "quoted" & <marked> '.repeat(1700)}é`;
    for (const call of ['upper', 'title', 'js', 'html', 'quote', 'toJSON', 'trim', 'b64enc', 'urlquery', 'sha256sum'])
      expect(renderTemplate(`{{ ${call} . }}`, text)).not.toBe('');
    expect(renderTemplate('{{ range splitList " " . }}{{ . | upper }}{{ end }}', text)).toContain('ORDINARY');
    expect(renderTemplate('{{ reReplaceAll "[<>]" "" . | trunc 40 }}', text.slice(0, 5000))).toContain('marked');
  });

  it('of nesting and of the source', () => {
    expect(failure(() => parseTemplate(`{{ ${'('.repeat(500)}1${')'.repeat(500)} }}`)).message).toContain(
      'in each other',
    );
    expect(failure(() => parseTemplate('{{ if 1 }}'.repeat(500) + '{{ end }}'.repeat(500))).message).toContain(
      'in each other',
    );
    expect(failure(() => parseTemplate('x'.repeat(300_000))).message).toContain('300000 characters');
    expect(renderTemplate('{{/**/}}'.repeat(20_000), {})).toBe('');
  });

  it('that a caller sets', () => {
    expect(
      failure(() => renderTemplate('{{ . }}', 'long text', { limits: { outputCharacters: 5 } })).message,
    ).toContain('5 characters');
    expect(failure(() => renderTemplate('literal', {}, { limits: { outputCharacters: 5 } })).message).toContain(
      '5 characters',
    );
    expect(
      failure(() => renderTemplate('{{ range . }}{{ end }}', [1, 2, 3], { limits: { iterations: 2 } })).stage,
    ).toBe('execute');
  });
});

describe('clock', () => {
  it('is the one that was passed in', () => {
    const now = (): Date => new Date('2026-03-01T11:30:00Z');
    const render = (template: string): string => renderTemplate(template, alert, { now });
    expect(render('{{ now | date "2006-01-02 15:04" }}')).toBe('2026-03-01 11:30');
    expect(render('{{ since .startsAt | humanizeDuration }} {{ since .startsAt }}')).toBe('1h 30m 0s 1h30m0s');
    expect(render('{{ if gt (since .startsAt) 0 }}past{{ end }}')).toBe('past');
  });
});

describe('data', () => {
  it('is never changed: what a template changes is a copy, and its own maps it changes in place', () => {
    const shared = deepFreeze({ labels: { pod: 'web-1' }, deep: { in: { x: 1 } } });
    const render = (template: string): string => renderTemplate(template, shared);
    expect(render('{{ $c := set .labels "a" 1 }}{{ $c }} {{ .labels }}')).toBe('map[a:1 pod:web-1] map[pod:web-1]');
    expect(render('{{ unset .labels "pod" }} {{ .labels }}')).toBe('map[] map[pod:web-1]');
    expect(render('{{ merge .labels (dict "b" 2) }} {{ .labels }}')).toBe('map[b:2 pod:web-1] map[pod:web-1]');
    expect(render('{{ mergeOverwrite .deep (dict "in" (dict "x" 2)) }} {{ .deep }}')).toBe(
      'map[in:map[x:2]] map[in:map[x:1]]',
    );
    expect(render('{{ $d := dict "l" .labels }}{{ $_ := set $d.l "a" 1 }}{{ $d }}')).toBe('map[l:map[pod:web-1]]');
    expect(render('{{ $d := deepCopy .deep }}{{ $_ := set $d.in "x" 2 }}{{ $d }} {{ .deep }}')).toBe(
      'map[in:map[x:2]] map[in:map[x:1]]',
    );
  });

  it('has no map that holds itself', () => {
    for (const template of [
      '{{ $d := dict }}{{ set $d "d" $d }}',
      '{{ $d := dict }}{{ set $d "l" (list 1 (list $d)) }}',
      '{{ $d := dict }}{{ $e := dict "d" $d }}{{ merge $d $e }}',
    ])
      expect(failure(() => renderTemplate(template, {})).message).toContain('a map cannot be put into itself');
  });

  it('keeps names that JavaScript knows', () => {
    const made = '{{ $d := set (dict) "__proto__" (dict "x" 1) }}{{ $d.__proto__.x }}{{ $d.x }}{{ get $d "x" }}';
    expect(renderTemplate(made, {})).toBe('1');
    expect(renderTemplate('{{ pick . "__proto__" "constructor" }}{{ pluck "toString" . }}', {})).toBe('map[][]');
    expect(renderTemplate('{{ dig "constructor" "name" "none" . }}', {})).toBe('none');
    expect(failure(() => renderTemplate('{{ .t.constructor }}', { t: '2026-03-01T10:00:00Z' })).stage).toBe('execute');
  });

  it('nested too deep is an error like any other', () => {
    const nest = '{{ $x := dict }}{{ range 20000 }}{{ $x = dict "a" $x }}{{ end }}';
    for (const use of [
      '{{ $x }}',
      '{{ deepCopy $x }}',
      '{{ set (dict) "a" $x }}',
      '{{ toJson $x }}',
      '{{ merge $x $x }}',
    ])
      expect(failure(() => renderTemplate(nest + use, {})).stage).toBe('execute');
  });
});

describe('methods', () => {
  const times = { startsAt: '2026-03-01T10:00:00Z', endsAt: null, name: 'web' };
  const render = (template: string): string =>
    renderTemplate(template, times, { now: () => new Date('2026-03-01T11:30:00Z') });

  it.each([
    ['{{ .startsAt.Format "2006-01-02" }}', '2026-03-01'],
    ['{{ .startsAt.Unix }} {{ .startsAt.UTC.Hour }} {{ .startsAt.Weekday }}', '1772359200 10 Sunday'],
    ['{{ (now.Sub .startsAt).Minutes }}', '90'],
    ['{{ (.startsAt.Add (parseDurationTime "1h")).Format "15:04" }}', '11:00'],
    ['{{ "15:04" | .startsAt.Format }}', '10:00'],
    ['{{ if .startsAt.Before now }}past{{ end }}', 'past'],
    ['{{ with .endsAt }}{{ .Format "15:04" }}{{ else }}fires{{ end }}', 'fires'],
    ['[{{ .nothing.Format "15:04" }}]', '[]'],
    ['{{ ago .startsAt }} {{ durationRound (since .startsAt) }}', '1h30m0s 1h'],
    ['{{ .startsAt.AddDate 0 0 1 | tz "Europe/Berlin" | date "2006-01-02 15:04 MST" }}', '2026-03-02 11:00 +01'],
  ])('%s', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    ['{{ .name.Format "15:04" }}', '"web" is not a time (RFC 3339)'],
    ['{{ .endsAt.Format "15:04" }}', 'nil has no method Format'],
    ['{{ .startsAt.Frmat "15:04" }}', 'has no method Frmat'],
    ['{{ .startsAt.Format }}', 'Format takes 1 argument, not 0'],
    ['{{ .startsAt.Add "1h" }}', 'write (parseDurationTime "1h")'],
    ['{{ .startsAt.length }}', 'has no field length'],
  ])('%s fails', (template, expected) => {
    expect(failure(() => render(template)).message).toContain(expected);
  });
});

describe('labels', () => {
  const samples = [{ labels: { pod: 'b' }, value: 2 }, { labels: { pod: 'a' }, value: 1.5 }, { value: 0 }];

  it.each([
    ['{{ range sortByLabel "pod" . }}{{ label "pod" . }}={{ value . }} {{ end }}', '=0 a=1.5 b=2 '],
    ['{{ (index . 0).labels.pod }}', 'b'],
    ['{{ label "pod" (first .) }}{{ strvalue (first .) }}', 'b'],
  ])('%s', (template, expected) => {
    expect(renderTemplate(template, samples)).toBe(expected);
  });
});

describe('functions that templates have not', () => {
  it.each([
    ['env "HOME"', 'function "env" is refused: templates do not read the environment'],
    ['expandenv "$HOME"', 'is refused'],
    ['getHostByName "x"', 'the network'],
    ['randAlpha 5', 'nothing is random'],
    ['uuidv4', '.run.id'],
    ['genCA "x" 1', 'Secret'],
    ['query "up"', 'a step of a Workflow can'],
    ['include "x" .', '{{ template "NAME" . }}'],
    ['lookup "v1" "Pod" "" ""', 'do not read the cluster'],
    ['toUper .x', 'function "toUper" is not defined; did you mean toUpper?'],
  ])('%s', (call, expected) => {
    const error = failure(() => parseTemplate(`{{ ${call} }}`));
    expect(error.stage).toBe('parse');
    expect(error.message).toContain(expected);
  });
});

function deepFreeze<Value extends object>(value: Value): Value {
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) deepFreeze(member);
  return Object.freeze(value);
}

describe('renderTemplateParts', () => {
  it('keeps values apart from the text of the template', () => {
    const template =
      'a {{ .x }}\n{{ range .list }}[{{ . | upper }}]{{ end }}{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" "c" }}{{ $v := 1 }}z';
    const parts = renderTemplateParts(template, { x: '{{ .y }}', list: ['p', 'q'] });
    expect(parts.map((part) => [part.kind, part.text])).toEqual([
      ['literal', 'a '],
      ['value', '{{ .y }}'],
      ['literal', '\n'],
      ['literal', '['],
      ['value', 'P'],
      ['literal', ']'],
      ['literal', '['],
      ['value', 'Q'],
      ['literal', ']'],
      ['literal', '<'],
      ['value', 'c'],
      ['literal', '>'],
      ['literal', 'z'],
    ]);
    expect(parts[1]).toMatchObject({ source: '.x', line: 1, column: 3 });
    expect(parts[4]).toMatchObject({ source: '. | upper', line: 2, column: 19 });
    expect(parts.map((part) => part.text).join('')).toBe(renderTemplate(template, { x: '{{ .y }}', list: ['p', 'q'] }));
  });
});

describe('templateActions', () => {
  it('lists fields from the root and functions, in source order', () => {
    const template = parseTemplate(
      '{{ .steps.get-logs.result | toJSON }}{{ range .alerts }}{{ .labels.x }}{{ $.env.URL }}{{ end }}\n{{ if eq .a (len (.b.c)) }}{{ $x := .d[0].e }}{{ end }}{{ template "t" .f }}{{ define "t" }}{{ .g }}{{ end }}',
    );
    expect(templateActions(template).map(({ kind, fields, functions }) => [kind, fields, functions])).toEqual([
      ['print', [['steps', 'get-logs', 'result']], ['toJSON']],
      ['range', [['alerts']], []],
      ['print', [], []],
      ['print', [['env', 'URL']], []],
      ['if', [['a'], ['b', 'c']], ['eq', 'len']],
      ['assign', [['d', 0, 'e']], []],
      ['template', [['f']], []],
      ['print', [], []],
    ]);
    expect(templateActions(template)[4]).toMatchObject({ line: 2, column: 1, source: 'eq .a (len (.b.c))' });
  });
});

it('parses a text once', () => {
  expect(parseTemplate('{{ .cached }}')).toBe(parseTemplate('{{ .cached }}'));
  expect(parseTemplate('{{ .cached }}', 'other')).not.toBe(parseTemplate('{{ .cached }}'));
});
