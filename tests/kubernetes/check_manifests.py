#!/usr/bin/env python3
"""Hold docker/kubernetes and docker/compose.yaml against each other and against the daemon.

    PYTHONPATH=tests/support python3 tests/kubernetes/check_manifests.py build/lossd

Selectors find labels, ports and names agree, probes ask for paths that are answered, the environment is one
that the daemon takes, and times, memory and CPUs fit its settings.  No cluster is asked: that the manifests
do what they say on one is not tested here.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

import yaml

from daemon import Daemon

FOLDER = pathlib.Path('docker/kubernetes')
KUSTOMIZATION = 'kustomization.yaml'
# What needs resource definitions of others, and is applied by itself.
APART = {'service-monitor.yaml', 'inference-service.yaml'}
UNITS = {'': 1, 'm': 1e-3, 's': 1, 'Ki': 2**10, 'Mi': 2**20, 'Gi': 2**30, 'g': 2**30}
BUDGET_SHARE = 0.75 # of the memory limit: the program, its pool and sockets need some
CONTAINER_SECURITY = {'allowPrivilegeEscalation': False, 'readOnlyRootFilesystem': True,
                      'capabilities': {'drop': ['ALL']}}
POD_SECURITY = {'runAsNonRoot': True, 'runAsUser': 65532, 'runAsGroup': 65532,
                'seccompProfile': {'type': 'RuntimeDefault'}}


def amount(text):
    """"500m", "1Gi" or "35s" as a number."""
    number, unit = re.fullmatch(r'([\d.]+)(\D*)', str(text)).groups()
    return float(number) * UNITS[unit]


def settings_of(program, environment):
    """What `lossd config` makes of an environment: (settings, None), or (None, what it refuses)."""
    own = {name: value for name, value in environment.items() if name.startswith('LOSSD_')}
    printed = subprocess.run([program, 'config'], env=own, capture_output=True, text=True)
    return (json.loads(printed.stdout), None) if printed.returncode == 0 else (None, printed.stderr.strip())


def stop_seconds(settings):
    return (settings['drain_delay_ms'] + settings['drain_timeout_ms']) / 1000


def faults_of_probes(container, settings, lossd):
    ports = {port['name']: port['containerPort'] for port in container['ports']}
    if list(ports.values()) != [settings['listen_port']]:
        yield 'containerPort is not listen_port'
    for name in ('startupProbe', 'readinessProbe', 'livenessProbe'):
        ask = container.get(name, {}).get('httpGet')
        if ask is None:
            if name != 'startupProbe':
                yield 'there is no %s' % name
            continue
        if ask['port'] not in ports:
            yield '%s: there is no port %s' % (name, ask['port'])
        if lossd.get(ask['path'])[0] != 200:
            yield '%s: %s is not answered with 200' % (name, ask['path'])
    readiness = container['readinessProbe']
    notice = readiness['periodSeconds'] * readiness['failureThreshold'] + readiness['timeoutSeconds']
    if notice >= settings['drain_delay_ms'] / 1000:
        yield 'readiness is noticed after %d s, later than drain_delay_ms' % notice


def faults_of_pod(pod, program, lossd):
    """Yields a sentence for what does not fit in the specification of a pod."""
    container, = pod['containers']
    settings, refused = settings_of(program, {row['name']: row['value'] for row in container['env']})
    if refused:
        yield refused
        return
    limits = container['resources']['limits']
    if pod['terminationGracePeriodSeconds'] <= stop_seconds(settings):
        yield 'terminationGracePeriodSeconds is not above drain_delay_ms and drain_timeout_ms'
    if not 0 < settings['memory_budget_bytes'] <= BUDGET_SHARE * amount(limits['memory']):
        yield 'memory_budget_bytes does not fit into the limit of memory'
    if settings['workers'] != amount(limits['cpu']):
        yield 'workers are not as many as the limit of CPUs'
    if settings['listen_address'] not in ('0.0.0.0', '::'):
        yield 'it listens on %s' % settings['listen_address']
    if pod['enableServiceLinks'] is not False or pod['automountServiceAccountToken'] is not False:
        yield 'the pod gets variables or a token that it has no use for'
    if pod['securityContext'] != POD_SECURITY or container['securityContext'] != CONTAINER_SECURITY:
        yield 'the security context is not the restricted one'
    yield from faults_of_probes(container, settings, lossd)


def selectors_of(kind, spec):
    """Yields the labels by which a resource chooses others."""
    if kind == 'Service':
        yield spec['selector']
    if 'matchLabels' in spec.get('selector', {}):
        yield spec['selector']['matchLabels']
    if 'podSelector' in spec:
        yield spec['podSelector']['matchLabels']


def faults_of_references(found, metrics):
    """Yields a sentence for each name, label or port of one resource that another has not."""
    deployment, service = found['Deployment'], found['Service']
    template = deployment['spec']['template']
    for kind, resource in found.items():
        for selector in selectors_of(kind, resource.get('spec', {})):
            chosen = service if kind == 'ServiceMonitor' else template
            if not selector.items() <= chosen['metadata']['labels'].items():
                yield '%s selects %s, which nothing has' % (kind, selector)
    ports = {port['name']: port['containerPort'] for port in template['spec']['containers'][0]['ports']}
    if service['spec']['ports'][0]['targetPort'] not in ports:
        yield 'Service: there is no such targetPort'
    if found['ServiceMonitor']['spec']['endpoints'][0]['port'] != service['spec']['ports'][0]['name']:
        yield 'ServiceMonitor: the Service has no such port'
    if found['NetworkPolicy']['spec']['ingress'][0]['ports'][0]['port'] not in ports.values():
        yield 'NetworkPolicy: there is no such port'
    scaled = found['HorizontalPodAutoscaler']['spec']
    if scaled['scaleTargetRef']['name'] != deployment['metadata']['name'] or 'replicas' in deployment['spec']:
        yield 'HorizontalPodAutoscaler: it does not have the say over the Deployment'
    if scaled['minReplicas'] <= found['PodDisruptionBudget']['spec']['minAvailable']:
        yield 'PodDisruptionBudget: no pod may ever be moved'
    for metric in scaled['metrics']:
        if metric['type'] == 'Pods' and '\n%s ' % metric['pods']['metric']['name'] not in metrics:
            yield 'HorizontalPodAutoscaler: there is no metric %s' % metric['pods']['metric']['name']


def faults_of_files(found, program):
    kustomization = yaml.safe_load((FOLDER / KUSTOMIZATION).read_text())
    version = subprocess.run([program, '--version'], check=True, capture_output=True, text=True).stdout
    # A tag that stays while its image changes is not fetched again where it was.
    if [image['newTag'] for image in kustomization['images']] != version.split()[1:2]:
        yield 'kustomization.yaml has another version than %s' % version.strip()
    files = {path.name for path in FOLDER.iterdir()} - {KUSTOMIZATION} - APART
    if set(kustomization['resources']) != files:
        yield 'kustomization.yaml lists other files than there are'
    for kind, resource in found.items():
        if resource['metadata'].get('namespace', kustomization['namespace']) != kustomization['namespace']:
            yield '%s is in another namespace' % kind


def faults_of_compose(program):
    service = yaml.safe_load(pathlib.Path('docker/compose.yaml').read_text())['services']['lossd']
    settings, refused = settings_of(program, service['environment'])
    if refused:
        yield refused
    elif amount(service['stop_grace_period']) <= stop_seconds(settings):
        yield 'stop_grace_period is not above drain_delay_ms and drain_timeout_ms'


def faults_of_all(program):
    found = {}
    for path in sorted(FOLDER.glob('*.yaml')):
        if path.name != KUSTOMIZATION:
            resource = yaml.safe_load(path.read_text())
            found[resource['kind']] = resource
    pods = {'Deployment': found['Deployment']['spec']['template']['spec'],
            'InferenceService': found['InferenceService']['spec']['predictor']}
    with Daemon(program) as lossd:
        for kind, pod in pods.items():
            for fault in faults_of_pod(pod, os.path.abspath(program), lossd):
                yield '%s: %s' % (kind, fault)
        yield from faults_of_references(found, lossd.get('/metrics')[1])
    yield from faults_of_files(found, program)
    for fault in faults_of_compose(program):
        yield 'compose.yaml: %s' % fault
    print('manifests: %d resources' % len(found))


def main(program):
    faults = list(faults_of_all(program))
    print('\n'.join(faults) if faults else 'manifests: all agree with each other and with the daemon')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
