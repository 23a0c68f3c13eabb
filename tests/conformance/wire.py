"""A sample as the JSON of POST /v1/evaluate, and the reply as tensors.  To run: check_torch.py."""
import torch

ALL_IGNORED = -100
# Parameters of PyTorch's functions that say nothing about the numbers, or are read elsewhere.
NOT_SENT = ('input', 'target', 'weight', 'dim', 'dtype', '_stacklevel')


class Inexpressible(Exception):
    """Why a sample cannot be written as a request."""


def nested(tensor):
    """The tensor as lists.  float16 and bfloat16 values are float32 values, too, and every float32
    is a float64: json writes them by repr, and nothing is lost."""
    lists = tensor.tolist()
    if torch.tensor(lists).shape != tensor.shape:
        raise Inexpressible('JSON cannot write a shape such as %s' % list(tensor.shape))
    return lists


def numbers(lists):
    """The reply's lists with its strings "NaN", "Infinity" and "-Infinity" as numbers."""
    return [numbers(item) for item in lists] if isinstance(lists, list) else float(lists)


def class_axis(sample):
    """The axis of a softmax's classes, counted from 0."""
    dim = sample.arguments.get('dim', -3 if sample.operation == 'nn.Softmax2d' else None)
    if dim is None or type(dim) is not int:
        raise Inexpressible('a request has no dim: the class axis is where it is')
    return dim % max(sample.arguments['input'].dim(), 1)


def with_classes_second(sample):
    """The input with its class axis where lossd has it."""
    tensor = torch.atleast_1d(sample.arguments['input'])
    return tensor if tensor.dim() == 1 else tensor.movedim(class_axis(sample), 1)


def softmax_request(sample):
    if 'input' not in sample.arguments:
        raise Inexpressible('it fails before there is an input: in the constructor, by its dim')
    predictions = with_classes_second(sample)
    positions = predictions.shape[:1] + predictions.shape[2:] if predictions.dim() > 1 else ()
    return {sample.field: nested(predictions), 'return': [sample.result],
            'targets': nested(torch.full(positions, ALL_IGNORED))}


def loss_request(sample):
    arguments = sample.arguments
    tensors = {'targets': arguments['target'], 'weights': arguments.get('weight')}
    predictions, targets = arguments['input'], arguments['target']
    if not targets.is_floating_point() and targets.shape == predictions.shape:
        raise Inexpressible("JSON's numbers have no type: integers of the predictions' shape are "
                            'class probabilities')
    for name, tensor in tensors.items():
        if tensor is not None and tensor.is_floating_point() and tensor.dtype != predictions.dtype:
            raise Inexpressible('a request has one dtype: not another one for the %s' % name)
    body = {sample.field: nested(predictions)}
    body.update({name: nested(tensor) for name, tensor in tensors.items() if tensor is not None})
    body.update({name: value for name, value in arguments.items() if name not in NOT_SENT})
    return body


def request(sample):
    """The body for a sample, before anything else is asked to be returned."""
    body = loss_request(sample) if sample.result == 'loss' else softmax_request(sample)
    wide = torch.float64 in (sample.dtype, sample.arguments.get('dtype'))
    return {**body, 'dtype': 'float64' if wide else 'float32'}


def read(sample, reply, key):
    """A member of the reply as a tensor of the reply's dtype, laid out as PyTorch's."""
    tensor = torch.tensor(numbers(reply[key]), dtype=getattr(torch, reply['dtype']))
    if key in ('softmax', 'log_softmax'):
        shape = sample.arguments['input'].shape
        return tensor.movedim(1, class_axis(sample)) if len(shape) > 1 else tensor.reshape(shape)
    return tensor
