"""What PyTorch makes of a case (client_cases.py), in float64.  To run: check_clients.py."""
import torch
import torch.nn.functional as F

import client_cases


class Evaluation:
    """All outputs of a case.  Class axes are moved to the end where rows are looked at."""

    def __init__(self, case):
        self.case, self.options = case, case.parameters
        self.leaf = case.tensors[case.stage].to(torch.float64).requires_grad_()
        self.axis = 1 if self.leaf.dim() > 1 else 0
        self.by_index = case.target_datatype in client_cases.INTEGERS
        self.targets = case.tensors['targets'].to(torch.int64 if self.by_index else torch.float64)
        weights = case.tensors.get('weights')
        self.classes = self.leaf.shape[self.axis]
        self.weights = None if weights is None else weights.to(torch.float64)
        self.log_p = {'logits': lambda x: x.log_softmax(self.axis), 'probabilities': torch.log,
                      'log_probabilities': lambda x: x}[case.stage](self.leaf)
        self.p = {'logits': lambda x: x.softmax(self.axis), 'probabilities': lambda x: x,
                  'log_probabilities': torch.exp}[case.stage](self.leaf)

    def loss(self, reduction):
        arguments = {name: value for name, value in self.options.items()
                     if name in ('ignore_index', 'label_smoothing')}
        if self.case.stage == 'logits':
            return F.cross_entropy(self.leaf, self.targets, self.weights, reduction=reduction,
                                   **arguments)
        if self.by_index:  # which has no smoothing: a case that wants it fails here
            return F.nll_loss(self.log_p, self.targets, self.weights, reduction=reduction,
                              **arguments)
        smoothing = self.options.get('label_smoothing', 0)
        q = (1 - smoothing) * self.targets + smoothing / self.classes
        weights = torch.ones(self.classes) if self.weights is None else self.weights
        shape = [self.classes if a == self.axis else 1 for a in range(self.leaf.dim())]
        losses = -(weights.reshape(shape) * q * self.log_p).sum(self.axis)
        return {'mean': losses.mean, 'sum': losses.sum, 'none': lambda: losses}[reduction]()

    def rows(self, tensor):
        return tensor.detach().movedim(self.axis, -1).reshape(-1, self.classes)

    def outputs(self):
        reduction = self.options.get('reduction', 'mean')
        losses, loss = self.loss('none'), self.loss(reduction)
        gradient, = torch.autograd.grad(loss.sum(), self.leaf, retain_graph=True)
        positions = losses.numel()
        counted = torch.ones(positions, dtype=torch.bool)
        if self.by_index:
            counted = self.targets.flatten() != self.options.get('ignore_index', -100)
        made = {'loss': loss, 'losses': losses, 'loss_sum': losses.sum(), 'softmax': self.p,
                'log_softmax': self.log_p, 'gradient': gradient, 'classes': self.classes,
                'predictions': self.leaf.argmax(self.axis), 'count': counted.sum(),
                'ignored': positions - counted.sum(), 'weight_sum': positions}
        if positions > 0:
            p = self.rows(self.p)[counted]
            made['entropy'] = torch.special.entr(p).sum(1).mean()
            made['confidence'] = p.max(1).values.mean()
            if self.by_index:
                made.update(self.measures(p, losses.detach().flatten()[counted], counted))
        return {name: torch.as_tensor(value).detach() for name, value in made.items()}

    def measures(self, p, losses, counted):
        """What needs class indices."""
        x, y = self.rows(self.leaf)[counted], self.targets.flatten()[counted]
        hits, at = x.argmax(1) == y, x.gather(1, y[:, None])
        rank = (x > at).sum(1) + ((x == at) & (torch.arange(self.classes) < y[:, None])).sum(1)
        weights = torch.ones(self.classes, dtype=torch.float64) if self.weights is None \
            else self.weights
        log_p = self.rows(self.log_p)[counted].gather(1, y[:, None])
        return {'correct': hits.sum(), 'accuracy': hits.double().mean(),
                'top_k_accuracy': (rank < self.options.get('k', 5)).double().mean(),
                'perplexity': (-log_p).mean().exp(), 'confusion_matrix': self.confusion(y, x),
                'brier': (p - F.one_hot(y, self.classes)).square().sum(1).mean(),
                'weight_sum': weights[y].sum(), 'per_class.loss_sum': self.by_class(y, losses),
                'per_class.weight': self.by_class(y, weights[y]),
                'per_class.count': torch.bincount(y, minlength=self.classes),
                'per_class.correct': torch.bincount(y[hits], minlength=self.classes),
                **self.calibration(p.max(1).values, hits.double())}

    def confusion(self, y, x):
        """It has classes x classes elements, too many for some cases."""
        if 'confusion_matrix' not in self.case.outputs:
            return 0
        table = torch.zeros(self.classes, self.classes, dtype=torch.int64)
        return table.index_put_((y, x.argmax(1)), torch.tensor(1), accumulate=True)

    def by_class(self, y, values):
        return torch.zeros(self.classes, dtype=torch.float64).index_add(0, y, values)

    def calibration(self, confidence, hits):
        bins = self.options.get('bins', 15)
        number = (torch.ceil(confidence * bins) - 1).long().clamp(0, bins - 1)
        count = torch.bincount(number, minlength=bins)
        mean = torch.bincount(number, confidence, minlength=bins) / count
        share = torch.bincount(number, hits, minlength=bins) / count
        gap = torch.nansum(count * (share - mean).abs()) / len(hits)
        return {'ece': gap, 'ece_bins.count': count, 'ece_bins.confidence': mean,
                'ece_bins.accuracy': share}


def difference(case, name, array, outputs):
    """What torch.testing.assert_close says of an output, '' if nothing.  A float64 made of narrower
    predictions is as good as float32."""
    got, expected = torch.from_numpy(array.copy()), outputs[name]
    if name in client_cases.ROUNDED and case.datatype == 'BF16':
        got = got.view(torch.bfloat16)
    narrow = got.dtype == torch.float64 and case.datatype != 'FP64'
    tolerance = {'rtol': 1.3e-6, 'atol': 1e-5} if narrow else {}
    try:
        torch.testing.assert_close(got, expected.to(got.dtype), equal_nan=True, **tolerance)
    except AssertionError as differs:
        return str(differs)
    return ''
