"""Samples altered in one place: faults above all, and values that the samples lack.

PyTorch's databases have few calls that must fail, no infinities and no old flags, so every sample
of a loss is also tried with each of these changes.  Whether one is a fault is not written here:
PyTorch is asked.  What it refuses, lossd must refuse; what it accepts is compared as any other
call.  To run it: check_torch.py.
"""
import torch


def is_indices(sample):
    return not sample.arguments['target'].is_floating_point()


def classes(sample):
    shape = sample.arguments['input'].shape
    return shape[0] if len(shape) == 1 else shape[1]


def with_first(tensor, value):
    copied = tensor.clone()
    copied.view(-1)[0] = value
    return copied


def target_above_the_classes(sample):
    target = sample.arguments['target']
    return {'target': with_first(target, classes(sample))} if is_indices(sample) else None


def target_below_zero(sample):
    index = -2 if sample.arguments.get('ignore_index') == -1 else -1
    target = sample.arguments['target']
    return {'target': with_first(target, index)} if is_indices(sample) else None


def fractional_targets(sample):
    target = sample.arguments['target']
    return {'target': target.to(sample.dtype) + 0.5} if is_indices(sample) else None


def targets_of_a_larger_batch(sample):
    target = sample.arguments['target']
    return {'target': torch.cat([target, target[:1]])} if target.dim() > 0 else None


def targets_with_an_axis_more(sample):
    return {'target': sample.arguments['target'].unsqueeze(-1)}


def targets_without_their_last_axis(sample):
    target = sample.arguments['target']
    return {'target': target[..., 0]} if target.dim() > 1 else None


def targets_all_ignored(sample):
    target = sample.arguments['target']
    ignored = sample.arguments.get('ignore_index', -100)
    return {'target': torch.full_like(target, ignored)} if is_indices(sample) else None


def predictions_without_axes(sample):
    return {'input': sample.arguments['input'].reshape(-1)[0]}


def prediction_infinite(sample):
    return {'input': with_first(sample.arguments['input'], torch.inf)}


def prediction_minus_infinite(sample):
    return {'input': with_first(sample.arguments['input'], -torch.inf)}


def prediction_not_a_number(sample):
    return {'input': with_first(sample.arguments['input'], torch.nan)}


def weights_for_a_class_more(sample):
    return {'weight': torch.ones(classes(sample) + 1, dtype=sample.dtype)}


def weights_for_no_class(sample):
    return {'weight': torch.ones(0, dtype=sample.dtype)}


def weights_all_zero(sample):
    return {'weight': torch.zeros(classes(sample), dtype=sample.dtype)}


def reduction_unknown(sample):
    return {'reduction': 'average'}


def reduction_by_size_average(sample):
    return {'size_average': False}


def reduction_by_reduce(sample):
    return {'reduce': False}


def ignore_index_with_probabilities(sample):
    return None if is_indices(sample) else {'ignore_index': 1}


def smoothing_above_one(sample):
    return {'label_smoothing': 1.25} if sample.field == 'logits' else None


def smoothing_below_zero(sample):
    return {'label_smoothing': -0.25} if sample.field == 'logits' else None


ALTERATIONS = (
    target_above_the_classes, target_below_zero, fractional_targets, targets_of_a_larger_batch,
    targets_with_an_axis_more, targets_without_their_last_axis, targets_all_ignored,
    predictions_without_axes, prediction_infinite, prediction_minus_infinite,
    prediction_not_a_number, weights_for_a_class_more, weights_for_no_class, weights_all_zero,
    reduction_unknown, reduction_by_size_average, reduction_by_reduce,
    ignore_index_with_probabilities, smoothing_above_one, smoothing_below_zero)


def altered(samples):
    """Every loss among the samples with every change that it can have.  Those in float16 and
    bfloat16 are left out: they would be requests in float32 once more."""
    for sample in samples:
        if sample.result != 'loss' or sample.dtype not in (torch.float32, torch.float64):
            continue
        for alteration in ALTERATIONS:
            changes = alteration(sample)
            if changes is not None:
                yield sample.altered(alteration.__name__, **changes)


def documented_difference(sample):
    """Why lossd refuses a call that PyTorch accepts, by README.md, "Where it differs"; or None."""
    arguments = sample.arguments
    if arguments.get('label_smoothing', 0) < 0:
        return 'a label_smoothing below 0 is an error'
    if is_indices(sample) and arguments['input'].dim() == arguments['target'].dim() == 1:
        return 'the class index of a (C) input is no list'
    return None
