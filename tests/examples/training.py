"""A training loop that watches its validation loss: PyTorch trains on handwritten digits, and after each
epoch the logits of a validation batch are posted.  What comes back is F.cross_entropy, to 1e-6, and more
that a dashboard wants; if it ever were not, this would stop."""
import os

import requests
import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from sklearn.datasets import load_digits

URL = os.environ.get('EVALUATE_URL', 'http://127.0.0.1:8080')
EPOCHS, BATCH, VALIDATION = 5, 64, 360

torch.manual_seed(1)
digits = load_digits()
images = torch.tensor(digits.data / 16, dtype=torch.float32)
labels = torch.tensor(digits.target)
order = torch.randperm(len(labels))
validation, training = order[:VALIDATION], order[VALIDATION:]
model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
session = requests.Session()


def watch(logits, targets):
    """The loss, accuracy and calibration error of a batch, by lossd."""
    response = session.post(URL + '/v1/evaluate', params={'return': 'accuracy,ece'}, timeout=30,
                            data=save({'logits': logits, 'targets': targets}),
                            headers={'Content-Type': 'application/x-safetensors'})
    response.raise_for_status()
    tensors = load(response.content)
    return [tensors[name].item() for name in ('loss', 'accuracy', 'ece')]


for epoch in range(1, EPOCHS + 1):
    for batch in training[torch.randperm(len(training))].split(BATCH):
        optimizer.zero_grad()
        F.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()
    with torch.no_grad():
        logits = model(images[validation])
    loss, accuracy, ece = watch(logits, labels[validation])
    expected = F.cross_entropy(logits, labels[validation]).item()
    if abs(loss - expected) > 1e-6 * max(1, expected):
        raise SystemExit('lossd says %.9g, PyTorch %.9g' % (loss, expected))
    print('epoch %d: validation loss %.6f, accuracy %.3f, calibration error %.3f'
          % (epoch, loss, accuracy, ece))
