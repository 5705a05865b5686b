"""Published numbers: the tiny networks on which Captum and Xplique test themselves."""

import pytest
import torch
import torch.nn.functional as F
from captum.testing.helpers.basic_models import BasicModel_ConvNet_One_Conv
from torch import nn

from cnnwidgets.core import deconvnet, grad_cam, guided_backprop, input_gradient, saliency


@pytest.fixture(params=[False, True], ids=["new memory", "in place"])
def tiny(request):
    return BasicModel_ConvNet_One_Conv(inplace=request.param)


@pytest.fixture
def sixteen():
    return torch.arange(16.0).reshape(1, 1, 4, 4)


def matrix(text: str) -> torch.Tensor:
    return torch.tensor([[float(number) for number in row.split()] for row in text.split("/")])


def test_the_score_that_captum_prints(tiny, sixteen):
    assert tiny(sixteen)[0, 0].item() == 54


def test_captums_numbers(tiny, sixteen):
    def same(found, text):
        torch.testing.assert_close(found, matrix(text).reshape(found.shape), rtol=0, atol=1e-6)

    same(deconvnet(tiny, sixteen, 0), "2 3 3 1/3 5 5 2/3 5 5 2/1 2 2 1")
    same(guided_backprop(tiny, sixteen, 0), "0 1 1 1/1 3 3 2/1 3 3 2/1 2 2 1")
    same(grad_cam(tiny, sixteen, 0, "conv1"), "11.25 13.5/20.25 22.5")  # before its ReLU
    same(saliency(tiny, sixteen, 0), "0 1 1 1/0 1 1 1/0 1 1 1/0 0 0 0")


class Of(nn.Module):
    """A function of the pixels, summed to the only score."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x).flatten(1).sum(1, keepdim=True)


@pytest.mark.parametrize("shape", [(1, 1, 1, 4), (1, 1, 4, 1), (1, 4, 1, 1), (1, 1, 2, 2)])
def test_xpliques_numbers(shape):
    x = torch.tensor([5.0, 0, -5, 10]).reshape(shape)

    def same(found, wanted):
        assert found.flatten().tolist() == wanted

    ten = Of(lambda x: 10 * F.relu(x))
    squared = Of(lambda x: F.relu(x) ** 2)
    negative = Of(lambda x: -(F.relu(x) ** 2))
    same(deconvnet(ten, x, 0), [10, 10, 10, 10])
    same(guided_backprop(ten, x, 0), [10, 0, 0, 10])
    same(input_gradient(ten, x, 0), [10, 0, 0, 10])
    same(guided_backprop(negative, x, 0), [0, 0, 0, 0])
    same(deconvnet(negative, x, 0), [0, 0, 0, 0])
    same(input_gradient(negative, x, 0), [-10, 0, 0, -20])
    same(deconvnet(squared, x, 0), [10, 0, 0, 20])
    same(guided_backprop(squared, x, 0), [10, 0, 0, 20])
