"""PyTorch's own samples: what its OpInfo and ModuleInfo give for the losses and softmaxes.

They are the inputs that PyTorch tests itself with, from torch.testing._internal.
To run them: check_torch.py.
"""
import dataclasses
import inspect
import random

import torch
import torch.nn.functional as F
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_modules import module_db

OPERATIONS = {
    'nn.functional.cross_entropy': F.cross_entropy,
    'nn.functional.nll_loss': F.nll_loss,
    'softmax': F.softmax,
    'log_softmax': F.log_softmax,
}
MODULES = ('nn.CrossEntropyLoss', 'nn.NLLLoss', 'nn.Softmax', 'nn.LogSoftmax', 'nn.Softmax2d')
DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)

# What lossd computes for an operation: the field of the request that takes its input, and the key
# of the reply that is its result.
MEANING = {
    'nn.functional.cross_entropy': ('logits', 'loss'),
    'nn.CrossEntropyLoss': ('logits', 'loss'),
    'nn.functional.nll_loss': ('log_probabilities', 'loss'),
    'nn.NLLLoss': ('log_probabilities', 'loss'),
    'softmax': ('logits', 'softmax'),
    'nn.Softmax': ('logits', 'softmax'),
    'nn.Softmax2d': ('logits', 'softmax'),
    'log_softmax': ('logits', 'log_softmax'),
    'nn.LogSoftmax': ('logits', 'log_softmax'),
}


@dataclasses.dataclass
class Sample:
    """One call of an operation: `function(**arguments)` is what PyTorch makes of it."""
    source: str  # OpInfo or ModuleInfo
    operation: str  # a key of MEANING
    variant: str
    dtype: torch.dtype
    function: callable
    arguments: dict  # by the names of the operation's parameters; `input` is the predictions

    @property
    def field(self):
        return MEANING[self.operation][0]

    @property
    def result(self):
        return MEANING[self.operation][1]

    def altered(self, variant, **changes):
        """The same with other arguments, copied: nobody may write into a tensor of two samples."""
        return dataclasses.replace(self, variant=variant, arguments={**self.arguments, **changes})

    def __str__(self):
        shown = ', '.join('%s=%s' % (name, describe(value))
                          for name, value in self.arguments.items())
        return '%s %s %s %s(%s)' % (self.source, str(self.dtype).removeprefix('torch.'),
                                    self.variant or 'sample', self.operation, shown)


def describe(value):
    if isinstance(value, torch.Tensor):
        return '%s%s' % (str(value.dtype).removeprefix('torch.'), list(value.shape))
    return repr(value)


def module_function(module):
    """A module as a function of its constructor's and its forward's arguments."""
    def call(input=None, target=None, **options):
        built = module(**options)
        return built(*[tensor for tensor in (input, target) if tensor is not None])
    return call


def bound(function, positional, named):
    """The arguments by their names; tensors lose their history."""
    arguments = inspect.signature(function).bind(*positional, **named).arguments
    return {name: value.detach() if isinstance(value, torch.Tensor) else value
            for name, value in arguments.items()}


def of_operations(errors=False):
    """Every sample of op_db, or with `errors` every call that must be refused."""
    for info in op_db:
        if info.name not in OPERATIONS:
            continue
        function = OPERATIONS[info.name]
        if errors and info.error_inputs_func is None:
            continue
        if errors:
            given = [(error.sample_input, error.sample_input.input.dtype)
                     for error in info.error_inputs('cpu', set_seed=False)]
        else:
            given = [(sample, dtype) for dtype in DTYPES if info.supports_dtype(dtype, 'cpu')
                     for sample in info.sample_inputs('cpu', dtype, set_seed=False)]
        for sample, dtype in given:
            yield Sample('OpInfo', info.name, info.variant_test_name, dtype, function,
                         bound(function, (sample.input, *sample.args), sample.kwargs))


def of_modules(errors=False):
    """Every sample of module_db, or with `errors` every call that must be refused."""
    for info in module_db:
        if info.name not in MODULES:
            continue
        make = info.module_error_inputs_func if errors else info.module_inputs_func
        for dtype in DTYPES:
            if make is None or dtype not in info.supported_dtypes('cpu'):
                continue
            for given in make(info, 'cpu', dtype, False, False):
                given = given.module_error_input if errors else given
                forward = given.forward_input
                arguments = bound(info.module_cls, given.constructor_input.args,
                                  given.constructor_input.kwargs)
                if forward is not None:
                    tensors = (*forward.args, *forward.kwargs.values())
                    arguments.update(zip(('input', 'target'), tensors))
                yield Sample('ModuleInfo', info.name, given.desc, dtype,
                             module_function(info.module_cls), arguments)


def all_samples(seed, errors=False):
    torch.manual_seed(seed)
    random.seed(seed)
    yield from of_operations(errors)
    yield from of_modules(errors)
