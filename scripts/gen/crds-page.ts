import { beyondSchema } from '../../src/lib/rule.ts';
import { crdObjects, group } from './crds.ts';
import { generated, table } from './markdown.ts';

/** `docs/reference/crds.md`. */
export function crdsPage(): string {
  const names = crdObjects().map(({ spec: { names: each, versions } }) => [
    `\`${each.kind}\``,
    `\`${each.plural}.${group}\``,
    each.shortNames.map((name) => `\`${name}\``).join(', '),
    (versions[0]?.additionalPrinterColumns ?? [])
      .map(({ name, priority }) => (priority === 1 ? `${name} (\`-o wide\`)` : name))
      .join(', '),
  ]);
  return [
    generated,
    '# CRDs',
    '`deploy/crds/phase1-crds.yaml` has the CustomResourceDefinitions of the three kinds (`kubectl apply -f deploy/crds/phase1-crds.yaml`). `kubectl get fist` lists objects of all of them. Their rules are CEL, which every Kubernetes has since 1.29; they are tested with 1.36.',
    table(['Kind', 'Name', 'Short', 'Columns'], names),
    'Their fields, bounds and rules are those of [Source](source.md), [Workflow](workflow.md) and [Sink](sink.md), from the same schemas that `fist lint` goes by. What is a rule there is decided by the API server in CEL, and by `fist lint` with the same verdict: a test holds them against each other on thousands of objects. A field that is `null` is one that is absent. Defaults are written into objects but for fields of `config` and of steps that not all types have: their defaults stand in the descriptions.',
    '`status` says `observedGeneration: -1` until a controller has looked at the object. Its conditions are `Ready`, `Reconciling` and `Stalled`, as kstatus has them.',
    '## What only fist lint knows',
    'With these findings an API server takes an object; `fist lint -o json` names them as `beyond`. The conditions of the object tell of them.',
    table(
      ['Finding', 'Meaning'],
      Object.entries(beyondSchema).map(([kind, meaning]) => [`\`${kind}\``, meaning]),
    ),
    '',
  ].join('\n\n');
}
