"""Runs cases through PyTorch in f64 and writes what came out, one .safetensors file per family.

A case is a module, or a function, and its inputs. Its tensors in the file, the case's name before each:

    state/NAME      the module's state dict before the call, under PyTorch's names
    in/NAME         the inputs
    out/NAME        what the call gives
    weight_of/NAME  random numbers c, one for each element of an output
    grad/NAME       gradients of sum(c * out), over all outputs, in the inputs and parameters that have one
    rate, losses    ten steps of gradient descent from `state` on 1/2 sum((out - c)^2): its learning rate and
                    its losses before each step
    after/NAME      the whole state after the last. A case without parameters descends in its differentiable
                    inputs

Weights and inputs are drawn from a generator seeded with the case's name: a new case leaves the others as
they are.
"""
import json
import os
import struct
import zlib

import numpy
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

HERE = os.path.dirname(os.path.abspath(__file__))
DTYPES = {torch.float64: "F64", torch.float32: "F32", torch.int64: "I64", torch.bool: "BOOL"}


class Family:
    def __init__(self, name):
        self.name = name
        self.tensors = {}

    def put(self, name, value):
        assert name not in self.tensors, name
        self.tensors[name] = torch.as_tensor(value).detach().clone().contiguous()

    def save(self):
        order = sorted(self.tensors, key=lambda name: (-self.tensors[name].element_size(), name))
        header, data = {"__metadata__": {"made": "by make.py with PyTorch " + torch.__version__}}, b""
        for name in order:
            x = self.tensors[name]
            raw = x.numpy().tobytes()
            header[name] = {"dtype": DTYPES[x.dtype], "shape": list(x.shape),
                            "data_offsets": [len(data), len(data) + len(raw)]}
            data += raw
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(os.path.join(HERE, "golden", self.name + ".safetensors"), "wb") as out:
            out.write(struct.pack("<Q", len(text)) + text + data)

    def case(self, name, f, inputs, call=None, fixed=(), rate=0.05):
        """`inputs` by name: a shape, of normal numbers, or a tensor. `call` takes f and the inputs and gives
        a tensor or a dict of them; without it, f takes the inputs. Inputs in `fixed` get no gradient."""
        chance = Chance(self.name + "/" + name)
        module = f if isinstance(f, torch.nn.Module) else None
        if module is not None:
            chance.fill(module)
        values = {key: chance.normal(*x) if isinstance(x, tuple) else x for key, x in inputs.items()}
        leaves = {key: x.requires_grad_() for key, x in values.items()
                  if x.is_floating_point() and key not in fixed}
        leaves.update(module.named_parameters() if module is not None else {})

        def run():
            out = call(f, **values) if call is not None else f(*values.values())
            return out if isinstance(out, dict) else {"y": out}

        def state():
            return {key: x.detach().clone() for key, x in (module.state_dict() if module else leaves).items()}

        start = state()
        put = lambda kind, tensors: [self.put(f"{name}/{kind}/{key}", x) for key, x in tensors.items()]
        put("state", start if module else {})
        put("in", values)
        outputs = run()
        put("out", outputs)
        c = {key: chance.normal(*x.shape) for key, x in outputs.items()}
        put("weight_of", c)
        gradients = torch.autograd.grad(sum((c[key] * x).sum() for key, x in outputs.items()),
                                        list(leaves.values()))
        put("grad", dict(zip(leaves, gradients)))

        if module is not None:
            module.load_state_dict(start)
        descending = dict(module.named_parameters()) if module else {}
        descending = descending or leaves
        losses = []
        for _ in range(10):
            loss = sum(((x - c[key]) ** 2).sum() / 2 for key, x in run().items())
            losses.append(loss.item())
            gradients = torch.autograd.grad(loss, list(descending.values()))
            with torch.no_grad():
                for x, g in zip(descending.values(), gradients):
                    x -= rate * g
        assert losses[-1] < losses[0], (name, losses)
        self.put(name + "/rate", rate)
        self.put(name + "/losses", losses)
        put("after", {key: x for key, x in {**descending, **(state() if module else {})}.items()})


class Chance:
    def __init__(self, name):
        self.generator = numpy.random.RandomState(zlib.crc32(name.encode()))

    def normal(self, *shape):
        return torch.from_numpy(numpy.asarray(self.generator.standard_normal(shape)))

    def fill(self, module):
        """Every weight another number: ones and zeros would hide a scale or a shift that is left out."""
        with torch.no_grad():
            for name, x in module.named_parameters():
                scale_of_a_norm = name.endswith("weight") and x.dim() == 1
                x.copy_(1 + 0.3 * self.normal(*x.shape) if scale_of_a_norm else 0.4 * self.normal(*x.shape))
            for name, x in module.named_buffers():
                if name.endswith("running_mean"):
                    x.copy_(0.3 * self.normal(*x.shape))
                elif name.endswith("running_var"):
                    x.copy_(torch.exp(0.3 * self.normal(*x.shape)))
