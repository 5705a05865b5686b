"""Explanations by gradient against Captum, pytorch-grad-cam, and one forward pass.

The same picture, class, layer, threads and run; what is compared is the same map. All take turns, so that
they meet the same load. The bare forward pass runs under inference mode, in the faster of the two orders in
memory. The peers get what their own documentation asks for: pytorch-grad-cam and Captum a module each, and
SmoothGrad its best number of samples in a batch.
"""

import time
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

import cnnwidgets as cw
from cnnwidgets.core import grad_cam, guided_backprop, saliency, smooth_grad

from .result import Result, median

# The last maps; of DenseNet those before the last batch norm, into which the network writes in place, and
# pytorch-grad-cam would show what was written.
LAYERS = {
    "alexnet": "features.11",
    "resnet18": "layer4",
    "densenet121": "features.denseblock4",
    "vgg16": "features.29",
}
AIM = 1.15
SAMPLES = 50
NOISE = 0.15
TARGET = 3
SAMPLES_AT_ONCE = (1, 2, 5, 10, 25, 50)
SECONDS = 12.0
"""For a comparison, and longer where the least number of rounds takes longer."""
LEAST, MOST = 5, 40
"""Rounds."""

Calls = dict[str, Callable[[], Tensor]]


def run() -> list[Result]:
    _needs_the_peers()
    warnings.filterwarnings("ignore", "Setting backward hooks")
    warnings.filterwarnings("ignore", "Input Tensor 0 did not already require gradients")
    torch.manual_seed(0)
    results = []
    for name, layer in LAYERS.items():
        network = cw.load(name, weights=None)
        results += _grad_cam(name, network, layer)
    network = cw.load("resnet18", weights=None)
    return [*results, *_pixels("resnet18", network), *_smooth_grad("resnet18", network)]


def _needs_the_peers() -> None:
    try:
        import captum  # noqa: F401
        import pytorch_grad_cam  # noqa: F401
    except ImportError:
        raise RuntimeError(
            "this benchmark compares with Captum and pytorch-grad-cam: pip install 'captum>=0.7' grad-cam"
        ) from None


# --------------------------------------------------------------------------------------------------- in turns


def _in_turns(calls: Calls, seconds: float = SECONDS, least: int = LEAST) -> dict[str, list[float]]:
    """Seconds of each call in each round; the order turns with the rounds."""
    for call in calls.values():
        call()
    times = {name: [] for name in calls}
    order = list(calls)
    end = time.perf_counter() + seconds
    for done in range(MOST):
        if done >= least and time.perf_counter() > end:
            break
        for name in order:
            start = time.perf_counter()
            calls[name]()
            times[name].append(time.perf_counter() - start)
        order = order[1:] + order[:1]
    return times


def _ratio(times: dict[str, list[float]], one: str, other: str) -> float:
    """Neighbours in time meet the same load: the median of their ratios."""
    return median([a / b for a, b in zip(times[one], times[other], strict=True)])


def _milliseconds(times: dict[str, list[float]]) -> dict[str, float]:
    return {f"{name}_ms": round(1e3 * median(seconds), 1) for name, seconds in times.items()}


def _same(ours: Tensor, theirs: Tensor, tolerance: float = 1e-3) -> float:
    """The largest difference, relative to the largest value."""
    largest = float(theirs.abs().max())
    difference = float((ours - theirs).abs().max()) / largest if largest else float("inf")
    if not difference <= tolerance:
        raise AssertionError(f"another map: off by {difference:.1e} of the largest value")
    return difference


def _picture(network) -> Tensor:
    pictures = cw.samples()
    return network.read(pictures["cat" if "cat" in pictures else "temple"].image)


def _forward(module: nn.Module, x: Tensor) -> tuple[str, Callable[[], Tensor]]:
    """The bare forward pass in the order in memory that is faster for this network."""

    def passes(order: torch.memory_format) -> Callable[[], Tensor]:
        given = x.contiguous(memory_format=order)

        def call() -> Tensor:
            with torch.inference_mode():
                return module(given)

        return call

    calls = {
        "rows inside": passes(torch.contiguous_format),
        "channels inside": passes(torch.channels_last),
    }
    times = _in_turns(calls, seconds=1.0, least=3)
    best = min(calls, key=lambda name: median(times[name]))
    return best, calls[best]


# --------------------------------------------------------------------------------------------------- Grad-CAM


def _grad_cam(name: str, network, layer: str) -> list[Result]:
    from captum.attr import LayerGradCam
    from pytorch_grad_cam import GradCAM

    module, x = network.module.eval(), _picture(network)
    part = module.get_submodule(layer)
    target = int(module(x).argmax())  # a class whose map is not all zero
    if not float(grad_cam(module, x, target, layer).abs().max()):
        raise AssertionError(f"{name} has no positive evidence for its best class: another seed")
    order, forward = _forward(module, x)
    package = GradCAM(model=module, target_layers=[part])
    captum = LayerGradCam(module, part)

    def of_package() -> Tensor:
        found = torch.from_numpy(package(x, [lambda scores: scores[target]]))
        for parameter in module.parameters():
            parameter.grad = None
        return found

    calls = {
        "forward": forward,
        "ours": lambda: grad_cam(module, x, target, layer),
        "captum": lambda: captum.attribute(x, target, relu_attributions=True)[:, 0].detach(),
        "grad_cam_package": of_package,
    }
    difference = _same(calls["ours"](), calls["captum"]())
    _same(_as_they_show_it(calls["ours"](), x), of_package(), 1e-2)
    times = _in_turns(calls)
    package.activations_and_grads.release()
    details = {
        "layer": layer,
        "runs": len(times["ours"]),
        "forward_order": order,
        "difference_from_captum": difference,
        **_milliseconds(times),
    }
    what = f"Grad-CAM, {name}"
    return [
        Result(
            f"{what}, against one forward pass", _ratio(times, "ours", "forward"), "x", AIM, details=details
        ),
        Result(f"{what}, Captum against ours", _ratio(times, "captum", "ours"), "x", 1, False),
        Result(
            f"{what}, pytorch-grad-cam against ours", _ratio(times, "grad_cam_package", "ours"), "x", 1, False
        ),
    ]


def _as_they_show_it(maps: Tensor, x: Tensor) -> Tensor:
    """Scaled to 0..1 and resized, as pytorch-grad-cam returns maps."""
    from pytorch_grad_cam.utils.image import scale_cam_image

    return torch.from_numpy(scale_cam_image(scale_cam_image(maps.numpy(), tuple(x.shape[:1:-1]))))


# -------------------------------------------------------------------------------------- one way to the pixels


def _pixels(name: str, network) -> list[Result]:
    from captum.attr import GuidedBackprop, Saliency

    module, x = network.module.eval(), _picture(network)
    order, forward = _forward(module, x)
    pairs = {
        "saliency": (
            lambda: saliency(module, x, TARGET),
            lambda: Saliency(module).attribute(x.clone(), TARGET).detach().amax(1),
        ),
        "guided backprop": (
            lambda: guided_backprop(module, x, TARGET),
            lambda: GuidedBackprop(module).attribute(x.clone(), TARGET).detach(),
        ),
    }
    results = []
    for what, (ours, theirs) in pairs.items():
        difference = _same(ours(), theirs())
        times = _in_turns({"forward": forward, "ours": ours, "captum": theirs})
        details = {
            "runs": len(times["ours"]),
            "forward_order": order,
            "difference": difference,
            **_milliseconds(times),
        }
        results += [
            Result(
                f"{what}, {name}, Captum against ours",
                _ratio(times, "captum", "ours"),
                "x",
                1,
                False,
                details,
            ),
            Result(f"{what}, {name}, against one forward pass", _ratio(times, "ours", "forward"), "x"),
        ]
    return results


# ------------------------------------------------------------------------------------------------- SmoothGrad


def _smooth_grad(name: str, network) -> list[Result]:
    from captum.attr import NoiseTunnel, Saliency

    module, x = network.module.eval(), _picture(network)
    spread = NOISE * float(x.amax() - x.amin())
    method = NoiseTunnel(Saliency(module))

    def captum(at_once: int, samples: int = SAMPLES) -> Tensor:
        found = method.attribute(
            x.clone(),
            nt_type="smoothgrad",
            nt_samples=samples,
            nt_samples_batch_size=at_once,
            stdevs=spread,
            target=TARGET,
            abs=False,
        )
        return found.detach()

    # twice ten samples tell well enough which batch is the best
    tried = {}
    for at_once in SAMPLES_AT_ONCE:
        samples = max(10, at_once)
        times = _in_turns({"": lambda at_once=at_once, samples=samples: captum(at_once, samples)}, 0.0, 1)
        tried[at_once] = times[""][0] / samples
    best = min(tried, key=tried.get)

    def ours(precision: str) -> Callable[[], Tensor]:
        return lambda: smooth_grad(module, x, TARGET, SAMPLES, NOISE, precision=precision)

    calls = {"ours": ours("exact"), "fast": ours("fast"), "captum": lambda: captum(best)}
    # other noise, so another map: how alike two of Captum's own are is the measure
    found = {what: call().flatten() for what, call in calls.items()}
    alike = {
        "captum_and_captum": torch.cosine_similarity(found["captum"], captum(best).flatten(), dim=0),
        "ours_and_captum": torch.cosine_similarity(found["ours"], found["captum"], dim=0),
        "fast_and_exact": torch.cosine_similarity(found["fast"], found["ours"], dim=0),
    }
    alike = {what: round(float(value), 4) for what, value in alike.items()}
    if alike["ours_and_captum"] < alike["captum_and_captum"] - 0.05:
        raise AssertionError(f"another map: {alike}")
    times = _in_turns(calls, least=3)
    details = {
        "samples": SAMPLES,
        "runs": len(times["ours"]),
        "captum_samples_at_once": best,
        "captum_s_for_a_sample": {str(at_once): round(seconds, 4) for at_once, seconds in tried.items()},
        "alike": alike,
        **_milliseconds(times),
    }
    what = f"SmoothGrad, {SAMPLES} samples, {name}"
    return [
        Result(f"{what}, Captum against ours", _ratio(times, "captum", "ours"), "x", 1, False, details),
        Result(f"{what}, Captum against ours, fast", _ratio(times, "captum", "fast"), "x", 1, False),
    ]
