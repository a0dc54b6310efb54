import { toEpochMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { checkSizes, renderCommand } from '../lib/shell.ts';
import { evaluateCondition } from '../lib/template/condition.ts';
import { renderTemplate, renderTemplateParts } from '../lib/template/index.ts';
import type { Templates } from '../workflows/templates.ts';

/** The template engine as the workflow engine uses it: `now` of a template is the engine's clock. */
export function createTemplates(): Templates {
  return {
    render: (template, data, now) => renderTemplate(template, data, at(now)),
    renderApart: (template, data, now) => renderApart(renderTemplateParts(template, data, at(now))),
    renderCommand(template, variables, data, now) {
      const rendered = Object.entries(variables).map(
        ([name, text]) => [name, renderTemplate(text, data, at(now))] as const,
      );
      const given = Object.fromEntries(rendered);
      const { script, environment } = renderCommand(template, data, { ...at(now), variables: given });
      const all = { ...given, ...environment };
      checkSizes(Object.entries(all).map(([name, text]) => ({ text, place: `variable ${name}` })));
      return { script, environment: all };
    },
    evaluate: (condition, data, now) => evaluateCondition(condition, data, at(now)),
  };
}

function at(now: Timestamp): { now: () => Date } {
  return { now: () => new Date(toEpochMs(now)) };
}

function renderApart(parts: ReturnType<typeof renderTemplateParts>): { text: string; values: readonly string[] } {
  const values: string[] = [];
  const text = parts
    .map((part) => (part.kind === 'literal' ? part.text : `[value ${values.push(part.text)}]`))
    .join('');
  return { text, values };
}
