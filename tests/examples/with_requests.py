"""requests and numpy: JSON in both directions, and a failure as an exception."""
import os

import numpy
import requests

URL = os.environ.get('EVALUATE_URL', 'http://127.0.0.1:8080')
session = requests.Session()  # keeps its connection


def evaluate(logits, targets, **options):
    body = {'logits': logits.tolist(), 'targets': targets.tolist(), **options}
    response = session.post(URL + '/v1/evaluate', json=body, timeout=30)
    if response.status_code == 503:  # full or stopping: try again after response.headers['Retry-After']
        raise TimeoutError(response.json()['error'])
    if response.status_code != 200:
        raise ValueError('%(code)s: %(error)s' % response.json())
    return response.json()


logits = numpy.array([[13, 3, 2, 5, 1], [1, 8, 20, 2, 3], [1, 14, 3, 5, 3]], dtype='float32')
result = evaluate(logits, numpy.array([0, 2, 1]), **{'return': ['gradient', 'accuracy']})
print('loss', result['loss'], 'accuracy', result['accuracy'])
print('gradient of the targets', numpy.array(result['gradient'])[[0, 1, 2], [0, 2, 1]])

try:
    evaluate(logits, numpy.array([0, 2, 5]))
except ValueError as error:
    print(error)
