"""What tritonclient.http is refused, and how: InferenceServerException has the status and the
daemon's sentence.  To run: check_clients.py."""
import numpy as np
import tritonclient.http as triton

from client_triton import CLIENT, arguments, inputs, refusal


def tensor(name, datatype, array, shape=None):
    made = triton.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array)
    if shape is not None:
        made.set_shape(shape)
    return made


LOGITS = np.array([[2, 1, 0], [0, 1, 2]], np.float32)
TARGETS = np.array([0, 2])


def tensor_refusals():
    """(what, inputs, sentence) of each."""
    logits, targets = tensor('logits', 'FP32', LOGITS), tensor('targets', 'INT64', TARGETS)
    yield 'no inputs', [], 'logits'
    yield 'targets alone', [targets], 'logits'
    yield 'twice', [logits, logits, targets], 'logits'
    yield 'wrong name', [tensor('logit', 'FP32', LOGITS), targets], 'logits'
    yield 'wrong stage', [tensor('probabilities', 'FP32', LOGITS), targets], 'probabilities'
    yield 'bytes', [tensor('logits', 'FP32', LOGITS, [2, 4]), targets], 'logits'
    yield 'negative', [tensor('logits', 'FP32', LOGITS, [-2, -3]), targets], 'shape'
    yield 'rank', [tensor('logits', 'FP32', LOGITS, []), targets], 'logits'
    yield 'positions', [logits, tensor('targets', 'INT64', np.array([0, 1, 2]))], 'targets'
    yield 'class', [logits, tensor('targets', 'INT64', np.array([0, 3]))], \
        'targets[1] is 3, but there are 3 classes (0..2)'
    yield 'negative class', [logits, tensor('targets', 'INT8', np.array([0, -1], np.int8))], \
        'targets[1] is -1, but there are 3 classes (0..2)'
    yield 'strings', [tensor('logits', 'BYTES', LOGITS.astype(str).astype(np.object_)), targets], \
        'BYTES'
    yield 'booleans', [logits, tensor('targets', 'BOOL', TARGETS > 0)], 'BOOL'
    yield 'integers', [tensor('logits', 'INT32', LOGITS.astype(np.int32)), targets], 'INT32'
    yield 'large', [logits, tensor('targets', 'UINT64', np.array([0, 2 ** 63], np.uint64))], \
        'targets'
    shared = triton.InferInput('logits', [2, 3], 'FP32')
    shared.set_shared_memory('region', 24)
    yield 'shared memory', [shared, targets], 'shared memory'
    yield 'weights', [logits, targets, tensor('weights', 'FP32', LOGITS[0, :2])], 'weights'
    yield 'weights', [logits, targets, tensor('weights', 'FP64', np.ones(3))], 'weights'


def check_tensors(tally, client):
    for what, given, sentence in tensor_refusals():
        error = refusal(lambda: client.infer('cross_entropy', given))
        tally.expect_refusal(CLIENT, what, error, 400, sentence)


def check_settings(tally, client, case):
    given = arguments(case)
    unknown = [triton.InferRequestedOutput('sofmax')]
    shared = triton.InferRequestedOutput('loss')
    shared.set_shared_memory('region', 4)
    for status, changes, sentence in (
            (404, {'model_name': 'x'}, 'there is no model "x"'),
            (404, {'model_version': '2'}, '2'),
            (400, {'outputs': unknown}, 'softmax'),
            (400, {'outputs': [triton.InferRequestedOutput('loss')] * 2}, 'loss'),
            (400, {'outputs': [shared]}, 'shared memory'),
            (400, {'parameters': {'bin': 3}}, 'bins'),
            (400, {'parameters': {'reduction': 'median'}}, 'median'),
            (400, {'parameters': {'label_smoothing': 2.0}}, 'label_smoothing'),
            (400, {'parameters': {'k': 0}}, 'k'),
            (400, {'parameters': {'dtype': 'float64'}}, "dtype is no parameter"),
            (400, {'priority': -1}, 'priority'),
            (400, {'timeout': -1}, 'timeout'),
            (400, {'sequence_id': 7}, 'sequence_id')):
        error = refusal(lambda: client.infer(**{**given, **changes}))
        tally.expect_refusal(CLIENT, str(changes), error, status, sentence)
    huge = [tensor('logits', 'FP32', LOGITS, [2 ** 62, 8]), tensor('targets', 'INT64', TARGETS)]
    tally.expect_refusal(CLIENT, 'huge', refusal(lambda: client.infer('cross_entropy', huge)), 413,
                         'elements_max')
    broken = {**given, 'headers': {'Content-Encoding': 'gzip'}}
    tally.expect_refusal(CLIENT, 'not gzip', refusal(lambda: client.infer(**broken)), 400, 'gzip')
    pending = client.async_infer(**{**given, 'model_name': 'x'})
    tally.expect_refusal(CLIENT, 'async', refusal(lambda: pending.get_result(timeout=30)), 404,
                         'there is no model "x"')


def check_service(tally, client):
    fixed = 'the models are part of the program'
    for call, status, sentence in (
            (lambda: client.load_model('cross_entropy'), 501, fixed),
            (lambda: client.load_model('nll_loss', config='{}'), 501, fixed),
            (lambda: client.unload_model('cross_entropy'), 501, fixed),
            (lambda: client.get_model_metadata('x'), 404, 'there is no model "x"'),
            (lambda: client.get_model_config('x'), 404, 'there is no model "x"'),
            (lambda: client.get_inference_statistics('x'), 404, 'there is no model "x"'),
            (lambda: client.get_trace_settings(), 404, 'nothing at this path'),
            (lambda: client.get_log_settings(), 404, 'nothing at this path'),
            (lambda: client.get_system_shared_memory_status(), 404, 'nothing at this path')):
        tally.expect_refusal(CLIENT, 'service', refusal(call), status, sentence)


def run(tally, cases):
    with triton.InferenceServerClient(tally.daemon.address) as client:
        check_tensors(tally, client)
        check_settings(tally, client, cases[0])
        check_service(tally, client)
        result = client.infer('cross_entropy', inputs(cases[0]))  # it goes on
    tally.expect(CLIENT, 'afterwards', result.as_numpy('count').tolist(),
                 tally.answers(cases[0])[0]['count'].tolist())
