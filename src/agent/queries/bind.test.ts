import { describe, expect, it } from 'vitest';
import { bindPromql, logqlRefusal } from './bind.ts';

const scopeOf = (...namespaces: readonly string[]) => ({ namespaces: new Set(namespaces), isClusterWide: false });

/** The expression as it is asked, or the reason why it is not. */
const bound = (expression: string, ...namespaces: readonly string[]): string => {
  const found = bindPromql(expression, scopeOf(...namespaces));
  return 'reason' in found ? `${found.reason}: ${found.message}` : found.expression;
};

describe('PromQL', () => {
  it.each([
    ['up', 'up{namespace="shop"}'],
    ['up{}', 'up{namespace="shop"}'],
    ['up { job = "a" }', 'up {namespace="shop",  job = "a" }'],
    ['{job="a",}', '{namespace="shop", job="a",}'],
    [
      'sum(rate(a[5m])) / on (pod) b{c="d"} offset 5m',
      'sum(rate(a{namespace="shop"}[5m])) / on (pod) b{namespace="shop", c="d"} offset 5m',
    ],
    ['a{namespace!="x"}', 'a{namespace="shop", namespace!="x"}'],
    ['a{namespace=~".*"}', 'a{namespace="shop", namespace=~".*"}'],
    ['a{namespace=~"sho."}', 'a{namespace="shop", namespace=~"sho."}'],
    ['a{namespace=""}', 'a{namespace="shop", namespace=""}'],
    ['a{namespace=~"shop|"}', 'a{namespace="shop", namespace=~"shop|"}'],
    ['a{destination_namespace="shop"}', 'a{namespace="shop", destination_namespace="shop"}'],
    ['absent(a)', 'absent(a{namespace="shop"})'],
    [
      'label_replace(a, "namespace", "shop", "", "")',
      'label_replace(a{namespace="shop"}, "namespace", "shop", "", "")',
    ],
    ['node_load1 + node_load_secret', 'node_load1 + node_load_secret'],
    ['node_namespace_pod:sum', 'node_namespace_pod:sum{namespace="shop"}'],
    ['kube_persistentvolumeclaim_info', 'kube_persistentvolumeclaim_info{namespace="shop"}'],
  ])('asks %s of the namespaces that may be read', (expression, asked) => {
    expect(bound(expression, 'shop')).toBe(asked);
  });

  it.each([
    'a{namespace="shop"}',
    'a{namespace=~"shop|web"}',
    'a{exported_namespace="web"}',
    'a{"k8s.namespace.name"="shop"}',
    'kube_node_status_condition{condition="Ready"}',
    '{__name__="node_memory_MemAvailable_bytes", namespace="monitoring"}',
    'time() - 5m',
  ])('leaves %s as it is', (expression) => {
    expect(bindPromql(expression, scopeOf('shop', 'web'))).toEqual({ expression, isNarrowed: false });
  });

  it('names all namespaces that may be read, and is the same a second time', () => {
    const asked = bound('up - a{b="c"}', 'web', 'shop');
    expect(asked).toBe('up{namespace=~"shop|web"} - a{namespace=~"shop|web", b="c"}');
    expect(bound(asked, 'web', 'shop')).toBe(asked);
  });

  it.each([
    [
      'a{namespace="kube-system"}',
      'NamespaceNotAllowed: namespace kube-system may not be read here; name one of: shop',
    ],
    ['a{namespace="shop"} or a{namespace="kube-system"}', 'NamespaceNotAllowed: namespace kube-system'],
    ['a{namespace=~"shop|kube-system"}', 'NamespaceNotAllowed: namespace kube-system'],
    ['a{exported_namespace="shop", namespace="kube-system"}', 'NamespaceNotAllowed: namespace kube-system'],
    ['a{namespace="\\x6bube-system"}', 'NamespaceNotAllowed: namespace kube-system'],
    ['a # {namespace="shop"}', 'QueryNotUnderstood: the expression cannot be limited'],
    ['a{b="c" or d="e"}', 'Write plain selectors, metric{namespace="shop"}, without comments'],
  ])('refuses %s', (expression, why) => {
    expect(bound(expression, 'shop')).toContain(why);
  });

  it('never takes a name for an expression: alerts may say anything of their namespace', () => {
    for (const name of ['.*', 'a|b', 'shop"} or up{a="', '', 'Shop', '-a', 'a'.repeat(64)])
      expect(bound('up', name), name).toBe(
        'NamespaceNotAllowed: metrics of all namespaces at once may not be read here; none may be read',
      );
    expect(bound('up', '.*', 'shop')).toBe('up{namespace="shop"}');
    expect(bound('node_load1')).toBe('node_load1');
  });

  it('asks anything where all namespaces may be read', () => {
    const scope = { namespaces: new Set<string>(), isClusterWide: true };
    expect(bindPromql('up # all', scope)).toEqual({ expression: 'up # all', isNarrowed: false });
  });
});

describe('LogQL', () => {
  const reasonOf = (expression: string): string | null => {
    const refusal = logqlRefusal(expression, scopeOf('shop', 'web'));
    return refusal === null ? null : `${refusal.reason}: ${refusal.message}`;
  };

  it.each([
    '{namespace="shop"}',
    '{namespace=~"shop|web",pod=~"a{2}"} | line_format "{{.x}}" | json a="b[0]", c | latency >= 1.5s and size < 20MB',
    'sum(rate({k8s_namespace_name="shop"} |~ `{namespace="b"} # //` != "}" [1m])) / sum(rate({namespace="web"}[1m]))',
    'topk(3, sum by (pod) (count_over_time({namespace="shop", } | logfmt --strict | __error__="" [5m] offset 1h)))',
    '{namespace="shop"} |> "<_> error <_>" | label_format x=y, z="{{.a}}" | unwrap bytes(size)',
  ])('lets %s through', (expression) => {
    expect(reasonOf(expression)).toBeNull();
  });

  it.each([
    ['{pod="web-1"}', 'logs of all namespaces at once may not be read here; name one of: shop, web'],
    ['{}', 'logs of all namespaces at once'],
    ['{namespace=~".+"}', 'logs of all namespaces at once'],
    ['{namespace=~"shop.*"}', 'logs of all namespaces at once'],
    ['{namespace!="x"}', 'logs of all namespaces at once'],
    ['{namespace=""}', 'logs of all namespaces at once'],
    ['{kubernetes_namespace="", namespace="kube-system"}', 'namespace kube-system'],
    ['{namespace="shop", k8s_namespace_name="kube-system"}', 'namespace kube-system'],
    ['rate({namespace="shop"}[5m]) + rate({job="x"}[5m])', 'logs of all namespaces at once'],
    ['{namespace="a\\"} {x=\\"b"}', 'namespace a"} {x="b may not be read'],
    // What a scan for quotes and braces alone would take for text.
    ['{namespace="shop"} # "\n or {namespace="kube-system"}', 'unexpected "#'],
    ['{namespace="shop"} /* " */ or {namespace="kube-system"} // "', 'unexpected "/*'],
    ['{namespace="shop"} \'"\' or {job="x"}', 'unexpected "\'\\"'],
    ['{namespace="shop"} |= "a\n" or {job="x"}', 'unexpected'],
    ['{namespace="shop"', 'it ends too early'],
    ['{namespace="shop"}}', 'unexpected "}"'],
    ['{namespace="shop" or job="x"}', 'unexpected "or"'],
    ['{namespace=shop}', 'unexpected "shop"'],
    ['{namespace="shop"} |= `a', 'unexpected "`a"'],
    ['vector(1)', 'it selects no streams'],
    ['', 'it selects no streams'],
  ])('refuses %s', (expression, why) => {
    expect(reasonOf(expression)).toContain(why);
  });
});
