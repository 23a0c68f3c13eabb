"""What the clients ask: a case is one evaluation, with its tensors as numpy has them.

A case knows the two answers that a client's is held against: that of POST /v1/evaluate, bit for
bit, and PyTorch's (client_torch.py).  To run them: check_clients.py.
"""
import dataclasses

import numpy as np
import torch
from safetensors.torch import save

import wire

STAGES = {'cross_entropy': 'logits', 'nll_loss': 'log_probabilities',
          'categorical_cross_entropy': 'probabilities'}
FLOATS = {'FP16': torch.float16, 'BF16': torch.bfloat16, 'FP32': torch.float32,
          'FP64': torch.float64}
INTEGERS = {'INT8': torch.int8, 'INT16': torch.int16, 'INT32': torch.int32, 'INT64': torch.int64,
            'UINT8': torch.uint8, 'UINT16': torch.uint16, 'UINT32': torch.uint32,
            'UINT64': torch.uint64}
TABLES = {'ece_bins': ('count', 'confidence', 'accuracy'),
          'per_class': ('loss_sum', 'weight', 'count', 'correct')}

FIGURES = ('loss', 'loss_sum', 'weight_sum', 'count', 'ignored', 'classes')
ANY_TARGETS = FIGURES + ('losses', 'softmax', 'log_softmax', 'gradient', 'predictions', 'entropy',
                         'confidence')
INDEX_TARGETS = ANY_TARGETS + (
    'correct', 'accuracy', 'top_k_accuracy', 'perplexity', 'brier', 'ece', 'ece_bins.count',
    'ece_bins.confidence', 'ece_bins.accuracy', 'per_class.loss_sum', 'per_class.weight',
    'per_class.count', 'per_class.correct', 'confusion_matrix')
# Of the predictions' dtype; the others are counts and indices, or float64.
ROUNDED = ('loss', 'losses', 'softmax', 'log_softmax', 'gradient')
SHAPED = ('softmax', 'log_softmax', 'gradient')  # as the predictions are
WHOLE = ('count', 'ignored', 'classes', 'correct', 'predictions', 'confusion_matrix')


@dataclasses.dataclass
class Case:
    name: str
    model: str
    datatype: str  # of predictions, weights and class probabilities
    target_datatype: str
    tensors: dict  # by the protocol's names; torch tensors
    parameters: dict = dataclasses.field(default_factory=dict)
    outputs: tuple = INDEX_TARGETS

    @property
    def stage(self):
        return STAGES[self.model]

    def inputs(self):
        """(name, datatype, array) of each input; BF16 as the 16 bits of each element."""
        for name, tensor in self.tensors.items():
            datatype = self.target_datatype if name == 'targets' else self.datatype
            yield name, datatype, as_array(tensor)

    def wanted(self):
        """What /v1/evaluate is to return for the outputs."""
        keys = {name.partition('.')[0] for name in self.outputs}
        return sorted({'ece' if key == 'ece_bins' else key for key in keys}
                      - set(FIGURES) - {'correct'})

    def evaluate(self, daemon):
        """The answer of /v1/evaluate in JSON, by the names of the outputs.  JSON has no halves and
        no shape (0,C): these are asked by safetensors, where class indices are int64."""
        if self.datatype in ('FP16', 'BF16') or self.tensors[self.stage].numel() == 0:
            status, reply = self.evaluate_safetensors(daemon)
        else:
            status, reply = daemon.evaluate(self.json())
        if status != 200:
            raise AssertionError('/v1/evaluate: %s: %d %s' % (self.name, status, reply))
        return {name: self.read(name, reply) for name in self.outputs}

    def json(self):
        dtype = 'float64' if self.datatype == 'FP64' else 'float32'
        tensors = {name: tensor.tolist() for name, tensor in self.tensors.items()}
        return {**tensors, **self.parameters, 'dtype': dtype, 'return': self.wanted()}

    def evaluate_safetensors(self, daemon):
        tensors = dict(self.tensors)
        if self.target_datatype in INTEGERS:
            tensors['targets'] = tensors['targets'].to(torch.int64)
        options = ['%s=%s' % option for option in self.parameters.items()]
        options.append('return=' + ','.join(self.wanted()))
        return daemon.post('/v1/evaluate?' + '&'.join(options), save(tensors),
                           {'Content-Type': 'application/x-safetensors',
                            'Accept': 'application/json'})

    def read(self, name, reply):
        key, _, column = name.partition('.')
        value = reply[key][column] if column else reply[key]
        exact = np.asarray(wire.numbers(value), np.float64)
        if exact.size == 0 and name in SHAPED:  # of which JSON tells no more
            exact = exact.reshape(self.tensors[self.stage].shape)
        if name in ROUNDED:
            return as_array(torch.from_numpy(exact).to(FLOATS[self.datatype]))
        return exact.astype(np.int64) if is_whole(name) else exact


def is_whole(name):
    return name in WHOLE or name.endswith(('.count', '.correct'))


def as_array(tensor):
    """The tensor in numpy, which has no bfloat16: as its bits."""
    contiguous = tensor.detach().contiguous()
    return contiguous.view(torch.int16).numpy() if tensor.dtype == torch.bfloat16 \
        else contiguous.numpy()


def predictions(model, shape, datatype, generator):
    logits = 3 * torch.randn(shape, generator=generator, dtype=torch.float64)
    axis = 1 if len(shape) > 1 else 0
    made = {'cross_entropy': logits, 'nll_loss': logits.log_softmax(axis),
            'categorical_cross_entropy': logits.softmax(axis)}[model]
    return made.to(FLOATS[datatype])


def make(name, model='cross_entropy', datatype='FP32', shape=(6, 5), targets='INT64', weights=False,
         outputs=None, **parameters):
    """A case with random tensors, the same in every run."""
    generator = torch.Generator().manual_seed(len(name) + 31 * sum(shape))
    tensors = {STAGES[model]: predictions(model, shape, datatype, generator)}
    classes = shape[1] if len(shape) > 1 else shape[0]
    positions = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if targets in INTEGERS:
        tensors['targets'] = torch.randint(0, classes, positions, generator=generator) \
            .to(INTEGERS[targets])
    else:
        tensors['targets'] = torch.rand(shape, generator=generator, dtype=torch.float64) \
            .to(FLOATS[targets])
    if weights:
        tensors['weights'] = torch.rand(classes, generator=generator, dtype=torch.float64) \
            .to(FLOATS[datatype])
    default = INDEX_TARGETS if targets in INTEGERS else ANY_TARGETS
    return Case('%s, %s %s %s' % (name, model, datatype, targets), model, datatype, targets,
                tensors, parameters, outputs or default)


def with_values(case, values):
    """The case with its first predictions replaced."""
    flat = case.tensors[case.stage].flatten()
    flat[:len(values)] = torch.tensor(values)
    tensors = {**case.tensors, case.stage: flat.reshape(case.tensors[case.stage].shape)}
    return dataclasses.replace(case, tensors=tensors)


def all_cases():
    yield make('ordinary', weights=True)  # whose many forms are asked
    for model in STAGES:
        for datatype in FLOATS:
            yield make('plain', model, datatype)
            yield make('weights', model, datatype, weights=True)
        for datatype in FLOATS:
            yield make('class probabilities', model, datatype, targets=datatype)
        yield make('weighed class probabilities', model, targets='FP32', weights=True,
                   label_smoothing=0.25)
    few = ('loss', 'losses', 'softmax', 'log_softmax', 'predictions', 'count')
    for datatype in INTEGERS:
        classes = {'INT8': 128, 'UINT8': 256, 'UINT16': 40000}.get(datatype, 300)
        case = make('targets', targets=datatype, shape=(2, classes), outputs=few, reduction='none')
        case.tensors['targets'] = torch.tensor([classes - 1, 1]).to(INTEGERS[datatype])
        yield case
    for reduction in ('mean', 'sum', 'none'):
        yield make('reduction', weights=True, reduction=reduction)
        yield make('reduction', 'nll_loss', 'FP64', shape=(4, 3, 2), reduction=reduction)
    yield make('ignored', ignore_index=2, weights=True, shape=(20, 4))
    yield make('smoothed', label_smoothing=0.125, weights=True, ignore_index=0, reduction='sum')
    yield make('k and bins', shape=(40, 8), k=2, bins=4)
    yield make('one position', shape=(5,))
    yield make('many axes', shape=(2, 3, 2, 2), reduction='none')
    yield make('no rows', shape=(0, 3), outputs=('loss', 'losses', 'softmax', 'count', 'gradient'),
               reduction='none')
    yield make('larger', shape=(300, 100), datatype='FP64', reduction='none')
    yield with_values(make('NaN', outputs=few, reduction='none'), [float('nan')])
    yield with_values(make('-Infinity', outputs=few, reduction='none'), [1, float('-inf'), -0.0])
