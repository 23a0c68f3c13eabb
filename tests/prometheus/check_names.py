#!/usr/bin/env python3
"""Hold the rules and the dashboard against a running daemon: each uses metrics that there are.

    PYTHONPATH=tests/support python3 tests/prometheus/check_names.py build/lossd PROMTOOL

Every metric name in an expression is scraped, or recorded by a rule; every label is one that some series
of it has, and every value that a matcher wants is one of its values.  Besides: promtool reads every
expression of the dashboard, its panels do not overlap, and every alert is tested and says what to do.
Grafana itself is no Debian package: that it shows this dashboard is not tested.
"""
import json
import re
import subprocess
import sys
import tempfile

import yaml

from daemon import Daemon
from promql import groupings_of, matchers_of, metrics_of

RULES = 'config/prometheus-rules.yaml'
DASHBOARD = 'config/grafana-dashboard.json'
TESTS = 'tests/prometheus/rules.yaml'
# What Prometheus adds, to series and of its own.
TARGET_LABELS = {'job', 'instance'}
OWN_METRICS = {'up': {}}
WIDTH = 24 # of Grafana's grid


def scraped(text):
    """{metric: {label: values}} of what /metrics says."""
    metrics = {}
    for line in text.splitlines():
        match = re.match(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ', line)
        if match and not line.startswith('#'):
            labels = metrics.setdefault(match.group(1), {})
            for label, value in re.findall(r'(\w+)="([^"]*)"', match.group(2) or ''):
                labels.setdefault(label, set()).add(value)
    return metrics


def faults_of_expression(expression, metrics):
    """Yields a sentence for each name in an expression that nothing has."""
    used = metrics_of(expression)
    for metric in used - metrics.keys():
        yield 'there is no metric %s' % metric
    known = TARGET_LABELS.union(*(metrics.get(metric, {}) for metric in used))
    for label in groupings_of(expression) - known:
        yield 'none of %s has a label %s' % (' '.join(sorted(used)), label)
    for metric, label, operator, wanted in matchers_of(expression):
        if label in TARGET_LABELS or metric not in metrics:
            continue
        values = metrics[metric].get(label)
        if values is None:
            yield '%s has no label %s' % (metric, label)
            continue
        for part in wanted.split('|') if '~' in operator else [re.escape(wanted)]:
            if not any(re.fullmatch(part.replace('\\\\', '\\'), value) for value in values):
                yield '%s of %s is never %s' % (label, metric, part)


def recorded(rules, metrics):
    """The metrics that rules make: with the labels that their names begin with, and the values that
    those have where they are made from."""
    made = {}
    for rule in rules:
        if 'record' in rule:
            sources = [metrics.get(name, {}) for name in metrics_of(rule['expr'])]
            made[rule['record']] = {label: set().union(*(source.get(label, ()) for source in sources))
                                    for label in rule['record'].split(':')[0].split('_')}
    return made


def tested_names():
    """What some test expects to have a value, or to fire."""
    with open(TESTS, encoding='utf-8') as file:
        tests = yaml.safe_load(file)['tests']
    names = {alert['alertname'] for test in tests for alert in test.get('alert_rule_test', ())
             if alert.get('exp_alerts')}
    for test in tests:
        for case in test.get('promql_expr_test', ()):
            if case['exp_samples']:
                said = ' '.join([case['expr'], *(sample.get('labels', '') for sample in case['exp_samples'])])
                names.update(re.findall(r'[a-zA-Z_:][\w:]*', said))
    return names


def faults_of_rules(rules, metrics):
    tested = tested_names()
    for rule in rules:
        name = rule.get('alert') or rule['record']
        for fault in faults_of_expression(rule['expr'], metrics):
            yield '%s: %s: %s' % (RULES, name, fault)
        if name not in tested:
            yield '%s: %s is not tested by %s' % (RULES, name, TESTS)
        if 'alert' in rule and not all(rule['annotations'].get(key) for key in ('summary', 'description')):
            yield '%s: %s does not say what it means and what to do' % (RULES, name)


def expressions_of(dashboard):
    """Yields (where, expression) of everything that asks Prometheus."""
    for panel in dashboard['panels']:
        for target in panel.get('targets', []):
            yield 'panel %s' % panel['title'], target['expr']
    for annotation in dashboard['annotations']['list']:
        yield 'annotation %s' % annotation['name'], annotation['expr']
    for variable in dashboard['templating']['list']:
        if variable['type'] == 'query':
            yield 'variable %s' % variable['name'], variable['query']['query'].split('(')[1].split(',')[0]


def faults_of_layout(panels):
    """Yields a sentence for panels that share a number or a place, or leave the grid."""
    taken, ids = {}, set()
    for panel in panels:
        place = panel['gridPos']
        if panel['id'] in ids:
            yield 'two panels have id %d' % panel['id']
        ids.add(panel['id'])
        if place['x'] + place['w'] > WIDTH:
            yield 'panel %s is wider than the grid' % panel['title']
        for x in range(place['x'], place['x'] + place['w']):
            for y in range(place['y'], place['y'] + place['h']):
                if taken.setdefault((x, y), panel['title']) != panel['title']:
                    yield 'panels %s and %s overlap' % (taken[x, y], panel['title'])
                    return


def with_variables_filled(expression):
    return re.sub(r'\$job|\$instance', '.*', expression.replace('$__rate_interval', '1m'))


def faults_of_dashboard(dashboard, metrics, promtool):
    rules = []
    for where, expression in expressions_of(dashboard):
        filled = with_variables_filled(expression)
        for fault in faults_of_expression(filled, metrics):
            yield '%s: %s: %s' % (DASHBOARD, where, fault)
        rules.append({'record': 'expression:%d' % len(rules), 'expr': filled})
    for fault in faults_of_layout(dashboard['panels']):
        yield '%s: %s' % (DASHBOARD, fault)
    with tempfile.NamedTemporaryFile('w', suffix='.yaml') as file:
        yaml.safe_dump({'groups': [{'name': 'dashboard', 'rules': rules}]}, file)
        file.flush()
        said = subprocess.run([promtool, 'check', 'rules', file.name], capture_output=True, text=True)
    if said.returncode != 0:
        yield '%s: %s' % (DASHBOARD, said.stdout + said.stderr)


def main(program, promtool):
    with Daemon(program) as lossd:
        metrics = {**OWN_METRICS, **scraped(lossd.get('/metrics')[1])}
    with open(RULES, encoding='utf-8') as file:
        rules = [rule for group in yaml.safe_load(file)['groups'] for rule in group['rules']]
    with open(DASHBOARD, encoding='utf-8') as file:
        dashboard = json.load(file)
    metrics.update(recorded(rules, metrics))
    faults = list(faults_of_rules(rules, metrics))
    faults += faults_of_dashboard(dashboard, metrics, promtool)
    print('\n'.join(faults) if faults else 'prometheus: %d rules and %d expressions of the dashboard use '
          'what there is' % (len(rules), len(list(expressions_of(dashboard)))))
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
