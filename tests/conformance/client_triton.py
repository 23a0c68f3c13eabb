"""tritonclient.http against the daemon: its synchronous client.  To run: check_clients.py."""
import urllib.request

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

import client_cases

CLIENT = 'tritonclient.http'
FORMS = {'binary': (True, True), 'JSON': (False, False), 'binary to JSON': (True, False),
         'JSON to binary': (False, True)}
NO_BFLOAT16 = 'this tritonclient has BF16 only as float32'
NO_JSON_BFLOAT16 = 'tritonclient sends BF16 in binary only'


def skip_reason(case, form):
    """Why the client cannot ask this in this form, or None."""
    if case.datatype != 'BF16':
        return None
    if np.dtype(triton_to_np_dtype('BF16')).itemsize != 2:
        return NO_BFLOAT16
    return None if FORMS[form][0] else NO_JSON_BFLOAT16


def inputs(case, is_binary=True, module=triton):
    made = []
    for name, datatype, array in case.inputs():
        if datatype == 'BF16':
            array = array.view(triton_to_np_dtype('BF16'))
        made.append(module.InferInput(name, list(array.shape), datatype))
        made[-1].set_data_from_numpy(array, binary_data=is_binary)
    return made


def arguments(case, form='binary', module=triton):
    """Those of infer() for a case."""
    is_binary_in, is_binary_out = FORMS[form]
    return {'model_name': case.model, 'inputs': inputs(case, is_binary_in, module),
            'outputs': [module.InferRequestedOutput(name, binary_data=is_binary_out)
                        for name in case.outputs],
            'parameters': dict(case.parameters)}


def reader(result, case):
    """Outputs as case.read has them: BF16 as bits."""
    def read(name):
        array = result.as_numpy(name)
        is_bits = case.datatype == 'BF16' and name in client_cases.ROUNDED and array is not None
        return array.view(np.int16) if is_bits else array
    return read


def refusal(call):
    try:
        call()
    except InferenceServerException as error:
        return error
    return None


def check_cases(tally, client, cases):
    for case in cases:
        for form in FORMS:
            reason = skip_reason(case, form)
            if reason is not None:
                tally.skip(CLIENT, reason)
                continue
            result = client.infer(**arguments(case, form))
            tally.compare(CLIENT, form, case, reader(result, case))


def expected_index():
    return [{'name': model, 'version': '1', 'state': 'READY', 'reason': ''}
            for model in client_cases.STAGES]


def check_service(tally, client):
    """What there is beside inference."""
    tally.expect(CLIENT, 'live', client.is_server_live(), True)
    tally.expect(CLIENT, 'ready', client.is_server_ready(query_params={'a': 1}), True)
    server = client.get_server_metadata(headers={'X-Request-Id': 'seven'})
    tally.expect(CLIENT, 'server metadata', server['name'], 'lossd')
    tally.expect(CLIENT, 'index', client.get_model_repository_index(), expected_index())
    for model, stage in client_cases.STAGES.items():
        for version in ('', '1'):
            tally.expect(CLIENT, 'ready', client.is_model_ready(model, version), True)
            told = client.get_model_metadata(model, version)
            names = [told['name'], told['versions']] + [item['name'] for item in told['inputs']]
            tally.expect(CLIENT, 'metadata', names, [model, ['1'], stage, 'targets', 'weights'])
            config = client.get_model_config(model, version)
            tally.expect(CLIENT, 'config', [config['name'], config['max_batch_size']], [model, 0])
            stats = client.get_inference_statistics(model, version)['model_stats']
            tally.expect(CLIENT, 'statistics', [one['name'] for one in stats], [model])
        for version in ('2', 'x'):
            tally.expect(CLIENT, 'not ready', client.is_model_ready(model, version), False)
    tally.expect(CLIENT, 'no model', client.is_model_ready('no such/model'), False)
    names = [one['name'] for one in client.get_inference_statistics()['model_stats']]
    tally.expect(CLIENT, 'statistics', names, list(client_cases.STAGES))


def check_statistics(tally, client, case):
    """Inferences are counted, and failures apart."""
    def counts():
        stats = client.get_inference_statistics(case.model, '1')['model_stats'][0]
        return [stats['inference_count'], stats['inference_stats']['success']['count'],
                stats['inference_stats']['fail']['count']]
    before = counts()
    for _ in range(3):
        client.infer(**arguments(case))
    error = refusal(lambda: client.infer(case.model, inputs(case)[:1]))
    tally.expect_refusal(CLIENT, 'no targets', error, 400, 'targets')
    after = counts()
    tally.calls[CLIENT] += 4
    rows = len(case.tensors[case.stage])
    tally.expect(CLIENT, 'counted', [b - a for a, b in zip(before, after)], [3 * rows, 3, 1])


def check_settings(tally, client, case):
    """What infer() has beside tensors and outputs."""
    for settings in ({'model_version': '1'}, {'priority': 1}, {'timeout': 30000000},
                     {'priority': 7, 'timeout': 30000000}, {'sequence_id': 0},
                     {'headers': {'X-Request-Id': 'seven', 'X-Timeout-Ms': '30000'}},
                     {'query_params': {'a': 1, 'b': ['2', 'c d']}},
                     {'parameters': {'bins': 15, 'k': 5}}):
        result = client.infer(**{**arguments(case), **settings})
        tally.compare(CLIENT, str(settings), case, reader(result, case))
    for coding in (None, 'gzip', 'deflate'):
        for coding_out in (None, 'gzip', 'deflate'):
            for form in ('binary', 'JSON'):
                result = client.infer(**arguments(case, form),
                                      request_compression_algorithm=coding,
                                      response_compression_algorithm=coding_out)
                what = '%s, %s to %s' % (form, coding, coding_out)
                tally.compare(CLIENT, what, case, reader(result, case))
    for identity in ('7', 'a "quoted" \u00e9 id', '42' * 100):
        response = client.infer(**arguments(case), request_id=identity).get_response()
        tally.expect(CLIENT, 'id', response.get('id'), identity)
    response = client.infer(**arguments(case)).get_response()
    tally.expect(CLIENT, 'names', ['id' in response, response['model_name'],
                                   response['model_version']], [False, case.model, '1'])


def check_defaults(tally, client, case):
    """Without outputs: all that are declared, in binary; and a table by its own name."""
    result = client.infer(case.model, inputs(case))
    names = [output['name'] for output in result.get_response()['outputs']]
    declared = client.get_model_metadata(case.model)['outputs']
    tally.expect(CLIENT, 'declared', names, [output['name'] for output in declared])
    expected = tally.answers(case)[0]
    for name in names:
        tally.expect(CLIENT, name, result.as_numpy(name).tolist(), expected[name].tolist())
    for is_binary in (True, False):
        wanted = [triton.InferRequestedOutput(key, binary_data=is_binary)
                  for key in client_cases.TABLES]
        result = client.infer(case.model, inputs(case), outputs=wanted)
        for key, columns in client_cases.TABLES.items():
            for name in ('%s.%s' % (key, column) for column in columns):
                tally.expect(CLIENT, name, str(result.as_numpy(name)), str(expected[name]))


def ranked(array, count):
    """A matrix as Triton classifies its rows."""
    order = np.argsort(-array, axis=1, kind='stable')[:, :count]
    return [[b'%f:%d' % (row[i], i) for i in indices] for row, indices in zip(array, order)]


def check_classification(tally, client, case):
    softmax = tally.answers(case)[0]['softmax']
    for is_binary in (True, False):
        for count in (1, 3, softmax.shape[1], 1000):
            wanted = [triton.InferRequestedOutput('softmax', is_binary, class_count=count)]
            got = client.infer(case.model, inputs(case), outputs=wanted).as_numpy('softmax')
            texts = [[item if is_binary else item.encode() for item in row] for row in got]
            tally.expect(CLIENT, 'classification %d' % count, texts, ranked(softmax, count))


def check_async(tally, client, cases):
    pending = [(case, client.async_infer(**arguments(case, form)))
               for case in cases for form in FORMS if skip_reason(case, form) is None]
    for case, request in pending:
        tally.compare(CLIENT, 'async', case, reader(request.get_result(timeout=30), case))


def check_bodies(tally, case):
    """The client's bodies by another one's wire, as SageMaker's users do."""
    given = arguments(case)
    model = given.pop('model_name')
    body, head = triton.InferenceServerClient.generate_request_body(**given)
    url = 'http://%s/v2/models/%s/infer' % (tally.daemon.address, model)
    headers = {'Inference-Header-Content-Length': str(head)}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as reply:
        head = int(reply.headers['Inference-Header-Content-Length'])
        result = triton.InferenceServerClient.parse_response_body(reply.read(), header_length=head)
    tally.compare(CLIENT, 'bodies', case, reader(result, case))


def run(tally, cases):
    ordinary = cases[0]
    with triton.InferenceServerClient(tally.daemon.address, concurrency=4) as client:
        check_service(tally, client)
        check_cases(tally, client, cases)
        check_settings(tally, client, ordinary)
        check_defaults(tally, client, ordinary)
        check_classification(tally, client, ordinary)
        check_statistics(tally, client, ordinary)
        check_async(tally, client, cases[::4])
        check_bodies(tally, ordinary)
