import { describe, expect, test } from 'vitest';
import { functionNames } from '../../src/lib/template/functions/index.ts';
import { asTime } from '../../src/lib/template/functions/dates.ts';
import { renderTemplate } from '../../src/lib/template/index.ts';
import { methodOf } from '../../src/lib/template/methods.ts';
import { goDuration } from '../../src/lib/template/values.ts';
import { eventContext, templateData } from '../../src/sinks/context.ts';
import { closedAlert, deliveryFixture, runFixture, stepFixture } from '../../test/support/deliveries.ts';
import { sinkFields } from './template-fields.ts';
import { exampleData, exampleNow, functionDocs } from './template-functions.ts';
import { mustForm, templatesPage } from './templates.ts';

describe('the reference of templates', () => {
  const families = [...functionDocs().values()];
  const docs = families.flat();

  test('has every function, each once, and no other', () => {
    const named = families.flatMap((family) =>
      family.flatMap(({ names }) => names.flatMap((name) => [name, ...mustForm(name, family)])),
    );
    // There is nothing in the data that could be called.
    expect([...named, 'call'].sort()).toEqual([...functionNames].sort());
  });

  test.each(docs.filter(({ names }) => names[0] !== 'fail'))('$example prints $gives', ({ names, example, gives }) => {
    expect(names).toContain(names.find((name) => new RegExp(`\\b${name}\\b`).test(example)));
    expect(renderTemplate(`{{ ${example} }}`, exampleData, { now: () => new Date(exampleNow) })).toBe(gives);
  });

  test('fail fails', () => {
    expect(() => renderTemplate('{{ fail "no pod" }}', {})).toThrow('no pod');
  });

  test('names methods that there are', () => {
    const [, section = ''] = /### Methods\n([^#]*)/.exec(templatesPage()) ?? [];
    const time = asTime(exampleNow);
    const duration = goDuration(1n);
    const methods = [...section.matchAll(/`[^`]*`/g)].flatMap(([span]) => [...span.matchAll(/\.([A-Z][A-Za-z]+)/g)]);
    const unknown = methods.filter(([, name = '']) => (methodOf(time, name) ?? methodOf(duration, name)) === undefined);
    expect(methods.length).toBeGreaterThan(30);
    expect(unknown).toEqual([]);
  });

  test('has every name that a Sink sees, and no other', () => {
    const steps = { steps: [stepFixture()], stepsView: {} };
    const rows = { run: runFixture(), ...steps, transitions: [], explains: [], othersFire: false };
    const told = { alert: 'KubePodCrashLooping pod/shop/web-1', at: '2026-03-01T09:00:00.000Z', run: null };
    const first = { ...rows, delivery: deliveryFixture(), alert: { ...closedAlert, episode: 1 }, told };
    const ended = { ...rows, delivery: deliveryFixture({ event: 'alert-resolved' }), alert: closedAlert, told: null };
    const found = [first, ended].flatMap((facts) =>
      pathsOf(templateData(eventContext({ ...facts, publicUrl: null, width: 80 })), ''),
    );
    expect([...new Set(found)].sort()).toEqual(sinkFields.map(([path]) => path).sort());
  });
});

/** What holds names of its own, or is told of elsewhere. */
const opened = ['.alert', '.run', '.workflow', '.source', '.sameAs'];

function pathsOf(value: object, at: string): string[] {
  return Object.entries(value).flatMap(([name, member]: [string, unknown]) => {
    const path = `${at}.${name}`;
    const inner = typeof member === 'object' && member !== null && opened.includes(path) ? pathsOf(member, path) : [];
    return [path, ...inner];
  });
}
