"""tritonclient: the Open Inference Protocol, with binary tensors."""
import os

import numpy
import tritonclient.http as triton

URL = os.environ.get('EVALUATE_URL', 'http://127.0.0.1:8080')


def tensor(name, array, datatype):
    made = triton.InferInput(name, array.shape, datatype)
    made.set_data_from_numpy(array)
    return made


client = triton.InferenceServerClient(URL.partition('://')[2])
print('ready', client.is_model_ready('cross_entropy'))
result = client.infer(
    'cross_entropy',
    [tensor('logits', numpy.array([[2, 1], [0, 3]], 'float32'), 'FP32'),
     tensor('targets', numpy.array([0, 1]), 'INT64')],
    outputs=[triton.InferRequestedOutput('loss'), triton.InferRequestedOutput('softmax')],
    parameters={'label_smoothing': 0.1})
print('loss', result.as_numpy('loss'), 'softmax', result.as_numpy('softmax').tolist())
