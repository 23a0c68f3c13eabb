"""Hooks of schemathesis: requests that mean something.

A schema says what a tensor looks like, but not that one tensor fits another, so that of the requests
drawn from it nearly none would be evaluated.  Here, of those that obey the schema, most get tensors that
fit each other, made from their own text alone; what is not JSON gets its form.  Requests that break
the schema go out as they are.
"""
import json
import random
import struct

import schemathesis

LINES = ('application/x-ndjson', 'application/jsonl')
BYTES = ('application/x-safetensors', 'application/octet-stream')
STAGES = ('logits', 'probabilities', 'log_probabilities')
STAGE_OF_MODEL = {'cross_entropy': 'logits', 'nll_loss': 'log_probabilities',
                  'categorical_cross_entropy': 'probabilities'}
OUTPUTS = ('losses', 'softmax', 'log_softmax', 'gradient', 'predictions', 'accuracy', 'top_k_accuracy',
           'perplexity', 'entropy', 'confidence', 'brier', 'ece', 'per_class', 'confusion_matrix')
ODD = ('NaN', 'Infinity', '-Infinity', 1e308, -1e38, 5e-324, 0, -0.0)


def made(body):
    """Bytes as characters 0 to 255: schemathesis takes bytes from its hooks for a breach of the schema."""
    return body.decode('latin-1')


@schemathesis.serializer(*LINES, *BYTES)
def as_it_is(_, value):
    """Strings as they are, made ones as the bytes they stand for; what else was drawn as JSON."""
    if not isinstance(value, (str, bytes)):
        value = json.dumps(value, default=str)
    if isinstance(value, str):
        is_made = all(character <= '\xff' for character in value)
        value = value.encode('latin-1') if is_made else value.encode('utf-8', 'surrogatepass')
    return value


def nested(numbers, shape):
    """A flat list as arrays of that shape."""
    if not shape:
        return next(numbers)
    return [nested(numbers, shape[1:]) for _ in range(shape[0])]


def size_of(shape):
    size = 1
    for dimension in shape:
        size *= dimension
    return size


def tensors_of(draw, stage, may_be_odd=True):
    """{name: (shape, numbers, whether they are indices)} that fit each other."""
    classes = draw.choice((1, 2, 3, 5, 17))
    positions = [draw.choice((0, 1, 2, 3, 8)) for _ in range(draw.choice((0, 1, 1, 1, 2, 3)))]
    odd = may_be_odd and draw.random() < 0.3
    shape = positions[:1] + [classes] + positions[1:]

    def number():
        if odd and draw.random() < 0.1:
            return draw.choice(ODD) if stage != 'probabilities' else 0
        return draw.random() if stage == 'probabilities' else draw.uniform(-20, 20)

    tensors = {stage: (shape, [number() for _ in range(size_of(shape))], False)}
    if draw.random() < 0.7:
        tensors['targets'] = (positions, [draw.choice((draw.randrange(classes), -100)) if
                                          draw.random() < 0.1 else draw.randrange(classes)
                                          for _ in range(size_of(positions))], True)
    else:
        tensors['targets'] = (shape, [draw.random() for _ in range(size_of(shape))], False)
    if draw.random() < 0.3:
        tensors['weights'] = ([classes], [draw.random() for _ in range(classes)], False)
    return tensors


def evaluation(draw, body):
    """The body of an evaluation with the options of `body`."""
    stage = next((name for name in STAGES if name in body), draw.choice(STAGES))
    new = {key: value for key, value in body.items() if key not in STAGES + ('targets', 'weights')}
    for name, (shape, numbers, _) in tensors_of(draw, stage).items():
        new[name] = nested(iter(numbers), shape)
    return new


def packed(numbers, is_index):
    if is_index:
        return struct.pack('<%dq' % len(numbers), *numbers)
    return struct.pack('<%df' % len(numbers), *map(float, numbers))


def safetensors(draw):
    header, data = {}, b''
    for name, (shape, numbers, is_index) in tensors_of(draw, draw.choice(STAGES), False).items():
        piece = packed(numbers, is_index)
        header[name] = {'dtype': 'I64' if is_index else 'F32', 'shape': shape,
                        'data_offsets': [len(data), len(data) + len(piece)]}
        data += piece
    if draw.random() < 0.5:
        header['__metadata__'] = {'return': ','.join(draw.sample(OUTPUTS, draw.randrange(4)))}
    text = json.dumps(header).encode()
    return struct.pack('<Q', len(text)) + text + data


def inference(draw, model, body, binary):
    """An inference request: its JSON and the bytes after it."""
    new, data, inputs = dict(body), b'', []
    for name, (shape, numbers, is_index) in tensors_of(
            draw, STAGE_OF_MODEL.get(model, 'logits'), not binary).items():
        item = {'name': name, 'shape': shape, 'datatype': 'INT64' if is_index else 'FP32'}
        if binary and draw.random() < 0.7:
            piece = packed(numbers, is_index)
            item['parameters'] = {'binary_data_size': len(piece)}
            data += piece
        else:
            item['data'] = numbers if draw.random() < 0.5 else nested(iter(numbers), shape)
        inputs.append(item)
    draw.shuffle(inputs)
    # The bytes have to follow in the order of the inputs.
    if binary:
        inputs.sort(key=lambda item: ('logits', 'probabilities', 'log_probabilities', 'targets',
                                      'weights').index(item['name']))
    new['inputs'] = inputs
    if draw.random() < 0.5:
        new.pop('outputs', None)
    return new, data


@schemathesis.hook
def before_call(context, case, kwargs):
    del context, kwargs
    if case.method != 'POST' or case.meta is None:
        return
    if not case.meta.generation.mode.is_positive:
        if case.media_type in LINES:
            # What is wrong in the query is told of every line, in a reply that is 200: so one line alone.
            case.media_type = 'application/json'
            case.body = {'logits': [[2, 1]], 'targets': [0]}
        if case.query and case.query.get('return') in ('', ['']):
            case.query['return'] = ['loss']  # written as it was, it is an empty list, which is right
        return
    draw = random.Random(repr((case.body, case.query, case.media_type)))
    path = case.operation.path
    if path.endswith('/infer'):
        if case.headers is not None:
            case.headers.pop('Inference-Header-Content-Length', None)
        if draw.random() < 0.1:
            return
        binary = case.media_type == 'application/octet-stream'
        body = case.body if isinstance(case.body, dict) else {}
        new, data = inference(draw, case.path_parameters.get('model'), body, binary)
        if not binary:
            case.body = new
            return
        if draw.random() < 0.5:
            new['parameters'] = {'binary_data_output': True}
        text = json.dumps(new).encode()
        case.body = made(text + data)
        case.headers['Inference-Header-Content-Length'] = str(len(text))
    elif path == '/v1/evaluate':
        if draw.random() < 0.1:
            return
        if case.media_type == 'application/json' and isinstance(case.body, dict):
            # What is in the query and in the body is refused: mostly only one of them stays.
            for name in list(case.query or ()):
                if name in case.body or draw.random() < 0.6:
                    del case.query[name]
            case.body = evaluation(draw, case.body)
        elif case.media_type in LINES:
            lines = [json.dumps(evaluation(draw, {})) for _ in range(draw.randrange(4))]
            lines.insert(draw.randrange(len(lines) + 1), draw.choice(('', '{}', 'no JSON')))
            case.body = made('\n'.join(lines).encode())
        elif case.media_type in BYTES:
            case.body = made(safetensors(draw))
